"""Whatever stands in the address, the page is a page: no traceback, no 5xx, no hang.

``TORCH_LOUPE_ADDRESSES`` says how many addresses to try, over all pages; 10,000 take half an hour.
"""

import asyncio
import contextlib
import http.client
import os
import random
from collections.abc import Iterator
from urllib.parse import quote, urlencode

from explainers.parameters import Choice, Flag, Number, Parameters, Spec
from tests.browser.harness import Server
from tests.reader import Reader
from ui import catalogue

COUNT = int(os.environ.get("TORCH_LOUPE_ADDRESSES", "240"))
# A session sees a few addresses, as a reader who follows links does; then the next one comes.
PER_SESSION = 24
SLOWEST_S = 5.0

NUMBERS = ("nan", "-nan", "inf", "-inf", "1e999", "-0", "1e-320", "0x10", "1_0", "٣", "½", "1,5")
NONSENSE = (
    "",
    " ",
    "null",
    "None",
    "undefined",
    "true",
    "FALSE",
    "[]",
    "{}",
    "../../etc/passwd",
    "<script>alert(1)</script>",
    "' OR 1=1 --",
    "{{7*7}}",
    "${jndi:ldap://x}",
    "%00",
    "\x00",
    "\ud7ff\U0001f525",
    "\u202e\u200b",
    "a" * 3000,
    "9" * 400,
    "(" * 500,
    "StepLR(" * 60,
    "1;" * 800,
    "__import__('os')",
    "LambdaLR(lr_lambda='9**9**9')",
)
OTHERS = ("embed", "embed_options", "device", "theme", "_", "q", "__proto__", "STREAMLIT", "slug")


def mutated(text: str, chance: random.Random) -> str:
    """Return `text` with some letters changed, dropped, doubled or moved."""
    letters = list(text)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(letters) + 1)
        letters[at : at + chance.randint(0, 3)] = chance.choice(
            ("", "0", "-", ".", "e9", ",", ";", "(", ")", "=", '"', " ", "\n", text[:7], "é")
        )
    return "".join(letters)


def value(spec: Spec, spelled: str, chance: random.Random) -> str:
    """Return something to put behind the equals sign: right, almost right, or nonsense."""
    match chance.randrange(6):
        case 0:
            return chance.choice(NONSENSE)
        case 1:
            return mutated(spelled, chance)
        case 2:
            return chance.choice(NUMBERS)
    match spec:
        case Number():
            bounds = (spec.minimum, spec.maximum, spec.minimum - 1, spec.maximum + 1)
            inside = chance.uniform(spec.minimum, spec.maximum)
            return chance.choice((*map(str, bounds), str(inside), str(int(inside)), repr(1e30)))
        case Choice():
            return chance.choice(spec.options)
        case Flag():
            return chance.choice(("true", "false"))
        case _:
            return spelled


def addresses(kind: type[Parameters], presets: list[Parameters], seed: str) -> Iterator[str]:
    """Yield query strings for one page, for ever."""
    chance = random.Random(seed)
    specs = kind.specs()
    while True:
        settings = chance.choice(presets)
        pairs = []
        for _ in range(chance.randint(0, 8)):
            if chance.random() < 0.15:
                pairs.append((chance.choice(OTHERS), chance.choice((*NONSENSE, *NUMBERS))))
                continue
            name = chance.choice(list(specs))
            spelled = specs[name].spell(getattr(settings, name))
            pairs.append((name, value(specs[name], spelled, chance)))
        query = urlencode(pairs)
        if chance.random() < 0.1:
            query = mutated(query, chance)
        if chance.random() < 0.05:
            # Bytes that are no UTF-8, and signs that a browser would have written otherwise.
            query += chance.choice(("&%ff%fe=%c0%80", "&=&==&&", "&%", "&a=%zz", "#x", "&degrees"))
        yield query


def status(server: Server, slug: str, query: str) -> int:
    """Return what the address itself answers."""
    # A connection each: the server closes one that was idle while a page was read.
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=60)
    with contextlib.closing(connection):
        connection.request("GET", f"/{slug}?{quote(query, safe='=&%#+;/?')}")
        return connection.getresponse().status


async def visit(server: Server, count: int) -> list[str]:
    """Open that many addresses, page by page in turn; return those that went wrong, and how."""
    wrong = []
    streams = {
        page.slug: addresses(
            type(page.topic.PRESETS[0].parameters),
            [preset.parameters for preset in page.topic.PRESETS],
            page.slug,
        )
        for page in catalogue.PAGES
    }
    slugs = list(streams)
    for first in range(0, count, PER_SESSION):
        async with Reader(server.url) as reader:
            for index in range(first, min(first + PER_SESSION, count)):
                slug = slugs[index % len(slugs)]
                query = next(streams[slug])
                # Another page each time: a page reads the address at the start of a visit.
                answered = status(server, slug, query)
                before = server.processor_s()
                run = await reader.go(slug, query)
                spent = server.processor_s() - before
                problems = run.exceptions()
                if run.says("Traceback"):
                    problems.append("a traceback on the page")
                if answered >= http.HTTPStatus.INTERNAL_SERVER_ERROR:
                    problems.append(f"status {answered}")
                if spent > SLOWEST_S:
                    problems.append(f"{spent:.1f} s of the processor")
                if not any(kind.key.startswith(f"{slug}.") for kind in reader.widgets.values()):
                    problems.append("no page")
                wrong += [f"/{slug}?{query}: {problem}" for problem in problems]
    return wrong


def test_no_address_breaks_a_page(app_server: Server) -> None:
    assert asyncio.run(visit(app_server, COUNT)) == []
    assert "Traceback" not in app_server.log()
    assert "exception" not in app_server.log()


def test_a_page_that_opens_with_a_refusal_goes_on_once_the_control_is_moved(
    app_server: Server,
) -> None:
    async def read(url: str) -> None:
        async with Reader(url, "initialization", query="depth=100&width=512") as reader:
            opened = await reader.open()
            assert opened.says("must be at most")
            assert opened.exceptions() == []
            depth = reader.control()
            assert depth.key == "initialization.depth"
            moved = await reader.change(depth, 5.0)
            assert moved.exceptions() == []
            assert moved.says("The first layer")

    asyncio.run(read(app_server.url))
    assert "exception" not in app_server.log()
