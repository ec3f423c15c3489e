"""Serve well: warm start, response headers, and a sentence for every exception."""

import contextlib
import gc
import importlib
import logging
import pkgutil
import secrets
from collections.abc import AsyncIterator

import anyio.to_thread
import streamlit as st
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger("torch_loupe")

# Streamlit builds its components from blob: modules, Plotly compiles with eval and styles inline.
_CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "media-src 'self' data: blob:",
        "connect-src 'self' ws: wss: blob: data:",
        "worker-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        # Teachers put pages into slides and course sites: embedding is on purpose.
        "frame-ancestors *",
    )
)
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Content-Security-Policy": _CONTENT_SECURITY_POLICY,
}


class ResponseHeaders:
    """Add the project's headers to every HTTP response."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap an ASGI app."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on; add headers where a response starts."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        await self._app(scope, receive, send_with_headers if scope["type"] == "http" else send)


MIDDLEWARE = (Middleware(ResponseHeaders),)


def get_ready() -> None:
    """Import and run what the pages use, then take it all out of the garbage collector's sight.

    Streamlit collects garbage after every run of the script. With torch imported that takes 60 ms
    and holds back what the browser waits for; what never dies need not be looked at. The topics
    run once because torch imports much of itself only when it is used.
    """
    torch = importlib.import_module("torch")
    # The pages' tensors are tiny and every run is a new thread: a pool for each costs more.
    torch.set_num_threads(1)
    # Streamlit imports pandas to look at the first component's data, and its list of emojis, a
    # pattern that takes 100 ms to compile, for the first label.
    for name in (
        "pandas",
        "nbformat",
        "packaging.tags",
        "streamlit.components.v2.manifest_scanner",
        "streamlit.emojis",
        "streamlit.material_icon_names",
    ):
        importlib.import_module(name)
    ui = importlib.import_module("ui")
    for module in pkgutil.iter_modules(ui.__path__, "ui."):
        if module.name != "ui.shell":  # the script itself
            importlib.import_module(module.name)
    catalogue = importlib.import_module("ui.catalogue")
    for page in catalogue.PAGES:
        importlib.import_module("ui.proofs").of(page.slug, "cpu")
        importlib.import_module("ui.home").thumbnail(page.slug, torch.__version__)
    gc.collect()
    gc.freeze()


_seen: set[str] = set()


def freeze_after_first_run(page: str) -> None:
    """Do the same for what a page's first run in this process has imported and made."""
    if page not in _seen:
        _seen.add(page)
        gc.freeze()


@contextlib.asynccontextmanager
async def warm_start() -> AsyncIterator[None]:
    """Get ready in a thread before the server takes its first visitor.

    The server calls itself healthy only when it is: a first visitor would otherwise wait for the
    imports, and a load balancer would send one.
    """
    await anyio.to_thread.run_sync(get_ready)
    yield


def say_what_happened(error: BaseException) -> bool:
    """Show one sentence with a short code, and write the same code with the traceback to the log.

    Args:
        error: What the script raised.

    Returns:
        True: Streamlit shows nothing of its own.
    """
    code = secrets.token_hex(3)
    log.error("exception %s", code, exc_info=error)
    st.error(
        "Something went wrong on our side, and your settings are kept. Change a control or "
        f"reload; if it stays, report the code {code}.",
        icon=":material/error:",
    )
    return True
