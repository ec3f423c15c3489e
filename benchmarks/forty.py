"""Serve the app with its pages repeated to forty over all chapters of the path, to time home.

``python -m benchmarks.settle --app benchmarks/forty.py --pages '' --rounds 0``
"""

import contextlib
import importlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, fields
from itertools import cycle
from pathlib import Path
from types import ModuleType

import streamlit as st

import app as shipped
from ui import catalogue, server

NUMBER = 40


@dataclass(frozen=True, slots=True)
class Copy(catalogue.Page):
    """A page that is another's, but for its slug, title and chapter."""

    of: catalogue.Page

    @property
    def file(self) -> Path:
        """The other's script."""
        return self.of.file

    @property
    def topic(self) -> ModuleType:
        """The other's topic."""
        return self.of.topic

    @property
    def figures(self) -> ModuleType:
        """The other's figures."""
        return self.of.figures


def repeated(number: int) -> tuple[catalogue.Page, ...]:
    """Return the catalogue's pages and copies of them, spread over all chapters, in order."""
    own = catalogue.PAGES
    chapters = cycle(chapter for stage in catalogue.PATH.values() for chapter in stage)
    copies = []
    for count, (page, chapter) in enumerate(zip(cycle(own), chapters, strict=False), 1):
        if len(own) + count > number:
            break
        values = {field.name: getattr(page, field.name) for field in fields(page)}
        values |= {"slug": f"{page.slug}_{count}", "title": f"{page.title} {count}"}
        copies.append(Copy(**values | {"chapter": chapter, "of": page}))
    return catalogue.in_reading_order(*own, *copies)


@contextlib.asynccontextmanager
async def lifespan(served: st.App) -> AsyncIterator[None]:
    """Get ready as the app does, then take in the copies: their proofs are others' too."""
    async with shipped.lifespan(served):
        catalogue.PAGES = repeated(NUMBER)
        catalogue.CHAPTERS = tuple(dict.fromkeys(page.chapter for page in catalogue.PAGES))
        # Not before: torch must not be imported until the app has got ready.
        home, search, torch = map(importlib.import_module, ("ui.home", "ui.search", "torch"))
        for page in catalogue.PAGES:
            home.thumbnail(page.slug, torch.__version__)
        search.index.cache_clear()
        search.index()
        yield


app = st.App(
    shipped.SCRIPT,
    lifespan=lifespan,
    middleware=server.middleware(),
    routes=server.routes(),
    on_script_error=server.say_what_happened,
)
