"""Count what a hosted server does: sessions, reruns by page, their time, exceptions.

Reruns are counted where they are felt. A middleware reads the messages that pass over Streamlit's
web socket: a rerun lasts from the browser's asking to the message that says it is over, the wait
for other sessions included. The messages are the wire format that Streamlit's client and server
share; nothing of Streamlit is patched. Off unless `server.METRICS` asks for it.
"""

import sys
import time
from collections.abc import Iterator

import torch
from google.protobuf.message import DecodeError
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    GC_COLLECTOR,
    PROCESS_COLLECTOR,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from explainers import scratchpad
from ui import catalogue

STREAM = "/_stcore/stream"
BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.2, 0.4, 0.8, 1.5, 3.0, 10.0, 30.0)
HOME = "home"

REGISTRY = CollectorRegistry()
REGISTRY.register(PROCESS_COLLECTOR)
REGISTRY.register(GC_COLLECTOR)
SESSIONS = Gauge("torch_loupe_sessions", "Readers connected now.", registry=REGISTRY)
OPENED = Counter("torch_loupe_sessions_opened", "Connections since the start.", registry=REGISTRY)
# Its count is the number of reruns of a page.
RERUNS = Histogram(
    "torch_loupe_rerun_seconds",
    "From a reader's change to the end of its effects.",
    ("page",),
    buckets=BUCKETS,
    registry=REGISTRY,
)
EXCEPTIONS = Counter(
    "torch_loupe_exceptions",
    "Exceptions shown to readers as a sentence and a code.",
    ("type",),
    registry=REGISTRY,
)
# Resident memory stays at its highest where free pieces lie between used ones; this tells a leak.
BLOCKS = Gauge("torch_loupe_memory_blocks", "Memory blocks that Python uses.", registry=REGISTRY)
BLOCKS.set_function(lambda: float(sys.getallocatedblocks()))


class Scratchpad(Collector):
    """Tell what readers' programs came to: the counts are the pool's own."""

    def collect(self) -> Iterator[Metric]:
        """Yield its metrics as they stand."""
        now = scratchpad.counts()
        for name, words, value in (
            ("runs", "Runs of readers' programs that are over.", now.runs),
            ("refused", "Programs refused before they ran or as they ran.", now.refused),
            ("killed", "Runs ended at their time, for their memory, or by a crash.", now.killed),
            ("cancelled", "Runs given up by their reader.", now.cancelled),
            ("seconds", "Seconds that children ran, of all runs together.", now.seconds),
            ("helpers", "Helper processes started.", now.helpers),
        ):
            yield CounterMetricFamily(f"torch_loupe_scratchpad_{name}", words, value=value)
        for name, words, value in (
            ("running", "Children that run now.", now.running),
            ("waiting", "Runs in the queue now.", now.waiting),
            ("memory_bytes", "Memory of the helper and its children.", now.memory),
        ):
            yield GaugeMetricFamily(f"torch_loupe_scratchpad_{name}", words, value=value)


REGISTRY.register(Scratchpad())


class Watch:
    """Follow the messages of one connection, and tell when a rerun is over."""

    def __init__(self) -> None:
        """Start with no rerun under way."""
        self.page = HOME
        self._asked: float | None = None

    def received(self, data: bytes) -> None:
        """Note when the browser asks for a rerun; one asked for meanwhile belongs to it."""
        try:
            message = BackMsg.FromString(data)
        except DecodeError:
            return  # Streamlit answers what is no message of its own.
        if message.WhichOneof("type") == "rerun_script" and self._asked is None:
            self._asked = time.perf_counter()

    def sent(self, data: bytes) -> float | None:
        """Return the seconds that a rerun took where this message ends one."""
        message = ForwardMsg.FromString(data)
        kind = message.WhichOneof("type")
        if kind == "navigation":
            chosen = message.navigation.page_script_hash
            for page in message.navigation.app_pages:
                if page.page_script_hash == chosen:
                    self.page = page.url_pathname or HOME
        elif (
            kind == "script_finished"
            and message.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN
            and self._asked is not None
        ):
            elapsed = time.perf_counter() - self._asked
            self._asked = None
            return elapsed
        return None


class Metered:
    """Count sessions and time reruns, as the messages pass."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap an ASGI app."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on; read what Streamlit's web socket carries."""
        if scope["type"] != "websocket" or not scope["path"].endswith(STREAM):
            await self._app(scope, receive, send)
            return
        watch = Watch()

        async def receive_and_read() -> Message:
            message = await receive()
            if message["type"] == "websocket.receive" and message.get("bytes"):
                watch.received(message["bytes"])
            return message

        async def read_and_send(message: Message) -> None:
            if message["type"] == "websocket.send" and message.get("bytes"):
                elapsed = watch.sent(message["bytes"])
                if elapsed is not None:
                    RERUNS.labels(watch.page).observe(elapsed)
            await send(message)

        OPENED.inc()
        with SESSIONS.track_inprogress():
            await self._app(scope, receive_and_read, read_and_send)


async def healthz(_: Request) -> JSONResponse:
    """Say that the server has got ready, and what it serves."""
    return JSONResponse(
        {"status": "ok", "pages": len(catalogue.PAGES), "torch": torch.__version__},
        headers={"Cache-Control": "no-store"},
    )


async def metrics(_: Request) -> Response:
    """Return all counts as Prometheus reads them."""
    return Response(generate_latest(REGISTRY), headers={"Content-Type": CONTENT_TYPE_LATEST})


ROUTES = (Route("/healthz", healthz), Route("/metrics", metrics))
