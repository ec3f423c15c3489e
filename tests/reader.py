"""Read the app without a browser: Streamlit's own messages over its own web socket.

A reader is a coroutine and a few kilobytes, so that hundreds fit beside the server. What it sends
and what it waits for is what the browser's client sends and waits for. The messages are the wire
format that Streamlit's client and server share; nothing of the server is imported.
"""

import asyncio
import http.client
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.Common_pb2 import FileURLsRequest, UploadedFileInfo
from streamlit.proto.Element_pb2 import Element
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.asyncio.client import ClientConnection

WAIT_S = 60.0
# Deliberately far above what a page sends, so that the client is never what breaks.
LARGEST_MESSAGE = 200_000_000
# One name for the web socket and for uploads, as a browser has: a proxy may go by it.
AGENT = "torch-loupe-reader"


@dataclass(frozen=True, slots=True)
class Widget:
    """A control on the page: its kind, its message, and the fragment that it reruns."""

    kind: str
    proto: Any
    fragment: str

    @property
    def label(self) -> str:
        """What stands beside it."""
        return str(self.proto.label)

    @property
    def key(self) -> str:
        """Return the key that the page gave it; ids end with it."""
        return str(self.proto.id).split("-", 2)[-1]

    def values(self) -> list[object]:
        """Return what can be chosen; a long slider's values are a hundred of them."""
        match self.kind:
            case "slider" if self.proto.type == self.proto.SLIDER:
                low, step = self.proto.min, self.proto.step
                count = round((self.proto.max - low) / step)
                return [low + step * place for place in range(0, count + 1, count // 100 + 1)]
            case "slider" | "radio" | "selectbox":
                return list(self.proto.options)
            case "button_group":
                return [option.content for option in self.proto.options]
            case "checkbox":
                return [True, False]
            case _:
                return []


@dataclass(slots=True)
class Run:
    """What one rerun brought: seconds from asking to the end of it, and messages, read and raw."""

    seconds: float
    messages: list[ForwardMsg] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)

    def elements(self) -> Iterator[Element]:
        """Yield every element that it sent."""
        for message in self.messages:
            if message.WhichOneof("type") == "delta" and message.delta.HasField("new_element"):
                yield message.delta.new_element

    def exceptions(self) -> list[str]:
        """Return what went wrong: Streamlit's own boxes, and the app's sentence with a code."""
        wrong = []
        for element in self.elements():
            kind = element.WhichOneof("type")
            if kind == "exception":
                wrong.append(f"{element.exception.type}: {element.exception.message}")
            elif kind == "alert" and "report the code" in element.alert.body:
                wrong.append(element.alert.body)
        return wrong

    def says(self, text: str) -> bool:
        """Return whether any of it holds this text, as it is or as JSON spells it."""
        wanted = text.encode(), json.dumps(text)[1:-1].encode()
        return any(form in data for form in wanted for data in self.raw)


class Reader:
    """One visitor: a session on one page, from opening it to leaving."""

    def __init__(self, base: str, slug: str = "", query: str = "", cookie: str = "") -> None:
        """Take the server's address, and the page and settings to open.

        Args:
            base: Such as ``http://127.0.0.1:8501``.
            slug: The page; home without.
            query: Without its question mark.
            cookie: The header's value, for a proxy that tells workers apart by it.
        """
        self.base, self.slug, self.query = base, slug, query
        self.cookie = cookie
        self.widgets: dict[str, Widget] = {}
        self.states: dict[str, WidgetState] = {}
        self.session = ""
        self._page_hash = ""
        self._asked = 0.0
        self._socket: ClientConnection | None = None

    async def __aenter__(self) -> Self:
        """Connect; nothing runs until `open`."""
        await self.connect()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave as a closed tab does."""
        await self.leave()

    async def connect(self) -> None:
        """Open the web socket."""
        address = urlsplit(self.base)
        headers = {"Origin": self.base} | ({"Cookie": self.cookie} if self.cookie else {})
        self._socket = await websockets.connect(
            f"ws://{address.netloc}/_stcore/stream",
            subprotocols=[websockets.Subprotocol("streamlit")],
            additional_headers=headers,
            user_agent_header=AGENT,
            max_size=LARGEST_MESSAGE,
            open_timeout=WAIT_S,
            proxy=None,
            compression=None,
        )

    async def leave(self) -> None:
        """Close the web socket."""
        if self._socket is not None:
            await self._socket.close()

    def vanish(self) -> None:
        """Break the connection without a word, as a killed browser does."""
        assert self._socket is not None
        self._socket.transport.abort()

    async def open(self) -> Run:
        """Ask for the page, and wait until it is there."""
        self.widgets.clear()
        return await self._run(ClientState(query_string=self.query, page_name=self.slug))

    async def go(self, slug: str, query: str = "") -> Run:
        """Go to another page in the same session, as a click on a link does."""
        self.slug, self.query = slug, query
        self.states.clear()
        return await self.open()

    async def change(self, widget: Widget, value: object) -> Run:
        """Set a control as a reader would, and wait until the page has followed.

        Of a component, the value is an event that it triggers and what it sends with it.
        """
        await self.send(widget, value)
        return await self.finish()

    async def send(self, widget: Widget, value: object) -> None:
        """Set a control without waiting."""
        state = WidgetState(id=widget.proto.id)
        match widget.kind:
            case "slider" if widget.proto.type == widget.proto.SLIDER:
                state.double_array_value.data.append(float(str(value)))
            case "slider":
                state.string_array_value.data.append(str(value))
            case "button_group":
                state.string_array_value.data.append(str(value))
            case "button":
                state.trigger_value = True
            case "bidi_component":
                assert isinstance(value, tuple)
                state.id = f"$$STREAMLIT_INTERNAL_KEY_{state.id}__events"
                event, sent = value
                state.json_trigger_value = json.dumps([{"event": event, "value": sent}])
            case "checkbox":
                state.bool_value = bool(value)
            case "number_input":
                state.double_value = float(str(value))
            case "file_uploader":
                assert isinstance(value, UploadedFileInfo)
                state.file_uploader_state_value.uploaded_file_info.append(value)
            case _:
                state.string_value = str(value)
        wanted = ClientState(
            query_string=self.query,
            page_script_hash=self._page_hash,
            fragment_id=widget.fragment,
        )
        if widget.kind not in {"button", "bidi_component"}:
            self.states[state.id] = state
            wanted.widget_states.widgets.extend(self.states.values())
        else:
            wanted.widget_states.widgets.extend([*self.states.values(), state])
        await self._ask(wanted)

    async def _run(self, wanted: ClientState) -> Run:
        await self._ask(wanted)
        return await self.finish()

    async def _ask(self, wanted: ClientState) -> None:
        assert self._socket is not None
        self._asked = time.perf_counter()
        await self._socket.send(BackMsg(rerun_script=wanted).SerializeToString())

    async def receive(self) -> tuple[ForwardMsg, bytes]:
        """Wait for one message; note what it says of controls and pages."""
        assert self._socket is not None
        async with asyncio.timeout(WAIT_S):
            data = await self._socket.recv()
        assert isinstance(data, bytes)
        message = ForwardMsg.FromString(data)
        kind = message.WhichOneof("type")
        if kind == "delta" and message.delta.HasField("new_element"):
            element = message.delta.new_element
            name = element.WhichOneof("type")
            if name is not None:
                inner = getattr(element, name)
                if "id" in inner.DESCRIPTOR.fields_by_name and inner.id:
                    self.widgets[inner.id] = Widget(name, inner, message.delta.fragment_id)
        elif kind == "new_session":
            self._page_hash = message.new_session.page_script_hash
            self.session = message.new_session.initialize.session_id or self.session
        elif kind == "navigation":
            self._page_hash = message.navigation.page_script_hash
        return message, data

    async def finish(self) -> Run:
        """Wait until the run that was asked for last is over, its own reruns with it."""
        run = Run(0.0)
        while True:
            message, data = await self.receive()
            run.messages.append(message)
            run.raw.append(data)
            if (
                message.WhichOneof("type") == "script_finished"
                and message.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN
            ):
                run.seconds = time.perf_counter() - self._asked
                return run

    async def upload(self, widget: Widget, name: str, data: bytes) -> Run:
        """Put a file into an uploader as the browser does, and wait until the page has followed.

        Raises:
            ConnectionError: The server does not take it; with its answer.
        """
        assert self._socket is not None
        request = FileURLsRequest(request_id=name, file_names=[name], session_id=self.session)
        await self._socket.send(BackMsg(file_urls_request=request).SerializeToString())
        while (answer := (await self.receive())[0]).WhichOneof("type") != "file_urls_response":
            pass
        (urls,) = answer.file_urls_response.file_urls
        await asyncio.to_thread(self._put, urls.upload_url, name, data)
        info = UploadedFileInfo(file_id=urls.file_id, name=name, size=len(data), file_urls=urls)
        return await self.change(widget, info)

    def _put(self, path: str, name: str, data: bytes) -> None:
        connection = http.client.HTTPConnection(urlsplit(self.base).netloc, timeout=WAIT_S)
        try:
            headers = {"Cookie": self.cookie, "User-Agent": AGENT}
            connection.request("GET", "/_stcore/health", headers=headers)
            response = connection.getresponse()
            response.read()
            header = ", ".join(response.headers.get_all("Set-Cookie") or ())
            token = SimpleCookie(header)["_streamlit_xsrf"].value
            form = (
                f'--form\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
                "Content-Type: application/octet-stream\r\n\r\n"
            ).encode()
            cookies = "; ".join(filter(None, (self.cookie, f"_streamlit_xsrf={token}")))
            headers = {
                "User-Agent": AGENT,
                "Cookie": cookies,
                "X-Xsrftoken": token,
                "Content-Type": "multipart/form-data; boundary=form",
            }
            connection.request("PUT", path, form + data + b"\r\n--form--\r\n", headers)
            response = connection.getresponse()
            answer = response.read().decode(errors="replace")
            if response.status >= http.HTTPStatus.BAD_REQUEST:
                raise ConnectionError(f"{response.status} {answer}")
        finally:
            connection.close()

    def control(self) -> Widget:
        """Return the control of the page that is moved first: a slider, or else what there is.

        Raises:
            LookupError: The page has none.
        """
        for kind in ("slider", "button_group", "radio", "checkbox", "selectbox"):
            for widget in self.widgets.values():
                if widget.kind == kind and widget.key != "device" and len(widget.values()) > 1:
                    return widget
        raise LookupError(f"nothing to change on {self.slug or '/'}")

    def find(self, kind: str, key: str = "") -> Widget:
        """Return the first control of that kind, and of that key if one is given.

        Raises:
            LookupError: There is none.
        """
        for widget in self.widgets.values():
            if widget.kind == kind and key in ("", widget.key):
                return widget
        raise LookupError(f"no {kind} {key!r} on {self.slug or '/'}")
