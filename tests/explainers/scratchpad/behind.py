"""Run many programs in few jailed children, behind the walls that one names.

As the helper does, but for a child that runs a list of programs: a fork costs more than a run.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]


class Children:
    """A process that was made ready to fork children."""

    def __init__(self) -> None:
        code = (
            f"import sys; sys.path.insert(0, {str(ROOT)!r}); "
            "from tests.explainers.scratchpad import behind; behind.main()"
        )
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-B", "-c", code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={"LANG": "C.UTF-8", "OMP_NUM_THREADS": "1"},
        )
        self.pid = self._process.pid

    def run(
        self, programs: tuple[str, ...], *walls: str, batch: int = 40, seconds: float = 1.0
    ) -> list[list[Any] | None]:
        """Return kind, message and line of each program's failure, and its steps and prints.

        Of a program that ended its child, None.
        """
        outcomes: list[list[Any] | None] = []
        while len(outcomes) < len(programs):
            some = programs[len(outcomes) : len(outcomes) + batch]
            done = self._ask(some, walls, seconds)
            outcomes.extend(done)
            if len(done) < len(some):
                outcomes.append(None)  # the first that is missing ended its child
        return outcomes

    def _ask(
        self, some: tuple[str, ...], walls: tuple[str, ...], seconds: float
    ) -> list[list[Any]]:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps([some, walls, seconds]).encode() + b"\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())  # type: ignore[no-any-return]

    def close(self) -> None:
        """End it."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()


def main() -> None:
    """Be that process."""
    from explainers.scratchpad import helper

    helper.warm()
    for line in sys.stdin:
        sys.stdout.write(json.dumps(_forked(*json.loads(line))) + "\n")
        sys.stdout.flush()


def _forked(some: list[str], walls: list[str], seconds: float) -> list[list[Any]]:
    from explainers.scratchpad import jail

    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            pipe = jail.enter(write, seconds * len(some) + (len(some) > 1))
            for source in some:
                os.write(pipe, json.dumps(_one(source, walls, seconds)).encode() + b"\n")
        finally:
            os._exit(0)
    os.close(write)
    text = b""
    while part := os.read(read, 1 << 16):
        text += part
    os.close(read)
    os.waitpid(child, 0)
    return [json.loads(one) for one in text.decode().splitlines()]


def _one(source: str, walls: list[str], seconds: float) -> list[Any]:
    from explainers.scratchpad import language
    from explainers.scratchpad.guarded import Guarded

    if "language" in walls:
        try:
            language.check(source)
        except ValueError as error:
            return ["ValueError", str(error), 0, 0, ""]
    trace = Guarded(
        source, seconds, values="values" in walls, operators="operators" in walls
    ).trace_here()
    printed = "".join(step.printed for step in trace.steps)
    failure = trace.failure
    if failure is None:
        return ["", "", 0, len(trace.steps), printed]
    return [failure.kind, failure.message, failure.line, len(trace.steps), printed]
