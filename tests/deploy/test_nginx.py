"""Two workers behind nginx: a reader stays with the one that holds the session."""

import asyncio
import http.client
import re
import urllib.request
from collections.abc import Iterator
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests import hosting
from tests.files import png
from tests.reader import Reader
from ui import catalogue
from ui.server import WORKER_COOKIE

pytestmark = pytest.mark.usefixtures("nginx")


@pytest.fixture(scope="module")
def hosted(nginx: str) -> Iterator[hosting.Hosted]:
    with hosting.hosted() as found:
        yield found


def ask(url: str, path: str, cookie: str = "") -> tuple[int, str | None]:
    """Return the status, and the worker that the answer names."""
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=10)
    connection.request("GET", path, headers={"Cookie": cookie} if cookie else {})
    response = connection.getresponse()
    response.read()
    connection.close()
    cookies = SimpleCookie(", ".join(response.headers.get_all("Set-Cookie") or ()))
    named = cookies.get(WORKER_COOKIE)
    return response.status, named.value if named else None


def test_nginx_finds_the_configuration_right(tmp_path: Path) -> None:
    text = hosting.configuration(8620, {"one": 8621, "two": 8622})
    (tmp_path / "nginx.conf").write_text(text)
    said = hosting.check(tmp_path)
    assert "test is successful" in said
    assert "[warn]" not in said.replace('the "user" directive', "")


def test_the_compose_file_and_nginx_agree_on_the_workers() -> None:
    compose = (hosting.DEPLOY / "compose.yaml").read_text()
    services = set(re.findall(r"^  (worker-[a-z]+):$", compose, re.MULTILINE))
    names = set(re.findall(r"TORCH_LOUPE_WORKER: (\w+)", compose))
    nginx = (hosting.DEPLOY / "nginx.conf").read_text()
    assert services == set(re.findall(r"server (worker-[a-z]+):8501", nginx))
    assert services == {f"worker-{name}" for name in names}
    assert names == set(re.findall(r"^\s+(\w+)\s+\1;$", nginx, re.MULTILINE))


def test_a_page_and_its_health_come_through(hosted: hosting.Hosted) -> None:
    for path in ("/", "/affine_grid?degrees=45", "/_stcore/health"):
        with urllib.request.urlopen(hosted.url + path) as response:
            assert response.status == 200
            assert response.headers["X-Content-Type-Options"] == "nosniff"
            assert WORKER_COOKIE in str(response.headers.get_all("Set-Cookie"))


@pytest.mark.parametrize(
    "path", ["/metrics", "/healthz", "/_stcore/metrics", "/_stcore/agent/openapi.json"]
)
def test_strangers_do_not_reach_what_is_for_the_host(hosted: hosting.Hosted, path: str) -> None:
    assert ask(hosted.url, path)[0] == 404


def test_the_cookie_leads_back_to_the_worker_that_set_it(hosted: hosting.Hosted) -> None:
    for name in hosted.workers:
        for _ in range(6):
            # A worker that sees its own name has nothing to say.
            answered = ask(hosted.url, "/_stcore/health", f"{WORKER_COOKIE}={name}")
            assert answered == (200, None)


def test_new_readers_are_spread_and_one_address_stays_together(hosted: hosting.Hosted) -> None:
    assert {ask(hosted.url, "/")[1] for _ in range(12)} == set(hosted.workers)
    # Without a cookie what belongs to a session goes by address, so that it meets the session.
    assert len({ask(hosted.url, "/media/nothing.png")[1] for _ in range(12)}) == 1


@pytest.mark.parametrize("name", ["one", "two"])
def test_every_page_reads_through_nginx_on_either_worker(hosted: hosting.Hosted, name: str) -> None:
    async def read() -> None:
        for entry in catalogue.PAGES:
            preset = entry.topic.PRESETS[1]
            query = urlencode(preset.parameters.address())
            cookie = f"{WORKER_COOKIE}={name}"
            async with Reader(hosted.url, entry.slug, query, cookie) as reader:
                run = await reader.open()
                assert run.exceptions() == []
                assert run.says(preset.notice)

    asyncio.run(read())


@pytest.mark.parametrize("cookie", [f"{WORKER_COOKIE}=one", f"{WORKER_COOKIE}=two", ""])
def test_an_upload_meets_its_session(hosted: hosting.Hosted, cookie: str) -> None:
    async def read() -> None:
        async with Reader(hosted.url, "affine_grid", cookie=cookie) as reader:
            await reader.open()
            run = await reader.upload(reader.find("file_uploader"), "mine.png", png(150, 100))
            assert run.exceptions() == []
            assert run.says("Left, the input, 150 by 100 pixels")

    asyncio.run(read())


def test_an_upload_over_the_limit_is_refused_at_the_door(hosted: hosting.Hosted) -> None:
    connection = http.client.HTTPConnection(hosted.url.removeprefix("http://"), timeout=10)
    connection.request("PUT", "/_stcore/upload_file/x/y", headers={"Content-Length": "7000000"})
    assert connection.getresponse().status == 413
    connection.close()
