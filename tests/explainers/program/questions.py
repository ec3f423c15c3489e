"""Ask a program that runs as plain Python what stands at a place, by a question written into it."""

import contextlib
import re
import runpy
import tempfile
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch

from explainers.program import State, Step, TensorState, Trace, run, states

FACTS = (
    "list(V.shape), str(V.dtype)[6:], str(V.device), list(V.stride()), V.storage_offset(), "
    "V.detach().flatten().tolist(), V.is_contiguous(), V.requires_grad, V.is_leaf, "
    "None if V.is_inference() else V._version, V._is_view(), "
    "'' if V.grad_fn is None else V.grad_fn.name()"
)
GRAD = "(None if not (V.is_leaf or V.retains_grad) or V.grad is None else [W])"
GRAD_FACTS = FACTS.replace("V", "V.grad")
TENSOR = f"[{FACTS}, {GRAD.replace('W', GRAD_FACTS)}]"


def facts(state: TensorState) -> list[Any]:
    """What TENSOR gives, of a state."""
    first = [
        list(state.shape), state.dtype, state.device, list(state.stride), state.offset,
        list(state.values or ()), state.contiguous, state.requires_grad, state.leaf,
        state.version, state.view, state.made_by,
    ]  # fmt: skip
    return [*first, None if state.grad is None else facts(state.grad)[:-1]]


def answers(source: str, line: int, paths: Sequence[str]) -> dict[str, list[Any]]:
    """What a plain run of the program says of tensors, each time that it has passed a line."""
    lines = source.splitlines()
    begins = lines[line - 1]
    indent = begins[: len(begins) - len(begins.lstrip())]
    returns = begins.lstrip().startswith("return")  # the place is just before it
    asked = [TENSOR.replace("V", re.sub(r"\.(\d+)", r"[\1]", path)) for path in paths]
    lines.insert(line - returns, f"{indent}__ask__({', '.join(f'lambda: {one}' for one in asked)})")
    given: dict[str, list[Any]] = {path: [] for path in paths}

    def ask(*questions: Callable[[], Any]) -> None:
        for path, question in zip(paths, questions, strict=True):
            with contextlib.suppress(NameError):  # not every name is there in every turn
                given[path].append(question())

    plainly("\n".join(lines), __ask__=ask)
    return given


def plainly(source: str, **names: object) -> dict[str, Any]:
    """Run a program as plain Python, on a thread of its own as every run has; return its names."""
    found: dict[str, Any] = {}

    def work() -> None:
        with _written(source) as path, contextlib.suppress(Exception):
            found.update(runpy.run_path(str(path), init_globals=names))

    with torch.random.fork_rng(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.default_generator.set_state(torch.Generator().get_state())
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    return found


@contextlib.contextmanager
def _written(source: str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "program.py"
        path.write_text(source)
        yield path


def state(step: Step, path: str) -> State | None:
    """The state under a name at a step, the function's before the module's."""
    name, *rest = path.split(".")
    found = step.local.get(name, step.names.get(name))
    for part in rest:
        if isinstance(found, states.ContextState):
            found = found.fields.get(part)
            continue
        if isinstance(found, states.Sequence):
            found = found.items[int(part)]
            continue
        found = getattr(found, "parameters", {}).get(part) or getattr(found, "buffers", {}).get(
            part, getattr(found, "children", {}).get(part)
        )
    return found


def recorded(trace: Trace, line: int, path: str) -> list[list[Any]]:
    """What the trace says of a tensor each time that a line has run."""
    states = [state(step, path) for step in trace.steps if step.first == step.last == line]
    return [facts(found) for found in states if isinstance(found, TensorState)]


def differences(source: str, *paths: str) -> list[str]:
    """Where the trace says something else of a tensor than the program, asked at that place."""
    trace = run(source)
    found = []
    for line in sorted({step.first for step in trace.steps if step.first == step.last}):
        ours = {path: recorded(trace, line, path) for path in paths}
        there = [path for path in paths if ours[path]]
        theirs = answers(source, line, there) if there else {}
        for path in there:
            if repr(ours[path]) != repr(theirs[path]):
                found.append(f"line {line}, {path}: {ours[path]}, asked {theirs[path]}")
    return found
