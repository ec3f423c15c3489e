"""Programs run in children of a helper, some at a time, and nothing of them stays."""

import dataclasses
import gc
import importlib
import os
import random
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from benchmarks.pad import processor
from explainers import program, scratchpad
from explainers.program.lessons import Lesson
from explainers.scratchpad import helper, jail, pool
from explainers.scratchpad.pool import Pool
from tests.explainers.scratchpad.attacks import ATTACKS
from tests.explainers.scratchpad.programs import FAILING, LEAST, PROGRAMS
from ui import catalogue

pytestmark = pytest.mark.skipif(scratchpad.available() != "", reason=scratchpad.available())

SHORT = "x = torch.ones(2)\ny = x * 3\n"
SPINS = (
    "import torch\nx = torch.rand(200, 200)\n"
    "y = [i for i in range(9999) if x.sort()[0].sum() < 0]\n"
)
LOST = "x = torch.ones(2)\nwhile True:\n    x = (x @ x).exp()\n"


@pytest.fixture(scope="module")
def own() -> Iterator[Pool]:
    made = Pool()
    yield made
    made.close()


def results(own: Pool, sources: Sequence[str], **options: Any) -> list[program.Trace]:
    """Run programs, some at a time: more may not wait than the pool lets wait."""
    found: list[program.Trace] = []
    for begin in range(0, len(sources), pool.MOST_WAITING // 2):
        some = sources[begin : begin + pool.MOST_WAITING // 2]
        found += [job.result() for job in [own.submit(each, **options) for each in some]]
    return found


def lessons() -> list[tuple[str, str]]:
    """The first program of each page of lessons that the scratchpad's language has."""
    found = []
    for page in catalogue.PAGES:
        for lesson in getattr(page.topic, "LESSONS", ()):
            if isinstance(lesson, Lesson):
                source = lesson.source()
                # No two runs have one address, nor the same in cells that nobody wrote.
                if "data_ptr" in source or "F.fold(" in source:
                    continue
                try:
                    scratchpad.check(source)
                except ValueError:
                    continue
                found.append((f"{page.slug}/{lesson.slug}", source))
    return found


def test_a_lessons_program_gives_the_trace_that_it_gives_in_the_server(own: Pool) -> None:
    """Values, storages, versions, graph, changes: the walls change nothing of what is shown."""
    chosen = lessons()
    assert len(chosen) >= 20
    traces = results(own, [source for _, source in chosen[::2]], seconds=2)
    differ = []
    for (name, source), trace in zip(chosen[::2], traces, strict=True):
        ended = trace.failure is not None and trace.failure.kind == scratchpad.STOPPED
        # A busy machine's clock, not a wall.
        result = own.submit(source, seconds=2).result() if ended else trace
        if result != dataclasses.replace(program.run(source), jailed=True):
            differ.append(name)
    assert differ == []


def test_cells_behind_what_fold_makes_are_zero_too(own: Pool) -> None:
    dirt = (
        "".join(f"z{n} = torch.full((24,), 7.0)\n" for n in range(9)) + "del z0, z2, z4, z6, z8\n"
    )
    source = (
        f"{dirt}x = F.unfold(torch.arange(12.0).view(1, 1, 3, 4), (2, 3))\n"
        "y = F.fold(x, (3, 4), (2, 3))\n"
    )
    trace = own.submit(source, seconds=2).result()
    assert trace.failure is None
    y = trace.steps[-1].names["y"]
    assert isinstance(y, program.TensorState) and y.cells is not None
    memory = trace.steps[-1].memory[y.storage]
    assert memory.size > len(y.cells), "or there is nothing to see here"
    unwritten = [one for at, one in enumerate(memory.values or ()) if at not in y.cells]
    assert unwritten and not any(unwritten)


def test_what_learners_type_runs(own: Pool) -> None:
    refused = []
    taken = {}
    for name, source in PROGRAMS.items():
        try:
            scratchpad.check(source)
            taken[name] = source
        except ValueError as error:
            refused.append(f"{name}: {error}")
    traces = results(own, list(taken.values()), seconds=2)
    for name, failure in zip(taken, (trace.failure for trace in traces), strict=True):
        if name in FAILING:
            assert failure is not None and (failure.kind, failure.line) == (
                "RuntimeError",
                FAILING[name],
            )
        elif failure is not None:
            refused.append(f"{name}: {failure.message}")
    assert len(PROGRAMS) - len(refused) >= LEAST, refused
    assert all("is not available here: " in one for one in refused)


def state() -> dict[str, object]:
    """What a program could have changed in this process."""
    return {
        "folder": os.getcwd(),
        "environment": dict(os.environ),
        "modules of torch": dir(torch),
        "functions": (torch.ones, torch.seed, torch.nn.Linear.forward, torch.load),
        "dtype": torch.get_default_dtype(),
        "device": torch.get_default_device(),
        "threads": torch.get_num_threads(),
        "grad": torch.is_grad_enabled(),
        "generator": torch.random.get_rng_state().tolist(),
        "random": random.getstate(),
        "numpy": np.random.get_state()[1].tolist(),  # type: ignore[index, union-attr]
        "recursion": sys.getrecursionlimit(),
        "filters": list(warnings.filters),
        "always": torch.is_warn_always_enabled(),
        "output": (sys.stdout, sys.stderr),
        "collects": gc.isenabled(),
        "files": sorted(os.listdir("/proc/self/fd")),
        "names of this thread": threading.current_thread().name,
    }


def test_nothing_of_a_run_stays_in_this_process(own: Pool) -> None:
    own.submit(SHORT, seconds=2).result()
    before = state()
    hostile = [*ATTACKS["edges"][::6], *ATTACKS["tensors"][::9], *ATTACKS["outside"][::6]]
    for walls in ((), pool.WALLS):
        assert all(trace.jailed for trace in results(own, hostile, seconds=1, walls=walls))
    assert state() == before


def test_it_runs_in_a_child_that_is_gone_afterwards(own: Pool) -> None:
    job = own.submit("import os\nx = os.getpid()\n", seconds=1, walls=())
    pid = int(job.result().steps[-1].names["x"].text)  # type: ignore[union-attr]
    assert pid not in {os.getpid(), own.pid}
    assert not os.path.exists(f"/proc/{pid}")


def test_nothing_of_the_servers_environment_is_known_inside(
    own: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET", "hunter2")
    fresh = Pool()
    try:
        source = "import os\nx = str(dict(os.environ))\ny = open\n"
        trace = fresh.submit(source, seconds=1, walls=()).result()
    finally:
        fresh.close()
    said = str(trace.steps[-1].names["x"])
    assert "OMP_NUM_THREADS" in said
    assert "hunter2" not in said


def test_a_program_that_does_not_end_is_ended_at_its_time(own: Pool) -> None:
    for walls in (pool.WALLS, ()):  # by its own walls, and by the kernel
        trace = own.submit(SPINS, seconds=0.3, walls=walls).result()
        assert trace.failure is not None and trace.failure.kind == scratchpad.STOPPED


def test_a_crash_takes_its_own_child_alone(own: Pool) -> None:
    other = own.submit(SHORT, seconds=2)
    trace = own.submit("import ctypes\nctypes.string_at(0)\n", seconds=1, walls=()).result()
    assert trace.failure is not None and trace.failure.kind == scratchpad.STOPPED
    assert trace.steps == ()
    assert other.result().failure is None
    assert own.counts().helpers == 1


def test_a_child_that_writes_something_else_is_heard_as_nothing(own: Pool) -> None:
    for bad in ("b'x' * 99", "b'{}\\n'", "b'[[]]\\n'", "bytes(5 << 20)"):
        source = f"import os\nos.write(3, {bad})\nos._exit(0)\n"
        trace = own.submit(source, seconds=1, walls=()).result()
        assert trace.failure is not None and trace.failure.kind == scratchpad.STOPPED
    assert own.counts().helpers == 1


def test_some_run_and_the_others_wait_in_turn(own: Pool) -> None:
    jobs = [own.submit(LOST, seconds=2) for _ in range(pool.MOST_AT_ONCE)]
    late = [own.submit(SHORT, seconds=2) for _ in range(3)]
    assert [job.place() for job in jobs] == [0] * len(jobs)
    places = [job.place() for job in late]
    assert places in ([1, 2, 3], [0, 1, 2], [0, 0, 1], [0, 0, 0])
    for job in jobs:
        job.cancel()
        with pytest.raises(scratchpad.CancelledError):
            job.result()
    assert all(job.result().failure is None for job in late)
    assert [job.place() for job in late] == [0, 0, 0]


def test_too_many_may_not_wait(own: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "MOST_WAITING", 0)
    with pytest.raises(scratchpad.BusyError, match="Too many programs wait"):
        own.submit(SHORT, seconds=2, reader="a")


def test_a_readers_newer_run_cancels_the_older(own: Pool) -> None:
    older = own.submit(LOST, seconds=2, reader="a")
    others = own.submit(SHORT, seconds=2, reader="b")
    newer = own.submit(SHORT, seconds=2, reader="a")
    with pytest.raises(scratchpad.CancelledError):
        older.result()
    assert newer.result().failure is None
    assert others.result().failure is None


def test_a_helper_that_dies_is_started_again() -> None:
    mine = Pool()
    try:
        mine.submit(SHORT, seconds=2).result()
        running = mine.submit(LOST, seconds=2)
        os.kill(mine.pid, signal.SIGKILL)
        with pytest.raises(scratchpad.UnavailableError, match="the next run starts another"):
            running.result()
        assert mine.submit(SHORT, seconds=2).result().failure is None
        assert mine.counts().helpers == 2
        pid = mine.pid
    finally:
        mine.close()
    assert not os.path.exists(f"/proc/{pid}")


def test_a_helper_can_be_started_before_the_first_run_which_then_finds_it() -> None:
    mine = Pool()
    try:
        assert mine.pid == 0
        assert mine.starting()
        pid = mine.pid
        assert pid and mine.starting()
        assert mine.submit(SHORT, seconds=2).result().failure is None
        assert not mine.starting()
        assert (mine.pid, mine.counts().helpers) == (pid, 1)
    finally:
        mine.close()


def test_a_helper_that_does_not_come_up_is_not_started_over_and_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        helper, "command", lambda _: [sys.executable, "-I", "-c", "raise SystemExit"]
    )
    mine = Pool()
    assert mine.starting()
    while mine.starting():
        time.sleep(0.01)
    assert not mine.starting()
    assert mine.counts().helpers == 1
    with pytest.raises(scratchpad.UnavailableError, match="did not start"):
        mine.submit(SHORT, seconds=2).result()
    assert mine.counts().helpers == 2


def test_it_counts_what_it_does(own: Pool) -> None:
    before = own.counts()
    own.submit(SHORT, seconds=2).result()
    own.submit("x = torch.ones(9, 9).foo\n", seconds=2).result()
    own.submit("x = nn.Linear(1, 1).cuda()\n", seconds=2).result()
    own.submit("import os\nos.abort()\n", seconds=1, walls=()).result()
    after = own.counts()
    assert (after.runs - before.runs, after.refused - before.refused) == (4, 1)
    assert after.killed - before.killed == 1
    assert after.seconds > before.seconds
    assert (after.running, after.waiting) == (0, 0)
    assert 50 << 20 < after.memory < 1 << 30


@pytest.mark.parametrize("seconds", [0.0, -1.0, 11.0, float("nan")])
def test_the_seconds_have_bounds(own: Pool, seconds: float) -> None:
    with pytest.raises(ValueError, match="seconds must be above 0 and at most 10, got"):
        own.submit(SHORT, seconds=seconds)


def test_it_can_be_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(jail.SWITCH, "off")
    assert scratchpad.available() == "The scratchpad is switched off on this server."
    with pytest.raises(scratchpad.UnavailableError, match="switched off"):
        scratchpad.run(SHORT)


def test_what_the_language_has_not_does_not_start_a_helper() -> None:
    before = scratchpad.counts()
    with pytest.raises(ValueError, match="line 1: open is not available here"):
        scratchpad.run("open('a')")
    after = scratchpad.counts()
    assert after.helpers == before.helpers
    assert after.refused == before.refused + 1


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda m: m.setattr(sys, "platform", "darwin"), "needs Linux"),
        (lambda m: m.setattr("platform.machine", lambda: "s390x"), "no jail for this server's"),
        (lambda m: m.setattr(sys, "executable", "/nowhere"), "could not try out its jail"),
        (
            lambda m: m.setattr(sys, "executable", importlib.import_module("shutil").which("true")),
            "could not try out its jail",
        ),
    ],
)
def test_a_host_that_cannot_jail_says_why(
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[pytest.MonkeyPatch], None],
    sentence: str,
) -> None:
    change(monkeypatch)
    why = jail.tried()
    assert sentence in why
    assert why.endswith(".")


def test_a_jail_with_a_hole_is_found() -> None:
    """Without the filter, the same tries get out: or `available` could not see that it holds."""
    if pid := os.fork():
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        return
    open_ways = 0
    for name in ("a folder can be listed", "a file can be looked at", "a pipe can be made"):
        try:
            jail.probes()[name]()
            open_ways += 1
        except OSError:
            pass
    os._exit(0 if open_ways == 3 else 1)


def test_running_in_turn_takes_no_time_to_speak_of(own: Pool) -> None:
    """Ten statements: forty runs take what forty forks take, not more."""
    ten = "x = torch.arange(6.)\n" + "x = x * 2\n" * 9
    own.submit(ten, seconds=2).result()
    begin, spent = time.process_time(), processor(own.pid)
    for _ in range(10):
        assert len(own.submit(ten, seconds=2).result().steps) == 10
    each = (time.process_time() - begin + processor(own.pid) - spent) / 10
    assert each < 0.25  # 0.07 on a machine that is not busy


def test_a_helper_finds_pythons_own_modules_whatever_the_servers_folder_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "numbers.py").write_text("raise ImportError")
    monkeypatch.syspath_prepend(str(tmp_path))
    *python, code = helper.command(3)
    looks = code.partition("from explainers")[0] + "import numbers; print(numbers.Number)"
    done = subprocess.run([*python, looks], capture_output=True, text=True, cwd="/", check=False)
    assert (done.stdout, done.returncode) == ("<class 'numbers.Number'>\n", 0)
