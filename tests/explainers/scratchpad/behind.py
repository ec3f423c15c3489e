"""Run many programs in few jailed children, behind the walls that one names.

As the helper does, but for a child that runs a list of programs: a fork costs more than a run.
"""

import json
import os
import random
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

    def fuzz(self, names: list[str], calls: int, seed: int) -> list[list[Any]]:
        """Call operators behind the third wall with arguments at the edges.

        Returns of each call the operator, what it raised, cells, seconds and memory; of one that
        ended its child, the operator alone.
        """
        outcomes: list[list[Any]] = []
        names = list(names)
        while names:
            some = names[:20]
            done = self._ask(tuple(some), ("fuzz", str(calls), str(seed)), 20.0)
            outcomes.extend(done)
            if done and len(done[-1]) == 1:  # it begins behind the one that ended the child
                some = some[: some.index(done[-1][0].split(".")[0]) + 1]
            names = names[len(some) :]
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
    from tests.explainers.scratchpad import fuzzing  # noqa: F401  # in the jail it is too late

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
            pipe = jail.enter(write, min(30, seconds * len(some) + (len(some) > 1)))
            if walls[:1] == ["fuzz"]:
                _fuzzed(pipe, some, int(walls[1]), int(walls[2]))
                os._exit(0)
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
    rows = [json.loads(one) for one in text.decode().splitlines()]
    # Of a call, its name is written before it, the rest after it.
    return [
        row
        for row, after in zip(rows, [*rows, None][1:], strict=True)
        if len(row) > 1 or after is None
    ]


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


def _fuzzed(pipe: int, names: list[str], calls: int, seed: int) -> None:
    from explainers.scratchpad.operators import Operators
    from tests.explainers.scratchpad import fuzzing

    for func in fuzzing.overloads(names):
        dice = random.Random(f"{func} {seed}")
        for _ in range(calls):
            name = str(func).removeprefix("aten.")
            os.write(pipe, json.dumps([name]).encode() + b"\n")
            done = fuzzing.call(func, Operators(lambda: None), dice)
            os.write(pipe, json.dumps([name, *done, fuzzing.memory()]).encode() + b"\n")
