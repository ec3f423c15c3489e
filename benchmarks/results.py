"""Keep benchmarks/RESULTS.md: one section for each benchmark, with the machine and the date."""

import datetime
import math
import os
import platform
import re
import subprocess
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

FILE = Path(__file__).with_name("RESULTS.md")
HEAD = """# Results

Written by the benchmarks themselves, each into its own section, when run with `--record`. The
machine is named, for a number without it says nothing; "limit" is what the benchmark fails beyond.
"""


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that `share` of all, from 0 to 1, do not exceed."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def machine() -> str:
    """Return what the figures were measured on."""
    info = Path("/proc/cpuinfo")
    names = re.findall(r"model name\s*: (.*)", info.read_text()) if info.exists() else []
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    name = names[0].strip() if names else platform.machine()
    return f"{name}, {os.cpu_count()} cores, {memory:.0f} GiB"


def software() -> str:
    """Return the versions that matter."""
    parts = (f"{name} {version(name)}" for name in ("streamlit", "torch"))
    return f"Python {platform.python_version()}, {', '.join(parts)}"


def commit() -> str:
    """Return the commit that was measured, or nothing outside a checkout."""
    done = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],
        cwd=FILE.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    return f", commit {done.stdout.strip()}" if done.returncode == 0 else ""


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a table in Markdown; all columns but the first are numbers."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(str(cell) for cell in line)} |" for line in lines)


def record(name: str, title: str, command: str, body: str) -> None:
    """Write one section anew and leave the others.

    Args:
        name: Of the section, for the next time.
        title: Its heading.
        command: What was run.
        body: The tables, in Markdown.
    """
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    where = f"{today}, {machine()}; {software()}{commit()}. `{command}`"
    start, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    section = f"{start}\n## {title}\n\n{where}\n\n{body}\n{end}"
    text = FILE.read_text("utf-8") if FILE.exists() else HEAD
    if start in text:
        before, after = text.split(start)[0], text.split(end)[1]
        text = before + section + after
    else:
        text = f"{text.rstrip()}\n\n{section}\n"
    FILE.write_text(text, "utf-8")
