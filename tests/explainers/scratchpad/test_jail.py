"""The jail is built as it says on both processors, and holds for whoever runs the server."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from explainers.scratchpad import available, jail

TABLES = {
    "x86_64": Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
    "aarch64": Path("/usr/include/asm-generic/unistd.h"),
}
"""Where the kernel's headers number its calls; ARM64 has the general numbers."""

INSIDE = """
import ctypes, errno, importlib.util, os, resource, struct
spec = importlib.util.spec_from_file_location("jail", {path!r})
jail = importlib.util.module_from_spec(spec)
spec.loader.exec_module(jail)
if os.getuid() == 0:
    os.setgroups([])
    os.setresgid(65534, 65534, 65534)
    os.setresuid(65534, 65534, 65534)
libc = ctypes.CDLL(None, use_errno=True)
assert libc.prctl(38, 1, 0, 0, 0) == 0
steps = [(0x20, 0, 0, 0)]
for call, answer in {others!r}:
    steps += [(0x15, 0, 1, call), (0x06, 0, 0, 0x00050000 | answer)]
steps += [(0x06, 0, 0, 0x7FFF0000)]
text = b"".join(struct.pack("HBBI", *step) for step in steps)
held = ctypes.create_string_buffer(text, len(text))
given = jail._Program(len(steps), ctypes.cast(held, ctypes.c_void_p))
assert libc.prctl(22, 2, ctypes.byref(given), 0, 0) == 0
assert libc.syscall({others[0][0]}, 0, 0) == -1 and ctypes.get_errno() == {others[0][1]}
jail._try_out()
"""


@pytest.mark.parametrize("machine", TABLES)
def test_the_calls_that_are_let_through_are_those_of_their_names(machine: str) -> None:
    if not TABLES[machine].exists():
        pytest.skip("the kernel's headers are not installed")
    known = re.findall(r"^#define __NR(?:3264)?_(\w+)\s+(\d+)$", TABLES[machine].read_text(), re.M)
    table = {name: int(number) for name, number in known}
    _, listed = jail._MACHINES[machine]
    assert {name: table[name] for name in listed} == listed
    assert jail._WRITE[machine] == table["write"]


@pytest.mark.parametrize("machine", TABLES)
def test_what_opens_runs_or_sends_is_let_through_on_neither_processor(machine: str) -> None:
    _, listed = jail._MACHINES[machine]
    assert listed.keys() <= jail._MACHINES["x86_64"][1].keys()
    assert not set(listed.values()) & {*jail._REFUSED[machine], jail._WRITE[machine]}
    for word in (
        "open",
        "exec",
        "fork",
        "clone",
        "sock",
        "send",
        "kill",
        "ptrace",
        "ioctl",
        "prctl",
    ):
        assert not [name for name in listed if word in name]


@pytest.mark.skipif(available() != "", reason=available())
def test_it_holds_without_privileges_and_under_a_containers_own_filter() -> None:
    """As nobody, with no new privileges, where another filter has answered some calls before.

    Docker's own profile says ENOSYS to clone3, and EPERM to what needs a capability.
    """
    numbers = {"x86_64": (435, 165, 248, 272, 321, 298), "aarch64": (435, 40, 217, 97, 280, 241)}
    calls = numbers[jail.platform.machine()]
    others = [(calls[0], 38), *((call, 1) for call in calls[1:])]
    code = INSIDE.format(path=jail.__file__, others=others)
    done = subprocess.run(
        [sys.executable, "-I", "-c", code],
        capture_output=True,
        check=False,
        timeout=120,
        env={"LANG": "C.UTF-8"},
    )
    assert json.loads(done.stdout or "{}") == {"open": []}, done.stderr.decode()
