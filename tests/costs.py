"""Say at the end of a run which tests were the dearest, and what each folder of them took."""

import os
import time
from collections import defaultdict
from collections.abc import Generator
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
SLOWEST = 10
# One unit of the times in /proc, in seconds.
_TICK_S = 1 / os.sysconf("SC_CLK_TCK")


def processor_s(*, children: bool) -> float:
    """Return the processor time of this process so far, in seconds.

    Args:
        children: Whether to add that of every process below it, ended ones included; Linux alone
            tells it.
    """
    if not (children and Path("/proc/self/stat").exists()):
        return time.process_time()
    times: dict[int, float] = {}
    parents: dict[int, int] = {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdecimal():
            continue
        try:
            # The name of the program, in brackets, may hold anything.
            words = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents[int(folder.name)] = int(words[1])
        times[int(folder.name)] = sum(map(int, words[11:15])) * _TICK_S
    own = os.getpid()

    def below(pid: int) -> bool:
        while pid not in (own, 0):
            pid = parents.get(pid, 0)
        return pid == own

    return sum(spent for pid, spent in times.items() if below(pid))


class Costs:
    """Collect what each test takes, from setting up to tearing down."""

    def __init__(self) -> None:
        self.wall: defaultdict[str, float] = defaultdict(float)
        self.processor: defaultdict[str, float] = defaultdict(float)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Note in the test's properties, which reach the process that reports, what it took."""
        dear = any(item.get_closest_marker(name) for name in ("browser", "server"))
        item.stash[_START] = (dear, processor_s(children=dear))
        return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Add the processor time to the last report of a test."""
        report = yield
        if call.when == "teardown":
            dear, start = item.stash[_START]
            spent = processor_s(children=dear) - start
            # What a browser that closes had spent below it is lost with it.
            report.user_properties.append((_PROCESSOR, max(0.0, spent)))
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add up."""
        self.wall[report.nodeid] += report.duration
        for name, value in report.user_properties:
            if name == _PROCESSOR:
                assert isinstance(value, float)
                self.processor[report.nodeid] += value

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Write the table."""
        write = terminalreporter.write_line
        terminalreporter.section("what the tests took, in seconds (of the processor)")
        folders: dict[str, list[str]] = {}
        for test in self.wall:
            path = test.partition("::")[0].split("/")[1:]
            folders.setdefault(path[0] if len(path) > 1 else ".", []).append(test)
        for folder, tests in sorted(folders.items(), key=lambda pair: -self._of(*pair[1])[1]):
            wall, processor = self._of(*tests)
            write(f"{wall:7.1f} ({processor:7.1f})  {folder}, {len(tests)} tests")
        for test in sorted(self.wall, key=lambda test: -self._of(test)[1])[:SLOWEST]:
            wall, processor = self._of(test)
            write(f"{wall:7.1f} ({processor:7.1f})  {test}")

    def _of(self, *tests: str) -> tuple[float, float]:
        return sum(self.wall[t] for t in tests), sum(self.processor[t] for t in tests)


_START = pytest.StashKey[tuple[bool, float]]()
_PROCESSOR = "processor"
