"""Serve Torch Loupe: `streamlit run app.py`, or `uvicorn app:app`."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import streamlit as st

from ui import server

SCRIPT = Path(__file__).resolve().parent / "ui" / "shell.py"


@contextlib.asynccontextmanager
async def lifespan(_: st.App) -> AsyncIterator[None]:
    """Get ready before the first visitor comes."""
    async with server.warm_start():
        yield


app = st.App(
    SCRIPT,
    lifespan=lifespan,
    middleware=server.middleware(),
    routes=server.routes(),
    on_script_error=server.say_what_happened,
)
