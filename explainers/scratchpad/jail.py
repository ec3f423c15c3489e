"""The fourth wall: the jail. A process gives up, for good, all but computing and one pipe.

`enter` is called in a child right after its fork. What the child may still ask of the kernel is a
list of calls that touch nothing outside of it: memory, clocks, its own end, and writing to the file
that it is left with. Linux's seccomp holds it (Documentation/userspace-api/seccomp_filter.rst),
resource limits bound memory and time. Nothing here imports torch.
"""

import contextlib
import ctypes
import errno
import json
import os
import platform
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

MOST_MEMORY = 256 << 20
"""Bytes that a child may take beyond what it was born with."""

PATIENCE = 3.0
"""How many times its seconds may pass until a run is ended, on a busy machine. It is killed two
seconds later."""

_PR_SET_PDEATHSIG, _PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS = 1, 22, 38
_SECCOMP_MODE_FILTER = 2
_KILL, _ERRNO, _ALLOW = 0x80000000, 0x00050000, 0x7FFF0000
_LOAD, _EQUALS, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_X32 = 0x40000000

# Machine: the audit number of its calls, and the numbers of those that are let through.
_MACHINES: Mapping[str, tuple[int, Mapping[str, int]]] = {
    "x86_64": (
        0xC000003E,
        {
            "close": 3, "lseek": 8, "mmap": 9, "mprotect": 10, "munmap": 11, "brk": 12,
            "rt_sigprocmask": 14, "rt_sigreturn": 15, "sched_yield": 24, "mremap": 25,
            "madvise": 28, "nanosleep": 35, "getpid": 39, "exit": 60, "getrusage": 98,
            "times": 100, "sigaltstack": 131, "gettid": 186, "time": 201, "futex": 202,
            "sched_getaffinity": 204, "restart_syscall": 219, "clock_gettime": 228,
            "clock_getres": 229, "clock_nanosleep": 230, "exit_group": 231, "getrandom": 318,
            "rseq": 334, "getcpu": 309, "gettimeofday": 96,
        },
    ),
    "aarch64": (
        0xC00000B7,
        {
            "close": 57, "lseek": 62, "mmap": 222, "mprotect": 226, "munmap": 215, "brk": 214,
            "rt_sigprocmask": 135, "rt_sigreturn": 139, "sched_yield": 124, "mremap": 216,
            "madvise": 233, "nanosleep": 101, "getpid": 172, "exit": 93, "getrusage": 165,
            "times": 153, "sigaltstack": 132, "gettid": 178, "futex": 98,
            "sched_getaffinity": 123, "restart_syscall": 128, "clock_gettime": 113,
            "clock_getres": 114, "clock_nanosleep": 115, "exit_group": 94, "getrandom": 278,
            "rseq": 293, "getcpu": 168, "gettimeofday": 169,
        },
    ),
}  # fmt: skip
_WRITE = {"x86_64": 1, "aarch64": 64}


def enter(pipe: int, seconds: float, memory: int = MOST_MEMORY) -> int:
    """Give up all but computing and writing to one pipe, for good; return the pipe's new number.

    Args:
        pipe: The file that is kept; every other is closed.
        seconds: Of the processor until the kernel kills the process.
        memory: Bytes that it may take beyond what it has.

    Raises:
        OSError: The kernel does not do it.
    """
    import resource  # noqa: PLC0415  # not on every system that serves the page

    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in range(3):
        if pipe != standard:
            os.dup2(nothing, standard)
    kept = 3
    if pipe != kept:
        os.dup2(pipe, kept)
    with contextlib.suppress(OSError):  # who takes too much of the machine's memory, dies first
        Path("/proc/self/oom_score_adj").write_text("1000")
    mapped = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    os.closerange(kept + 1, 1 << 20)
    whole = max(1, int(seconds + 0.999))
    for limit, most in (
        (resource.RLIMIT_CPU, whole),
        (resource.RLIMIT_AS, mapped + memory),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_MEMLOCK, 0),
        (resource.RLIMIT_MSGQUEUE, 0),
    ):
        resource.setrlimit(limit, (most, most))
    _filter(kept)
    return kept


def program(machine: str, pipe: int) -> bytes:
    """Return the filter: who asks for what is not listed is told EPERM."""
    number, listed = _MACHINES[machine]
    refuse = _ERRNO | errno.EPERM
    steps = [
        (_LOAD, 0, 0, 4),  # the machine that the call is made for
        (_EQUALS, 1, 0, number),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, 0),  # the call
    ]
    if machine == "x86_64":  # its other way to count the calls
        steps += [(_AT_LEAST, 0, 1, _X32), (_RETURN, 0, 0, _KILL)]
    for call in sorted(listed.values()):
        steps += [(_EQUALS, 0, 1, call), (_RETURN, 0, 0, _ALLOW)]
    steps += [
        (_EQUALS, 1, 0, _WRITE[machine]),
        (_RETURN, 0, 0, refuse),
        (_LOAD, 0, 0, 16),  # the file that is written, its lower half
        (_EQUALS, 1, 0, pipe),
        (_RETURN, 0, 0, refuse),
        (_RETURN, 0, 0, _ALLOW),
    ]
    return b"".join(struct.pack("HBBI", *step) for step in steps)


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("steps", ctypes.c_void_p))


def _filter(pipe: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    steps = program(platform.machine(), pipe)
    held = ctypes.create_string_buffer(steps, len(steps))
    given = _Program(len(steps) // 8, ctypes.cast(held, ctypes.c_void_p))
    long = ctypes.c_ulong
    for call in (
        (_PR_SET_PDEATHSIG, long(signal.SIGKILL)),
        (_PR_SET_NO_NEW_PRIVS, long(1)),
        (_PR_SET_SECCOMP, long(_SECCOMP_MODE_FILTER), ctypes.byref(given)),
    ):
        arguments = (*call, *(long(0) for _ in range(5 - len(call))))
        if libc.prctl(*arguments) != 0:
            raise OSError(ctypes.get_errno(), f"prctl {call[0]}")


# -- whether this host can

SWITCH = "TORCH_LOUPE_SCRATCHPAD"
"""Environment: "off" switches the scratchpad off."""


def available() -> str:
    """Say in one sentence why this host cannot jail a run; "" where it can."""
    if os.environ.get(SWITCH) == "off":
        return "The scratchpad is switched off on this server."
    if "" not in _FOUND:
        why = tried()
        if why == _UNTRIED:  # the machine may have been too busy
            return why
        _FOUND[""] = why
    return _FOUND[""]


_FOUND: dict[str, str] = {}
_UNTRIED = "The scratchpad could not try out its jail on this server."


def tried() -> str:
    """Try the jail out, and say in one sentence why it is none; "" where it holds."""
    if sys.platform != "linux":
        return "The scratchpad needs Linux to lock programs in; this server runs another system."
    if platform.machine() not in _MACHINES:
        return f"The scratchpad has no jail for this server's processor ({platform.machine()})."
    here = str(Path(__file__).resolve())
    try:
        done = subprocess.run(
            [sys.executable, "-I", here],
            capture_output=True, timeout=60, check=False, cwd="/",
            env={"LANG": "C.UTF-8"}, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        answer = json.loads(done.stdout)
    except (OSError, ValueError, subprocess.SubprocessError):
        return _UNTRIED
    if answer.get("why"):
        return f"The scratchpad's jail cannot be built on this server: {answer['why']}."
    if answer.get("open"):
        return f"The scratchpad's jail does not hold on this server: {', '.join(answer['open'])}."
    return ""


# ioctl, pread64, shmget, fcntl, ptrace, prctl, setrlimit, mount, init_module, keyctl, unshare,
# perf_event_open, setns, process_vm_readv and writev, prlimit64, seccomp, bpf, userfaultfd,
# io_uring_setup, pidfd_open, clone3, openat2, mount_setattr, mlock, kill, prlimit, personality
_REFUSED: Mapping[str, tuple[int, ...]] = {
    "x86_64": (
        16, 17, 29, 72, 101, 157, 160, 165, 175, 250, 272, 298, 308, 310, 311, 302, 317, 321, 323,
        425, 434, 435, 437, 442, 149, 62, 135,
    ),
    "aarch64": (
        29, 67, 194, 25, 117, 167, 164, 40, 105, 219, 97, 241, 268, 270, 271, 261, 277, 280, 282,
        425, 434, 435, 437, 442, 228, 129, 92,
    ),
}  # fmt: skip


def probes() -> Mapping[str, Callable[[], object]]:
    """Return what must fail inside: each touches something outside of the process."""
    libc = ctypes.CDLL(None, use_errno=True)

    def by_number(number: int) -> Callable[[], object]:
        def call() -> int:
            given = libc.syscall(number, 0, 0, 0, 0, 0, 0)
            if given < 0:
                raise OSError(ctypes.get_errno(), "refused")
            return int(given)

        return call

    def threaded() -> None:
        import _thread  # noqa: PLC0415

        try:
            _thread.start_new_thread(lambda: None, ())
        except RuntimeError as error:
            raise OSError(errno.EPERM, str(error)) from None

    return {
        "a file can be read": lambda: os.open("/etc/passwd", os.O_RDONLY),
        "a file can be written": lambda: os.open("/tmp/torch-loupe", os.O_CREAT | os.O_WRONLY),
        "a folder can be listed": lambda: os.listdir("/"),
        "a file can be looked at": lambda: os.stat("/"),
        "a file can be removed": lambda: os.unlink("/tmp/torch-loupe"),
        "a folder can be made": lambda: os.mkdir("/tmp/torch-loupe"),
        "the network can be used": socket.socket,
        "a pair of sockets can be made": socket.socketpair,
        "a process can be made": os.fork,
        "a thread can be made": threaded,
        "a program can be run": lambda: os.execv("/bin/true", ["true"]),
        "a signal can be sent": lambda: os.kill(os.getppid(), 0),
        "a signal can be caught": lambda: signal.signal(signal.SIGXCPU, signal.SIG_IGN),
        "a timer can be set": lambda: signal.setitimer(signal.ITIMER_REAL, 9),
        "what is open can be copied": lambda: os.dup(3),
        "a pipe can be made": os.pipe,
        "the output can be written": lambda: os.write(1, b"x"),
        "the folder can be changed": lambda: os.chdir("/"),
        "the user can be changed": lambda: os.setuid(0),
        "shared memory can be made": lambda: os.memfd_create("x"),
        "the system can be asked for": os.uname,
        **{f"call {number} is open": by_number(number) for number in _REFUSED[platform.machine()]},
    }  # fmt: skip


def _try_out() -> None:
    """Build a jail, try to get out of it, and write what came of it. For a process of its own."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        tried = probes()
        try:
            pipe = enter(write, 5)
        except Exception as error:
            os.write(write, json.dumps({"why": str(error)}).encode())
            os._exit(0)
        ways = []
        for name, way in tried.items():
            try:
                way()
                ways.append(name)
            except OSError as error:
                if error.errno != errno.EPERM:
                    ways.append(f"{name} ({error.strerror})")
        os.write(pipe, json.dumps({"open": ways}).encode())
        os._exit(0)
    os.close(write)
    answer = b""
    while part := os.read(read, 1 << 16):
        answer += part
    os.waitpid(child, 0)
    os.write(1, answer or b'{"why": "the process in it was ended"}')


if __name__ == "__main__":
    _try_out()
