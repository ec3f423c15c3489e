"""Serve well: warm start, response headers, and a sentence for every exception."""

import contextlib
import gc
import importlib
import logging
import secrets
import threading
from collections.abc import Iterator

import streamlit as st
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger("torch_loupe")

_HEAVY = ("torch", "torchvision.transforms.v2.functional", "cv2", "plotly.graph_objects", "nbformat")

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


def import_everything() -> None:
    """Import what the pages use, then take it all out of the garbage collector's sight.

    Streamlit collects garbage after every run of the script. With torch imported that takes 60 ms
    and holds back what the browser waits for; what never dies need not be looked at.
    """
    for name in _HEAVY:
        importlib.import_module(name)
    torch = importlib.import_module("torch")
    # The pages' tensors are tiny and every run is a new thread: a pool for each costs more.
    torch.set_num_threads(1)
    catalogue = importlib.import_module("ui.catalogue")
    for page in catalogue.PAGES:
        _ = page.topic, page.figures
        page.topic.explain(page.topic.PRESETS[0].parameters)
    importlib.import_module("ui.frame")
    gc.collect()
    gc.freeze()


@contextlib.contextmanager
def warm_start() -> Iterator[None]:
    """Import in a thread, so that the server answers at once and the first visitor waits less."""
    threading.Thread(target=import_everything, name="warm-start", daemon=True).start()
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
