"""The helper: a process that imports torch once, and forks a jailed child for each run.

It is started as ``python -I -c …`` with a socket, and ends with it. It has one thread, and does
nothing but what it is asked: a fork is safe in it, which it never is in a server of many threads.
Neither side trusts what a child sends: the helper passes it on unread.
"""

import contextlib
import gc
import json
import os
import selectors
import signal
import socket
import struct
import sys
import time
from pathlib import Path
from typing import Any

from explainers.scratchpad import jail
from explainers.scratchpad.encoding import MOST_BYTES, encoded

HEAD = struct.Struct("<IIIf")
"""What stands before an answer: number of the run, how it ended, bytes that follow, seconds."""
READY, DONE, KILLED, TOO_MUCH = range(4)
"""How a run ended: the helper is ready, it answered, it was ended or crashed, it wrote too much."""
_NICENESS = 10
_WARM = """import torch
from torch import nn
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 2)
    def forward(self, x):
        return self.layer(x).relu()
torch.manual_seed(0)
net = Net()
optimizer = torch.optim.Adam(net.parameters(), lr=0.1)
x = torch.randn(4, 3)
loss = nn.functional.cross_entropy(net(x), torch.tensor([0, 1, 0, 1]))
loss.backward()
optimizer.step()
image = nn.Conv2d(1, 2, 3)(torch.ones(1, 1, 5, 5))
print(image, f"{loss:.3f}")
y = nn.Dropout()(x).softmax(1)
h = torch.ones(2, requires_grad=True).register_hook(print)
"""


class _Child:
    """A run that is under way."""

    def __init__(self, number: int, pid: int, pipe: int, until: float) -> None:
        self.number, self.pid, self.pipe, self.until = number, pid, pipe, until
        self.begun = time.monotonic()
        self.parts: list[bytes] = []
        self.size = 0
        self.how = DONE


class Helper:
    """Fork children as the socket asks."""

    def __init__(self, door: socket.socket) -> None:
        self._door = door
        self._children: dict[int, _Child] = {}
        self._asked = b""
        self._waits = selectors.DefaultSelector()
        self._waits.register(door, selectors.EVENT_READ)

    def serve(self) -> None:
        """Serve until the other side is gone."""
        self._answer(0, READY, b"", 0.0)
        try:
            while True:
                for key, _ in self._waits.select(self._patience()):
                    if key.fileobj is self._door:
                        if not self._hear():
                            return
                    elif key.data in self._children.values():
                        self._read(key.data)
                self._end_late()
        finally:
            for child in list(self._children.values()):
                os.kill(child.pid, signal.SIGKILL)

    def _patience(self) -> float | None:
        if not self._children:
            return None
        return max(0.0, min(one.until for one in self._children.values()) - time.monotonic())

    def _hear(self) -> bool:
        try:
            part = self._door.recv(1 << 16)
        except ConnectionError:
            return False
        self._asked += part
        while len(self._asked) >= 4:
            (size,) = struct.unpack_from("<I", self._asked)
            if len(self._asked) < 4 + size:
                break
            asked = json.loads(self._asked[4 : 4 + size])
            self._asked = self._asked[4 + size :]
            if "kill" in asked:
                self._kill(asked["kill"])
            else:
                self._begin(**asked)
        return bool(part)

    def _begin(self, number: int, source: str, seconds: float, walls: list[str]) -> None:
        read, write = os.pipe()
        pid = os.fork()
        if pid == 0:
            _live(write, source, seconds, walls)
        os.close(write)
        os.set_blocking(read, False)
        child = _Child(number, pid, read, time.monotonic() + jail.PATIENCE * seconds + 2)
        self._children[number] = child
        self._waits.register(read, selectors.EVENT_READ, child)

    def _read(self, child: _Child) -> None:
        try:
            part = os.read(child.pipe, 1 << 18)
        except BlockingIOError:
            return
        if not part:
            self._end(child)
            return
        child.parts.append(part)
        child.size += len(part)
        if child.size > MOST_BYTES:
            child.how = TOO_MUCH
            os.kill(child.pid, signal.SIGKILL)
            self._end(child)

    def _end(self, child: _Child) -> None:
        self._waits.unregister(child.pipe)
        os.close(child.pipe)
        os.kill(child.pid, signal.SIGKILL)  # the pipe may be closed, and the child go on
        _, status = os.waitpid(child.pid, 0)
        del self._children[child.number]
        if child.how == DONE and os.waitstatus_to_exitcode(status) not in (0, -signal.SIGKILL):
            child.how = KILLED
        whole = b"".join(child.parts)
        if child.how == DONE and not whole.endswith(b"\n"):
            child.how = KILLED
        text = whole if child.how == DONE else b""
        self._answer(child.number, child.how, text, time.monotonic() - child.begun)

    def _end_late(self) -> None:
        now = time.monotonic()
        for child in [one for one in self._children.values() if one.until <= now]:
            child.how = KILLED
            os.kill(child.pid, signal.SIGKILL)
            self._end(child)

    def _kill(self, number: int) -> None:
        child = self._children.get(number)
        if child is not None:
            child.how = KILLED
            os.kill(child.pid, signal.SIGKILL)
            self._end(child)

    def _answer(self, number: int, how: int, text: bytes, seconds: float) -> None:
        self._door.sendall(HEAD.pack(number, how, len(text), seconds) + text)


def _live(pipe: int, source: str, seconds: float, walls: list[str]) -> None:
    """Be a child: enter the jail, run, write, end."""
    code = 1
    try:
        pipe = jail.enter(pipe, seconds + 1)
        _write(pipe, _run(source, seconds, walls) + b"\n")
        code = 0
    finally:
        os._exit(code)


def _run(source: str, seconds: float, walls: list[str]) -> bytes:
    from explainers.scratchpad.guarded import Guarded  # noqa: PLC0415

    given: Any = {"values": "values" in walls, "operators": "operators" in walls}
    return encoded(Guarded(source, seconds, **given).trace_here())


def _write(pipe: int, text: bytes) -> None:
    while text:
        text = text[os.write(pipe, text) :]


def warm() -> None:
    """Import and run what programs need, and take it out of the garbage collector's sight."""
    from explainers.scratchpad.guarded import Guarded, prepare  # noqa: PLC0415

    prepare()
    trace = Guarded(_WARM, 60.0).trace_here()
    if trace.failure is not None:
        raise RuntimeError(f"{trace.failure.message}, line {trace.failure.line}")
    encoded(trace)
    gc.collect()
    gc.freeze()


def _give_way() -> None:
    """Let the server go first where both want the processor; children inherit it."""
    os.nice(_NICENESS)
    with contextlib.suppress(OSError):  # desktops weigh a session as one process: sched(7)
        Path("/proc/self/autogroup").write_text(str(_NICENESS))


def main(door: int) -> None:
    """Be the helper, at the other end of a socket."""
    import resource  # noqa: PLC0415  # not on every system that serves the page

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who ends the server, ends the socket
    _give_way()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with socket.socket(fileno=door) as other:
        warm()
        Helper(other).serve()


def command(door: int) -> list[str]:
    """Return what starts a helper: nothing of the environment leads it elsewhere."""
    root = str(Path(__file__).resolve().parents[2])
    # The server's own come last: its script's folder may have a module that Python's own library
    # has too.
    paths = [one for one in sys.path if Path(one).is_absolute()]
    code = (
        f"import sys; sys.path[:0] = [{root!r}]; sys.path += {paths!r}; "
        f"from explainers.scratchpad import helper; helper.main({door})"
    )
    return [sys.executable, "-I", "-B", "-c", code]
