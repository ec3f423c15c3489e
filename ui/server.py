"""Serve well: warm start, response headers, and a sentence for every exception."""

import contextlib
import ctypes
import gc
import importlib
import logging
import os
import pkgutil
import re
import secrets
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import anyio.to_thread
import streamlit as st
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import HTTPConnection
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger("torch_loupe")

# The pages' tensors are tiny, and where another process wants the cores, a pool's threads burn them
# waiting for each other. Set before anything imports torch, as the metrics do: every run is a new
# thread, and in one `torch.set_num_threads` no longer holds once `torch.randn` was called.
os.environ.setdefault("OMP_NUM_THREADS", "1")

METRICS = "TORCH_LOUPE_METRICS"
"""Environment: "1" serves ``/healthz`` and ``/metrics``. Keep both from strangers."""
WORKER = "TORCH_LOUPE_WORKER"
"""Environment: this process's name among several behind one proxy (see `deploy/`)."""
WORKER_COOKIE = "torch_loupe_worker"

GARBAGE_EVERY_S = 30.0

# Of glibc's malloc.h.
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -2, -3, -8

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


class Named:
    """Give readers a cookie with the name of the process that answers them.

    A session lives in one process. A proxy that goes by this cookie sends all that belongs to the
    session there; and once another process had to step in, to that one.
    """

    def __init__(self, app: ASGIApp, name: str) -> None:
        """Wrap an ASGI app; `name` is what the proxy knows this process by."""
        self._app, self._name = app, name

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on; where the browser's cookie says otherwise, set it."""
        if (
            scope["type"] != "http"
            or HTTPConnection(scope).cookies.get(WORKER_COOKIE) == self._name
        ):
            await self._app(scope, receive, send)
            return

        async def send_with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start":
                cookie = f"{WORKER_COOKIE}={self._name}; Path=/; HttpOnly; SameSite=Lax"
                MutableHeaders(scope=message).append("Set-Cookie", cookie)
            await send(message)

        await self._app(scope, receive, send_with_cookie)


def middleware() -> list[Middleware]:
    """Return what stands around the app, as the environment asks.

    Raises:
        ValueError: The worker's name would not do in a cookie.
    """
    around = [Middleware(ResponseHeaders)]
    if name := os.environ.get(WORKER, ""):
        if not re.fullmatch(r"[a-z0-9-]{1,32}", name):
            raise ValueError(f"{WORKER} must be 1 to 32 of a-z, 0-9 and -, got {name}")
        around.append(Middleware(Named, name=name))
    if metered():
        around.append(Middleware(importlib.import_module("ui.metrics").Metered))
    return around


def routes() -> list[BaseRoute]:
    """Return the addresses beside Streamlit's own, as the environment asks."""
    return list(importlib.import_module("ui.metrics").ROUTES) if metered() else []


def metered() -> bool:
    """Return whether the environment asks for health and metrics."""
    return os.environ.get(METRICS) == "1"


def get_ready() -> None:
    """Import and run what the pages use, then take it all out of the garbage collector's sight.

    With torch imported a collection takes 60 ms, in which nobody is served; what never dies need
    not be looked at. The topics run once because torch imports much of itself only when it is used.
    """
    torch = importlib.import_module("torch")
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
    for page in importlib.import_module("ui.catalogue").PAGES:
        run_once(page.slug, torch.__version__)
    importlib.import_module("explainers.program").warm()
    importlib.import_module("ui.search").index()
    gc.collect()
    gc.freeze()


def run_once(slug: str, torch_version: str) -> None:
    """Prove a page and draw its card, so that its first reader need not wait for it.

    A machine that is busy enough ends a lesson's run before its time. That keeps no server from
    starting: whoever opens the page runs it anew.
    """
    try:
        importlib.import_module("ui.proofs").of(slug, "cpu")
        importlib.import_module("ui.home").thumbnail(slug, torch_version)
    except Exception:
        log.exception("%s did not run at the start", slug)


def keep_freed_memory() -> None:
    """Let glibc keep what a run has freed for the next one, where it is the allocator.

    By default it gives most of it back, and a run of 8 MB of small tensors waits for 2,000 page
    faults, a fifth of its time. A heap for each thread would keep too much, and one for all would
    be a lock that they wait for.
    """
    with contextlib.suppress(OSError, AttributeError, TypeError):  # not Linux, or another libc
        mallopt = ctypes.CDLL(None).mallopt
        for option, value in (
            (_M_ARENA_MAX, 4),
            (_M_TRIM_THRESHOLD, 8 << 20),
            (_M_TOP_PAD, 1 << 20),
            (_M_MMAP_THRESHOLD, 4 << 20),
        ):
            mallopt(option, value)


_seen: set[str] = set()


def freeze_after_first_run(page: str) -> None:
    """Do the same for what a page's first run in this process has imported and made."""
    if page not in _seen:
        _seen.add(page)
        gc.freeze()


def send_at_once() -> None:
    """Turn Nagle's algorithm off on the TCP sockets that this process listens on.

    A run's messages are many and small. With the algorithm on, those after the first wait until
    the reader's machine has confirmed it, for which it takes up to 40 ms: longer than a run. What
    a socket accepts inherits the option. asyncio sets it only where the socket names its protocol,
    which Streamlit's does not.
    """
    for entry in Path("/dev/fd").glob("*"):  # none on Windows
        with (
            contextlib.suppress(OSError),  # closed meanwhile, or no TCP socket
            socket.fromfd(int(entry.name), socket.AF_INET, socket.SOCK_STREAM) as found,
        ):
            if found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


@contextlib.asynccontextmanager
async def warm_start() -> AsyncIterator[None]:
    """Get ready in a thread before the server takes its first visitor.

    The server calls itself healthy only when it is: a first visitor would otherwise wait for the
    imports, and a load balancer would send one.
    """
    send_at_once()
    keep_freed_memory()
    await anyio.to_thread.run_sync(get_ready)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(collect_garbage)
        yield
        tasks.cancel_scope.cancel()


async def collect_garbage() -> None:
    """Collect now and then what readers have left behind.

    Streamlit would do it after every run (`runner.postScriptGC`, off in the configuration), and
    look at everything that every session holds: with 16 readers that was four fifths of all the
    processor's time. Python's own collector counts objects, not the tensors' memory behind them.
    """
    while True:
        await anyio.sleep(GARBAGE_EVERY_S)
        gc.collect()


def say_what_happened(error: BaseException) -> bool:
    """Show one sentence with a short code, and write the same code with the traceback to the log.

    Args:
        error: What the script raised.

    Returns:
        True: Streamlit shows nothing of its own.
    """
    code = secrets.token_hex(3)
    if metered():
        importlib.import_module("ui.metrics").EXCEPTIONS.labels(type(error).__name__).inc()
    log.error("exception %s", code, exc_info=error)
    st.error(
        "Something went wrong on our side; your settings are kept. Change a control or "
        f"reload; if it stays, report the code {code}.",
        icon=":material/error:",
    )
    return True
