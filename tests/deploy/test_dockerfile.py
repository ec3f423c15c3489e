"""What the Dockerfile copies, starts and asks really serves, without a container engine."""

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.browser.harness import ROOT, free_port, running
from tests.hosting import DEPLOY
from tests.reader import Reader
from ui import catalogue

Instruction = tuple[str, str]


def instructions() -> list[Instruction]:
    """Read the Dockerfile: each instruction and its words, in order."""
    text = (DEPLOY / "Dockerfile").read_text("utf-8")
    text = re.sub(r"^#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", " ")
    lines = (line.split(maxsplit=1) for line in text.splitlines() if line.strip())
    return [(name, rest.strip()) for name, rest in lines]


def words(wanted: str) -> list[str]:
    return [rest for name, rest in instructions() if name == wanted]


def environment() -> dict[str, str]:
    pairs = " ".join(words("ENV")).split()
    return dict(pair.split("=", 1) for pair in pairs)


def copies() -> list[tuple[str, str]]:
    """Return what is copied, and to where."""
    return [(source, place) for source, place in (rest.split() for rest in words("COPY"))]


def test_it_runs_as_nobody_in_particular() -> None:
    names = [name for name, _ in instructions()]
    assert words("USER") == ["loupe"]
    assert "useradd" in " ".join(words("RUN"))
    # Nothing is copied or installed after root has left.
    assert not {"RUN", "COPY"} & set(names[names.index("USER") :])


def test_the_build_context_holds_what_is_copied() -> None:
    allowed = [line[1:] for line in (ROOT / ".dockerignore").read_text().split() if line[0] == "!"]
    assert sorted(source for source, _ in copies()) == sorted(allowed)
    assert all((ROOT / source).exists() for source, _ in copies())


def test_no_index_of_packages_is_written_down() -> None:
    assert not re.search(r"https?://(?!127)", (DEPLOY / "Dockerfile").read_text())
    assert words("ARG") == ["TORCH_INDEX"]


def test_the_entry_command_serves_every_page_from_what_is_copied(tmp_path: Path) -> None:
    for source, place in copies():
        target = tmp_path / (Path(source).name if place == "./" else place)
        if (ROOT / source).is_dir():
            shutil.copytree(ROOT / source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            target = tmp_path / place / Path(source).name
            target.parent.mkdir(exist_ok=True)
            shutil.copy(ROOT / source, target)
    port = free_port()
    (entry,) = words("CMD")
    (health,) = (rest.partition("CMD ")[2] for rest in words("HEALTHCHECK"))
    # The image's python is the one on its path; here it is the one that runs the tests.
    around = environment() | {
        "STREAMLIT_SERVER_PORT": str(port),
        "STREAMLIT_SERVER_ADDRESS": "127.0.0.1",
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }

    def healthy() -> int:
        command = json.loads(health)
        return subprocess.run(
            command, env={**os.environ, **around}, check=False, capture_output=True
        ).returncode

    async def read(url: str) -> None:
        for slug in ("", *(page.slug for page in catalogue.PAGES)):
            async with Reader(url, slug) as reader:
                assert (await reader.open()).exceptions() == []

    assert healthy() != 0
    with running(json.loads(entry), port, folder=tmp_path, environment=around) as server:
        assert healthy() == 0
        asyncio.run(read(server.url))
        assert "Traceback" not in server.log()
