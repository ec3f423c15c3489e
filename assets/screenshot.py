"""Take the README's picture: ``python -m assets.screenshot`` (``make screenshot``)."""

import argparse
import io
from contextlib import ExitStack
from pathlib import Path
from typing import Literal, TypeAlias

from PIL import Image
from playwright.sync_api import ViewportSize, sync_playwright

from tests.browser.harness import launch, serving, settled, watch_rest

OUTPUT = Path(__file__).with_name("screenshot.png")
MAX_BYTES = 400_000
VIEWPORT: ViewportSize = {"width": 1280, "height": 900}

Scheme: TypeAlias = Literal["light", "dark"]


def take(url: str, scheme: Scheme) -> bytes:
    """Return a PNG of the page's first screenful, 1280 x 900 CSS pixels."""
    with sync_playwright() as playwright:
        browser = launch(playwright)
        context = watch_rest(browser.new_context(viewport=VIEWPORT, color_scheme=scheme))
        page = context.new_page()
        page.goto(url)
        settled(page, quiet_ms=1000)
        picture = page.screenshot(animations="disabled")
        browser.close()
    return picture


def optimised(png: bytes) -> bytes:
    """Return the smallest of the picture as it is and in 256 colours that stays under the limit.

    Raises:
        ValueError: Neither does.
    """
    whole = Image.open(io.BytesIO(png)).convert("RGB")
    for image in (whole, whole.quantize(256, dither=Image.Dither.NONE)):
        buffer = io.BytesIO()
        image.save(buffer, "PNG", optimize=True)
        if buffer.tell() < MAX_BYTES:
            return buffer.getvalue()
    raise ValueError(f"picture must be under {MAX_BYTES} bytes, got {buffer.tell()}")


def main() -> None:
    """Read the command line, take the picture and write it."""
    parser = argparse.ArgumentParser(description="Take the README's picture of the running app.")
    parser.add_argument("--page", default="", metavar="SLUG", help="the page (home)")
    parser.add_argument("--query", default="", help="its address's query, e.g. 'degrees=30'")
    parser.add_argument("--url", help="an app that runs already; without it app.py is served")
    parser.add_argument("--scheme", default="light", choices=["light", "dark"])
    parser.add_argument("--output", type=Path, default=OUTPUT)
    args = parser.parse_args()
    with ExitStack() as stack:
        base = args.url or stack.enter_context(serving("app.py")).url
        query = f"?{args.query}" if args.query else ""
        png = optimised(take(f"{base.rstrip('/')}/{args.page}{query}", args.scheme))
    args.output.write_bytes(png)
    print(f"{args.output}: {len(png) / 1000:.0f} kB")


if __name__ == "__main__":
    main()
