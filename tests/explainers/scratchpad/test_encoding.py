"""What comes out of the jail is a trace or nothing, whoever wrote it."""

import dataclasses
import json
import random
import time
from typing import Any

import pytest

from explainers.program import Trace, run
from explainers.scratchpad.encoding import MOST_BYTES, decoded, encoded
from figures.stage import staged
from tests.explainers.scratchpad.programs import PROGRAMS

KINDS = """import torch
import numpy as np
net = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.BatchNorm1d(2))
opt = torch.optim.Adam(net.parameters(), lr=0.1)
a = np.arange(3.0)
x = torch.tensor([[1.0, float("nan")], [float("inf"), -0.0]])
z = torch.tensor([1 + 2j])
big = torch.randn(40, 40)
def f(v):
    w = v * 2
    return w
for i in range(2):
    y = f(net(torch.ones(2, 2)))
y.sum().backward()
opt.step()
l = [x, {"k": z}, (1, "a")]
print(l)
m = torch.ones(2, device="meta")
s = torch.eye(2).to_sparse()
y.sum().backward()
"""


@pytest.mark.parametrize("source", [KINDS, *list(PROGRAMS.values())[:12:3]])
def test_a_trace_comes_back_as_it_was(source: str) -> None:
    trace = run(source)
    assert decoded(encoded(trace), source) == dataclasses.replace(trace, jailed=True)


def test_source_and_device_are_the_askers_own() -> None:
    trace = dataclasses.replace(run("x = 1\n"), source="import os", device="cuda")
    back = decoded(encoded(trace), "y = 1\n")
    assert (back.source, back.device, back.jailed) == ("y = 1\n", "cpu", True)


def whole(**changes: Any) -> bytes:
    return json.dumps({"objects": [], "steps": [], "failure": None} | changes).encode()


TENSOR = json.loads(encoded(run("import torch\nx = torch.ones(3)\n")))["objects"]
CHANGED = {
    "nothing": b"",
    "no json": b"\x80\x04\x95",
    "a pickle": b"cos\nsystem\n(S'true'\ntR.",
    "a list": b"[]",
    "a number": b"1",
    "another field": whole(more=1),
    "another class": whole(objects=[["Popen", "true"]]),
    "a class of the module that is no state": whole(objects=[["Mapping"]]),
    "a trace in a trace": whole(objects=[["Trace", "", [], None, "cpu", False]]),
    "a step that is not there": whole(steps=[{"r": 0}]),
    "a step before it is there": whole(steps=[{"r": -1}]),
    "a text for a step": whole(steps=["x"]),
    "a failure of numbers": whole(objects=[["Failure", "1", "a", "b", None]], failure={"r": 0}),
    "a line far away": whole(objects=[["Failure", 10**9, "a", "b", None]], failure={"r": 0}),
    "too few fields": whole(objects=[["Plain"]]),
    "too many fields": whole(objects=[["Plain", "a", "b", "c"]]),
    "a very long text": whole(objects=[["Plain", "a" * 10**6, "b"]]),
    "a huge number": whole(objects=[["Memory", "float32", "#", None]]).replace(b'"#"', b"9" * 5000),
    "a deep list": b"[" * 100_000,
    "too much": b" " * (MOST_BYTES + 1),
    "more cells than there are": whole(objects=[["Memory", "float32", 2, [1.0] * 200]]),
    "more cells than are drawn": whole(objects=[["Memory", "float32", 999, [1.0] * 999]]),
    "shades that are none": whole(objects=[["Summary", 0.0, 1.0, 0.5, 0.5, 0, [], "no!"]]),
    "too many shades": whole(objects=[["Summary", 0.0, 1.0, 0.5, 0.5, 0, [], "AAAA" * 1400]]),
    "a thousand steps": whole(
        objects=[*TENSOR], steps=[{"r": len(TENSOR) - 1}] * 1000
    ),
}  # fmt: skip


@pytest.mark.parametrize("text", CHANGED.values(), ids=CHANGED.keys())
def test_what_is_no_trace_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError):
        decoded(text, "x = 1\n")


def test_a_small_text_that_unfolds_without_end_is_refused_at_once() -> None:
    """Lists of lists, each twice in the next: who walked it would never come back."""
    objects: list[Any] = [["Plain", "a", "b"]]
    objects += [["Sequence", "list", [{"r": n}, {"r": n}], 2] for n in range(60)]
    begin = time.process_time()
    with pytest.raises(ValueError, match="hold less"):
        decoded(whole(objects=objects), "x = 1\n")
    assert time.process_time() - begin < 1


def test_half_a_letter_does_not_reach_the_page() -> None:
    text = whole(objects=[["Failure", 1, "\ud800", "a\udfff", None]], failure={"r": 0})
    failure = decoded(text, "x = 1\n").failure
    assert failure is not None
    assert (failure.kind, failure.message) == ("?", "a?")


def test_whatever_is_changed_is_refused_or_can_be_drawn() -> None:
    """Random changes of an honest trace, by a child that wants to break the stage."""
    dice = random.Random(0)
    source = "import torch\nx = torch.arange(4.)\nw = torch.ones(2, requires_grad=True)\n"
    source += "y = [x, w * 2]\n"
    honest = encoded(run(source))
    refused = drawn = 0
    for _ in range(300):
        text = json.loads(honest)
        for _ in range(dice.randint(1, 2)):
            change(text, dice)
        try:
            trace = decoded(json.dumps(text).encode(), source)
        except ValueError:
            refused += 1
        else:
            drawn += draw(trace)
    assert refused > 100
    assert drawn > 10


def change(text: Any, dice: random.Random) -> None:
    node, key = text, None
    places: list[tuple[Any, Any]] = []
    waiting = [text]
    while waiting:
        node = waiting.pop()
        keys = list(node) if isinstance(node, dict) else range(len(node))
        for key in keys:
            places.append((node, key))
            if isinstance(node[key], dict | list):
                waiting.append(node[key])
    node, key = dice.choice(places)
    other, another = dice.choice(places)
    new = dice.choice([None, 0, -1, 1, 10**9, 2**40, 1.5, float("nan"), "", "x", "A", [], {}, True,
                       other[another], [1] * 9, {"r": 0}, {"m": []}])  # fmt: skip
    node[key] = json.loads(json.dumps(new))


def draw(trace: Trace) -> bool:
    if not trace.steps and (trace.failure is None or trace.failure.after is None):
        return False
    staged(trace)
    return True
