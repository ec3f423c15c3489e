"""What a stage sends is what the run recorded; and nothing on it moves."""

import dataclasses
import json
import math
from collections.abc import Iterator
from itertools import chain, combinations, pairwise
from typing import Any

import numpy as np
import pytest

from explainers.program import (
    ArrayState,
    State,
    Step,
    TensorState,
    Trace,
    origins,
    part,
    piece,
    run,
    running,
)
from figures.stage import Parted, Stage, staged, two
from figures.stage_graph import laid_out
from figures.stage_names import again, frames, holders, named, places, seen, through
from tests.browser.apps.stage_app import ACCUMULATION, MODULE, PROGRAMS, REFUSED, TIED, VIEWS

ODD = """import torch

a = torch.tensor([float("nan"), float("inf"), -0.0, 0.1, 1e-30, 16777216.])
b = a.view(torch.int32)
c = a.double() / 3
d = torch.tensor([2 ** 62, -1])
e = torch.tensor([True, False])
f = torch.tensor([1 + 2j])
g = torch.empty(0, 3)
h = torch.arange(1000.)[::300]
i = torch.ones(2, 2, dtype=torch.bfloat16) / 3
j = torch.ones(2, device="meta")
k = torch.eye(2).to_sparse()
l = [a, {"m": b}]
m = e.view(torch.uint8)
a[0] = 1.
h[1] = -5.
d = None
"""
ADAM = """import torch

net = torch.nn.Linear(2, 1)
opt = torch.optim.Adam(net.parameters(), lr=0.1)
for turn in range(3):
    opt.zero_grad()
    loss = net(torch.ones(1, 2)).sum()
    loss.backward()
    opt.step()
"""
INSIDE = """import torch

def double(x):
    y = x * 2
    return y

w = torch.ones(2, requires_grad=True)
a = double(w)
b = double(a)
b.sum().backward()
"""
REBOUND = """import torch

a = torch.arange(4.)
b = a.view(2, 2)
a = a + 1
c = a[1:]
b[0, 0] = 9.
"""
EVERY = {**PROGRAMS, "rebound": REBOUND, "odd": ODD, "adam": ADAM, "function": INSIDE}


@pytest.fixture(scope="module", params=EVERY)
def recorded(request: pytest.FixtureRequest) -> tuple[Trace, dict[str, Any]]:
    """Give a run, and what is sent of it, as a browser reads it."""
    trace = run(EVERY[request.param])
    return trace, json.loads(json.dumps(staged(trace).runs[0], allow_nan=False))


def steps_of(trace: Trace) -> list[Step]:
    after = trace.failure.after if trace.failure else None
    return [*trace.steps, *([after] if after else [])]


def replayed(sent: dict[str, Any]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Read the steps one after another, as a browser does: cards and memory of each."""
    cards: dict[str, Any] = {}
    memory: dict[str, Any] = {}
    for step in sent["steps"]:
        cards = {k: v for k, v in {**cards, **step.get("cards", {})}.items() if v is not None}
        for label, values in step.get("memory", {}).items():
            if isinstance(values, dict):
                memory[label] = list(memory[label])
                for at, value in values.items():
                    memory[label][int(at)] = value
            else:
                memory[label] = values
        yield cards, dict(memory)


def same(sent: Any, value: Any, dtype: str) -> bool:
    if isinstance(value, complex):
        return sent == f"{value:.4g}"
    if isinstance(sent, str):
        return sent == str(value)
    if isinstance(value, bool) or isinstance(sent, bool):
        return sent is value
    if dtype in ("float32", "bfloat16", "float16"):
        alike = np.float32(sent) == np.float32(value)
        return bool(alike and math.copysign(1, sent) == math.copysign(1, value))
    return bool(sent == value)


def check(
    facts: dict[str, Any],
    values: Any,
    state: TensorState | ArrayState,
    memory: dict[str, Any],
    graded: bool,
) -> None:
    """Compare what is sent of a tensor with what was recorded of it."""
    assert (tuple(facts["shape"]), tuple(facts["stride"])) == (state.shape, tuple(state.stride))
    assert (facts.get("offset", 0), facts["storage"]) == (state.offset, state.storage)
    assert facts.get("dtype", "float32") == state.dtype
    if isinstance(state, TensorState):
        for name, usual in (
            ("contiguous", True),
            ("requires_grad", False),
            ("leaf", True),
            ("retains_grad", False),
            ("view", False),
            ("made_by", ""),
            ("device", "cpu"),
            ("kind", "Tensor"),
        ):
            assert facts.get(name, usual) == getattr(state, name), name
        assert facts.get("version", 0) == (state.version if graded else 0)
        if state.summary is not None:
            assert values["summary"]["nans"] == state.summary.nans
            assert len(values["summary"]["corners"]) == len(state.summary.corners)
            assert same(values["summary"]["highest"], state.summary.highest, state.dtype)
            return
    if state.values is None:
        return
    if values is None:
        cells = [state.offset]
        for size, stride in zip(state.shape, state.stride, strict=True):
            cells = [cell + index * stride for cell in cells for index in range(size)]
        values = [memory[state.storage][cell] for cell in cells]
    assert len(values) == len(state.values)
    assert all(same(a, b, state.dtype) for a, b in zip(values, state.values, strict=True))


def test_every_fact_and_value_sent_is_the_one_recorded(recorded) -> None:
    trace, sent = recorded
    compared = 0
    for step, (cards, memory) in zip(steps_of(trace), replayed(sent), strict=True):
        found = named(step)
        told = {name for names, *_ in cards.values() for name in names}
        assert told == {name for name in found if not through(name, tuple(again(step)))}
        for names, fact, values, beside, _ in cards.values():
            for name in names:
                check(sent["facts"][fact], values, found[name], memory, sent["graded"])
                compared += 1
            state = found[names[0]]
            grads = [part for part in beside if part[0] == ".grad"]
            grad = state.grad if isinstance(state, TensorState) else None
            assert bool(grads) == (grad is not None)
            if grad is not None:
                check(sent["facts"][grads[0][1]], grads[0][2], grad, memory, sent["graded"])
    assert compared


def test_what_an_optimizer_keeps_hangs_on_its_parameter() -> None:
    trace = run(ADAM)
    sent = staged(trace).runs[0]
    place = str(sent["places"].index("net.weight"))
    *_, (cards, memory) = replayed(json.loads(json.dumps(sent)))
    names, _, _, beside, words = cards[place]
    optimizer: Any = trace.steps[-1].names["opt"]
    kept: dict[str, State] = optimizer.state[named(trace.steps[-1])["net.weight"].identity]
    assert names == ["net.weight"]
    assert [part[0] for part in beside] == [".grad", "exp_avg", "exp_avg_sq"]
    assert words == ["step 3"]
    for name, fact, values in beside[1:]:
        state = kept[name]
        assert isinstance(state, TensorState)
        check(sent["facts"][fact], values, state, memory, sent["graded"])


def things(source: str, line: int) -> tuple[dict[str, list[Any]], dict[str, Any]]:
    """Return what is drawn of modules and optimizers after a line, and the names of each."""
    sent = staged(run(source)).runs[0]
    now: dict[str, Any] = {}
    for step in sent["steps"]:
        now = {k: v for k, v in {**now, **step.get("things", {})}.items() if v is not None}
        if step["line"][0] == line:
            break
    return now, {name: sent["trees"][entry[0]] for name, entry in now.items()}


def test_a_module_is_drawn_once_under_all_its_names_until_another_holds_it() -> None:
    names, _ = things(TIED, 5)
    assert [[name, *entry[1:]] for name, entry in names.items()] == [["a", "b"]]
    names, trees = things(TIED, 6)
    assert names.keys() == {"net"}
    first, _, last = trees["net"][3]
    assert first[:3] == ["child", "0", "Linear"] and first[5:] == ["a", "b"]
    assert last == ["again", "2", "Linear", "net.0"]


def test_a_method_sees_the_module_that_has_a_name_outside() -> None:
    trace = run(PROGRAMS["inside"])
    inside = [step for step in trace.steps if step.frame and step.frame.name == "Net.forward"]
    assert inside and all(
        [holder.names for holder in holders(step)] == [("net",), ("opt",)] for step in inside
    )


def test_a_tied_parameter_has_one_card_and_says_where_else_it_stands() -> None:
    sent = staged(run(TIED)).runs[0]
    *_, (before, _), _ = replayed(sent)
    tied = next(names for names, *_ in before.values() if "a.weight" in names)
    assert tied == ["a.weight", "net.out.weight"]
    _, trees = things(TIED, 8)
    first, _, _, out = trees["net"][3]
    assert first[4][0] == ["p", "weight", "(2, 2)", "also net.out.weight"]
    assert out[4][0] == ["p", "weight", "(2, 2)", "also a.weight"]
    assert trees["net"][2] == "3 parameters, 8 cells", "counted as parameters() gives them"


def test_a_tree_says_what_is_kept_how_and_what_is_not_registered() -> None:
    _, trees = things(TIED, 17)
    rows = trees["net"][3]
    assert rows[0] == ["b", "seen", "(1,)"] and rows[1] == ["t", "scratch", "(2,)"]
    assert rows[5][3] == 0, "net.out is in eval mode"
    assert rows[5][4][1] == ["p", "bias", "(2,)", "frozen"]
    assert rows[6] == ["outside", "scale", "a plain tensor (2,)", []]
    assert rows[7][:3] == ["outside", "heads", "a plain list"]
    assert rows[7][3][0][4][0] == ["p", "weight", "(1, 2)"]


def test_an_optimizer_tells_what_its_groups_share_and_what_is_kept_of_each_parameter() -> None:
    _, trees = things(TIED, 18)
    kind, shared, groups = trees["opt"]
    assert (kind, shared) == ("SGD", {"momentum": "0.9"})
    assert groups == [
        [{"lr": "0.1"}, [["a.weight", "(2, 2)", "momentum_buffer"],
                         ["a.bias", "(2,)", "momentum_buffer"]]],
        [{"lr": "1.0"}, [["net.out.bias", "(2,)", ""]]],
    ]  # fmt: skip
    _, trees = things(ADAM, 9)
    assert trees["opt"][2][0][1][0] == [
        "net.weight", "(1, 2)", "step 1, exp_avg, exp_avg_sq"
    ]  # fmt: skip


def test_one_tensor_has_one_place_under_all_its_names() -> None:
    source = "import torch\na = torch.ones(2)\nb = a\nc = a.view(2)\na = torch.zeros(2)"
    shown = seen(run(source).steps)
    assert shown[2]["a"].names == ("a", "b")
    assert shown[3].keys() == {"a", "c"}
    assert shown[4]["b"].names == ("b",), "the old tensor keeps its other name"


def test_at_no_step_two_storages_are_in_one_frame_nor_two_tensors_in_one_spot(recorded) -> None:
    trace, sent = recorded
    shown = seen(steps_of(trace))
    for frame in frames(shown):
        for here in shown:
            inside = {here[p].state.storage or p for p in frame.places if p in here}
            lying = {label for label in inside if label in frame.storages}
            assert len(lying) <= 1
    for frame in sent["frames"]:
        for lane in frame["lanes"]:
            for here in shown:
                assert sum(sent["places"][place] in here for place in lane) <= 1


def test_every_tensor_has_exactly_one_spot_at_every_step(recorded) -> None:
    _, sent = recorded
    for cards, _ in replayed(sent):
        for place, (_, fact, *_) in cards.items():
            name = sent["places"][int(place)]
            storage = sent["facts"][fact]["storage"] or f"no storage: {name}"
            spots = [
                at
                for frame in sent["frames"]
                for at in [*frame["flat"], *chain(*frame["lanes"])]
                if at == int(place) and storage in frame["storages"]
            ]
            assert len(spots) == 1


def test_two_frames_share_a_spot_only_where_they_are_never_there_together(recorded) -> None:
    _, sent = recorded
    frames_of = [(frame, set(frame["storages"])) for frame in sent["frames"]]
    for cards, _ in replayed(sent):
        lying = {sent["facts"][fact]["storage"] for _, fact, *_ in cards.values()} - {""}
        there = [frame["spot"] for frame, storages in frames_of if storages & lying]
        assert len(there) == len(set(there))
    kinds = {(frame["spot"], frame["held"], frame["local"]) for frame in sent["frames"]}
    assert len(kinds) == len({spot for spot, *_ in kinds})


def test_what_two_functions_have_for_themselves_stands_in_one_spot() -> None:
    source = """import torch
def f(a):
    b = a + 1
    return b.sum()
def g(a):
    c = a + 2
    return c.sum()
x = torch.ones(2)
y = f(x), g(x)
"""
    sent = staged(run(source)).runs[0]
    named_by = [sent["places"][frame["lanes"][0][0]] for frame in sent["frames"]]
    spots = {name: frame["spot"] for name, frame in zip(named_by, sent["frames"], strict=True)}
    assert spots["b in f"] == spots["c in g"] != spots["x"]
    local = {name for name, frame in zip(named_by, sent["frames"], strict=True) if frame["local"]}
    assert local == {"b in f", "c in g"}


def test_a_loop_that_makes_its_tensors_anew_keeps_them_in_one_frame() -> None:
    trace = run(PROGRAMS["loop"])
    shown = seen(trace.steps)
    (frame,) = [frame for frame in frames(shown) if "loss" in frame.places]
    assert len(frame.storages) == 20


def test_only_storages_that_tell_something_are_drawn_as_they_lie() -> None:
    sent = staged(run(VIEWS)).runs[0]
    strips = {
        sent["places"][([*f["flat"], *chain(*f["lanes"])])[0]]: f["strip"] for f in sent["frames"]
    }
    assert strips == {"a": 12, "d": 0, "f": 0}
    assert [sent["places"][p] for p in sent["frames"][0]["flat"]] == ["a"]


def test_shows_leaves_only_the_places_it_names() -> None:
    sent = staged(run(MODULE), shows=("net.out", "x")).runs[0]
    assert sent["places"] == ["net.out.weight", "net.out.bias", "x"]


def test_a_graph_grows_to_the_right_and_no_two_nodes_stand_in_one_place(recorded) -> None:
    trace, sent = recorded
    drawings, which = laid_out([step.graph for step in steps_of(trace)])
    for drawing in drawings:
        assert len(set(drawing.at.values())) == len(drawing.at)
        assert all(
            abs(a[1] - b[1]) >= 1 for a, b in combinations(drawing.at.values(), 2) if a[0] == b[0]
        )
        for start, end in drawing.edges:
            assert drawing.at[start][0] > drawing.at[end][0] >= 0
    for step, numbers in zip(steps_of(trace), which, strict=True):
        known = {node.number for node in step.graph.nodes}
        assert known <= {node for number in numbers for node in drawings[number].nodes}
        lanes = [drawings[number].lane for number in numbers]
        assert len(set(lanes)) == len(lanes), "no two drawings stand in one place at once"
    assert [len(graph["nodes"]) for graph in sent["graphs"]] == [len(d.nodes) for d in drawings]


def test_a_graph_tells_what_backward_freed_and_which_names_its_nodes_have() -> None:
    sent = staged(run(ACCUMULATION)).runs[0]
    ((number, signs, tags),) = next(
        step["graph"] for step in sent["steps"] if step["line"] == [10, 10]
    )
    nodes = [
        node[0].removesuffix("Backward0").rpartition("::")[2]
        for node in sent["graphs"][number]["nodes"]
    ]
    freed = {name for name, sign in zip(nodes, signs, strict=True) if sign == "f"}
    assert freed == {"Div", "Pow", "Mv"}
    assert {nodes[int(at)]: name for at, name in tags.items()} == {
        "AccumulateGrad": "w",
        "Div": "loss",
    }


def test_a_graph_that_is_gone_is_drawn_no_longer() -> None:
    source = "import torch\nw = torch.ones(2, requires_grad=True)\ny = w * 2\ndel y\n"
    sent = staged(run(source)).runs[0]["steps"]
    assert [step.get("graph", "as before") == [] for step in sent] == [False, False, False, True]


def test_the_graphs_of_a_loops_turns_follow_each_other_in_one_place() -> None:
    drawings, _ = laid_out([step.graph for step in run(PROGRAMS["loop"]).steps])
    assert len(drawings) == 20
    assert {drawing.lane for drawing in drawings} == {0}


def said(source: str, line: int, nth: int = 0) -> str:
    steps = staged(run(source)).runs[0]["steps"]
    return [step["say"] for step in steps if step["line"][0] == line][nth]


@pytest.mark.parametrize(
    ("source", "line", "words"),
    [
        (VIEWS, 3, "`a` has a new storage, A: 12 cells."),
        (
            VIEWS,
            5,
            "`c` is a view of storage A: no value was copied, its stride is (1, 4), "
            "not contiguous.",
        ),
        (VIEWS, 8, "1 cell of storage A changed: `a`, also seen as `b` and `c`."),
        (VIEWS, 10, "The line gave (False, (4, 2), 0); nothing kept it."),
        ("import torch\nx = torch.ones(3)\nx.sum()", 3,
         "`x.sum()` gave tensor(3.); nothing kept it."),
        ("import torch\nx = torch.ones(3)\nx[1:]", 3,
         "`x[1:]` gave a view of storage A; nothing kept it."),
        ("import torch\nx = torch.ones(3)\nx.contiguous()", 3,
         "`x.contiguous()` gave `x` itself; no cell changed."),
        ("from torch import nn\nnet = nn.ReLU()\nnet.train()", 3,
         "`net.train()` gave `net` itself; no cell changed."),
        (
            PROGRAMS["expand"],
            4,
            "`grid` is a view of storage A: no value was copied, its stride is (0, 1), "
            "not contiguous; each cell stands in 4 places.",
        ),
        (PROGRAMS["numpy"], 8, "1 cell of storage A changed: `a`, also seen as `t`, `v` and `n`."),
        (MODULE, 7, "`self.layers` is a plain list: what is in it is not registered."),
        (MODULE, 8, "`self.out` is registered: a child, Linear."),
        (MODULE, 12, "`opt` is an SGD, given 2 parameters."),
        (ACCUMULATION, 12, "`w.grad` is None again."),
        (TIED, 5, "`b` is another name of `a`: one module."),
        (TIED, 8,
         "`net.out.weight` is the tensor that `a.weight` names: one tensor in two places."),
        (TIED, 10, "`net.scratch` is registered: a buffer; state_dict leaves it out."),
        (TIED, 11, "`net.scale` is a plain tensor: it is not registered."),
        (TIED, 13, "`net.out` is in eval mode."),
        (TIED, 17, "`a.weight.grad` and `a.bias.grad` are filled."),
        (TIED, 18,
         "`opt` keeps `momentum_buffer` of 2 parameters from now on. 4 cells of storage A "
         "changed: `a.weight`, also seen as `net.out.weight`. 2 cells of `a.bias` changed."),
        (TIED, 19, "`opt`, group 0, has lr 0.01 now; it was 0.1."),
        (TIED, 20, "`net.out` is no longer registered. `b` is gone."),
        ("from torch import nn\nnet = nn.Sequential(nn.ReLU(), nn.ReLU())\nnet.eval()", 3,
         "`net` is in eval mode."),
        ("from torch import nn\nnet = nn.Sequential(nn.ReLU())\nnet[0] = nn.Tanh()", 3,
         "`net.0` is another Tanh now."),
        ("def f():\n    y = torch.ones(2)\n    return y\nimport torch\na = f()", 5,
         "`a` is the tensor that `y` was in `f`: nothing is copied."),
        (
            "import torch\nw = torch.ones(2)\nw.requires_grad_()",
            3,
            "`w` requires a gradient; no cell changed.",
        ),
        ("import torch\na = torch.ones(2)\nb = a", 3, "`b` is another name of `a`: one tensor."),
        ("import torch\nclass Exp(torch.autograd.Function):\n    pass", 2,
         "The class `Exp` is defined."),
        ("import torch\nw = torch.ones(2)\nassert w.any()", 3, "No name and no cell changed."),
        ("import torch\nw = torch.ones(2, requires_grad=True)\nassert 1", 3,
         "No name, no cell and no gradient changed."),
        ("import torch\nw = torch.ones(2, requires_grad=True)\ny = w * 1\ny[0] = w[0]", 4,
         "The graph knows `y` by CopySlices now. `y` was written with what it held: version 1."),
        ("import torch\na = torch.ones(2)\na = a + 1", 3,
         "`a`, bound anew, has a new storage, B: 2 cells."),
        ("import torch\na = torch.ones(2)\na.mul_(1)", 3,
         "`a` was written with what it held: version 1."),
        ("import torch\na = torch.ones(2)\ndel a", 3, "`a` is gone."),
        ("import torch\na, b = torch.ones(4).chunk(2)", 2,
         "`a` and `b` share a new storage, A: 4 cells."),
        ("import torch\na = torch.ones(4)[1:]", 2,
         "`a` has a new storage, A: 3 cells. It reads a part of the 4 cells there."),
        ("import torch\na = torch.ones(1).expand(4)", 2,
         "`a` has a new storage, A: 1 cell; each cell stands in 4 places."),
        ("import torch\na = torch.ones(4)\nb = a.chunk(2)", 3,
         "`b` holds 2 tensors on known storages: no value was copied."),
    ],
)  # fmt: skip
def test_a_sentence_tells_the_kinds_of_change_apart(source: str, line: int, words: str) -> None:
    assert said(source, line) == words


def test_a_second_backward_writes_where_the_first_had_filled() -> None:
    assert said(ACCUMULATION, 10).startswith("`w.grad` is filled. 3 nodes of the graph have freed")
    assert said(ACCUMULATION, 10, nth=1).startswith("2 cells of `w.grad` changed.")


def test_what_an_optimizer_keeps_is_named_by_its_parameter() -> None:
    assert "exp_avg of net.weight" in " ".join(said(ADAM, 9, nth=1).replace("`", "").split())


def test_an_error_stands_at_its_line_with_what_the_line_was_given() -> None:
    steps = staged(run(REFUSED)).runs[0]["steps"]
    assert steps[-1]["line"] == [6, 6]
    assert steps[-1]["error"][0] == "RuntimeError"
    assert "view size is not compatible" in steps[-1]["error"][1]
    assert steps[-1]["say"].endswith("`c` has shape (3, 2), stride (1, 3).")


@pytest.mark.parametrize(
    ("made", "wrong", "right", "words"),
    [
        ("torch.zeros(1, 3)", "expand(2, 3)", "repeat(2, 1)",
         "`b` ✗ stride (0, 1), on the storage of `a`; ✓ stride (3, 1), on a storage of its own"),
        ("torch.zeros(4, 3)", "add(0.)", "double()", "`b` ✗ float32; ✓ float64"),
        ("torch.zeros(4)", "chunk(2)[0]", "chunk(2)[1]", "`b` ✗ offset 0; ✓ offset 2"),
        ("torch.arange(12.)", "add(0.)", "neg()", "`b` ✗ [1] is 1.; ✓ [1] is -1."),
        ("torch.zeros(4)", "new_zeros(0, 4)", "new_zeros(0, 3)",
         "`b` ✗ shape (0, 4); ✓ shape (0, 3)"),
    ],
)  # fmt: skip
def test_where_two_tensors_look_the_same_it_is_said_what_differs(
    made: str, wrong: str, right: str, words: str
) -> None:
    runs = [run(f"import torch\na = {made}\nb = a.{way}") for way in (wrong, right)]
    parting = part(*runs)
    assert parting is not None
    both = two(*runs, parting)
    assert both.parted is not None and both.parted.words == words


@pytest.mark.parametrize(
    ("before", "wrong", "right", "words"),
    [
        ("a = torch.arange(6)", "b = a.split(2)", "b = a.split(3)",
         "`b` ✗ (tensor([0, 1]), tensor([2, 3]), tensor([4, 5])); "
         "✓ (tensor([0, 1, 2]), tensor([3, 4, 5]))"),
        ("a = torch.arange(30)", "b = a.split(3)", "b = a.split(2)",
         "`b` ✗ 10 pieces; ✓ 15 pieces"),
        ("a = torch.arange(4)", "b = list(a.split(2))", "b = list((a * 2).split(2))",
         "`b[0]` ✗ tensor([0, 1]); ✓ tensor([0, 2])"),
        ("a = torch.ones(2)", "b = {'x': a, 'y': a * 2}", "b = {'x': a, 'y': a * 3}",
         "`b['y']` ✗ tensor([2., 2.]); ✓ tensor([3., 3.])"),
        ("a = torch.ones(2)", "b = [a]", "b = [a.clone()]",
         "`b[0]` ✗ on the storage of `a`; ✓ on a storage of its own"),
        ("net = torch.nn.Sequential(torch.nn.Dropout())", "net.train()", "net.eval()",
         "`net.training` ✗ True; ✓ False"),
        ("net = torch.nn.BatchNorm1d(1)", "net(torch.ones(2, 1))", "net(torch.zeros(2, 1))",
         "`net.running_mean` ✗ tensor([0.1]); ✓ tensor([0.])"),
        ("from torch.optim import SGD\nw = torch.ones(1)",
         "opt = SGD([w], 1.)", "opt = SGD([w], 2.)",
         "`opt.param_groups[0]['lr']` ✗ 1.0; ✓ 2.0"),
        ("", "torch.set_grad_enabled(False)", "torch.set_grad_enabled(True)",
         "grad mode ✗ off; ✓ on"),
    ],
)  # fmt: skip
def test_of_a_value_with_pieces_it_is_said_which_piece_differs(
    before: str, wrong: str, right: str, words: str
) -> None:
    runs = [run(f"import torch\n{before}\n{line}") for line in (wrong, right)]
    parted = two(*runs, part(*runs)).parted
    assert parted is not None and parted.words == words


def test_what_an_optimizer_keeps_parts_by_the_place_of_its_parameter() -> None:
    runs = [run(ADAM.replace("torch.ones(1, 2)", f"torch.full((1, 2), {x})")) for x in ("1.", "2.")]
    optimizers: Any = [trace.steps[-1].names["opt"] for trace in runs]
    path, wrong, right = piece("opt", *optimizers)
    assert path == "opt.state_dict()['state'][0]['exp_avg']"
    assert isinstance(wrong, TensorState) and isinstance(right, TensorState)
    assert wrong.values != right.values


def test_two_runs_that_part_by_how_a_tensor_lies_open_where_a_value_shows_it() -> None:
    source = "import torch\nrow = torch.zeros(1, 2)\ngrid = row.{}\ngrid[0, 0] = 5."
    wrong, right = run(source.format("expand(2, 2)")), run(source.format("repeat(2, 1)"))
    both = two(wrong, right, part(wrong, right))
    assert both.parted == Parted(
        (2, 2),
        "`grid` ✗ stride (0, 1), on the storage of `row`; ✓ stride (2, 1), on a storage of its own",
        (3, 3),
        "`row` ✗ tensor([[5., 0.]]); ✓ tensor([[0., 0.]])",
    )
    assert both.start == 3


def test_a_ctx_shows_what_it_holds_under_the_names_by_which_a_program_finds_it() -> None:
    source = """import torch
class Scale(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, k):
        ctx.save_for_backward(x)
        ctx.k, ctx.square = k, x * x
        return x * k
    @staticmethod
    def backward(ctx, grad):
        return grad * ctx.k, None
x = torch.ones(1, requires_grad=True)
Scale.apply(x, 2).backward()
"""
    wrong, right = run(source), run(source.replace("save_for_backward(x)", "saved = 1"))
    (drawn,) = staged(wrong).runs
    steps = {step["line"][0]: step for step in drawn["steps"]}
    assert steps[5]["say"].startswith("`ctx` is ScaleBackward, with `to_save`. `x` is the tensor")
    assert "`ctx.k` is 2. `ctx.square` has a new storage, B: 1 cell." in steps[6]["say"]
    assert steps[6]["plain"]["ctx.k in Scale.forward"] == "2"
    assert "with `saved_tensors`, `k` and `square`" in steps[10]["say"]
    assert steps[10]["plain"]["ctx.k in Scale.backward"] == "2"
    at = drawn["places"].index("ctx.square in Scale.forward")
    (frame,) = [one for one in drawn["frames"] if any(at in lane for lane in one["lanes"])]
    assert not frame["held"], "it is the function's own, not a module's"
    parted = two(wrong, right, part(wrong, right)).parted
    assert parted is not None and parted.words == "`ctx.to_save` ✗ (tensor([1.]),); ✓ nothing"


def test_two_runs_open_where_they_part_and_say_which_lines_differ() -> None:
    wrong, right = run(REFUSED), run(REFUSED.replace("view(6)", "reshape(6)"))
    both = two(wrong, right, part(wrong, right))
    assert both.parted == Parted((4, 4), "✗ RuntimeError; ✓ runs on")
    assert [one["differs"] for one in both.runs] == [[6], [6]]
    assert both.start == 4
    assert "error" in both.runs[0]["steps"][4] and "error" not in both.runs[1]["steps"][4]


def test_what_made_a_cell_is_what_the_engine_traced() -> None:
    trace = run(ACCUMULATION)
    sent = staged(trace).runs[0]["steps"]
    index = next(at for at, step in enumerate(trace.steps) if step.first == 11)
    w = named(trace.steps[index])["w"]
    for cell in range(2):
        count, *found = sent[index]["made"][w.storage][str(cell)]
        traced = origins(trace, index, "w", cell)
        assert count == len(traced) == len(found) == 2
        for (name, at, weight), origin in zip(found, traced, strict=True):
            assert (name, tuple(at)) == (origin.name, origin.index)
            assert weight == pytest.approx(origin.weight, rel=1e-3)


def test_what_made_a_cell_of_a_view_is_sent_with_its_storage_alone() -> None:
    steps = staged(run(VIEWS)).runs[0]["steps"]
    assert [list(step.get("made", {})) for step in steps] == [
        [], ["A"], [], [], ["B"], [], ["A"], ["C"], [],
    ]  # fmt: skip
    assert steps[4]["made"]["B"]["1"] == [1, ["c", [0, 1], 1.0]]
    assert steps[6]["made"]["A"].keys() == {"1"}


def test_a_machine_too_busy_to_find_the_origins_sends_none_and_finds_them_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    trace = run("import torch\nbusy = torch.ones(2)\nx = busy * 3")
    with monkeypatch.context() as busy:
        busy.setattr(running, "MOST_SECONDS", 0.0)
        assert all("made" not in step for step in staged(trace, origins=True).runs[0]["steps"])
    assert any("made" in step for step in staged(trace, origins=True).runs[0]["steps"])


def test_long_runs_are_sent_without_what_made_their_cells_unless_asked_for() -> None:
    def sends(**options: bool) -> bool:
        steps = staged(run(PROGRAMS["loop"]), **options).runs[0]["steps"]
        return any("made" in step for step in steps)

    assert not sends()
    assert sends(origins=True)
    assert not any("made" in step for step in staged(run(VIEWS), origins=False).runs[0]["steps"])


def test_two_runs_of_a_loop_open_in_the_turn_in_which_they_part() -> None:
    source = PROGRAMS["loop"]
    wrong, right = run(source.replace("opt.zero_grad()", "pass")), run(source)
    found = part(wrong, right)
    assert found is not None
    parted = two(wrong, right, found).parted
    assert parted is not None
    ours, theirs = wrong.steps[parted.steps[0]], right.steps[parted.steps[1]]
    assert ours.turns == theirs.turns == wrong.steps[parted.steps[0]].turns
    assert ours.turns[0].number == 2, "in the first there was no gradient to clear"


def test_runs_that_do_not_part_open_on_the_last_step() -> None:
    trace = run(VIEWS)
    both = two(trace, trace, part(trace, trace))
    assert both.parted is None and both.start == 8


def test_a_write_sends_the_cells_that_it_changed_alone() -> None:
    steps = staged(run(VIEWS)).runs[0]["steps"]
    assert steps[6]["memory"] == {"A": {"1": 99}}


def test_nothing_is_sent_twice() -> None:
    sent = staged(run(PROGRAMS["loop"])).runs[0]
    for one, next_ in pairwise(sent["steps"]):
        for kind in ("cards", "plain"):
            both = one.get(kind, {}).keys() & next_.get(kind, {}).keys()
            assert all(one[kind][key] != next_[kind][key] for key in both)


def size(drawn: Stage) -> int:
    return len(json.dumps(drawn.runs, separators=(",", ":")))


def test_a_large_tensor_sends_a_shade_a_cell_until_a_run_has_too_many() -> None:
    def sent(source: str) -> list[bool]:
        steps = staged(run(f"import torch\n{source}")).runs[0]["steps"]
        cards = [card for step in steps for card in step.get("cards", {}).values() if card]
        return ["shades" in card[2]["summary"] for card in cards if isinstance(card[2], dict)]

    assert sent("x = torch.randn(64, 64)\ny = x[:, :32]") == [True, True]
    assert sent("x = torch.randn(64, 64)\ny = x * 2\nz = y * 2") == [False] * 3
    assert sent("x = torch.randn(2, 1000)") == [False], "a row of 1,000 has no room"
    assert sent("x = torch.randn(65, 64)") == [False], "more than 4,096"


@pytest.mark.parametrize("name", EVERY)
def test_a_run_is_small(name: str) -> None:
    assert size(staged(run(EVERY[name]))) < 30_000


def test_ten_statements_on_matrices_of_64_cells_are_small() -> None:
    lines = ["import torch", "torch.manual_seed(0)", "a0 = torch.randn(8, 8)"]
    lines += [f"a{n} = (a{n - 1} @ a0).tanh()" for n in range(1, 10)]
    assert size(staged(run("\n".join(lines)))) < 30_000


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"start": 9}, "start must be a step from 0 to 8, got 9"),
        ({"start": -1}, "start must be a step from 0 to 8, got -1"),
        ({"notes": {11: "no"}}, "notes must name lines from 1 to 10, got 11"),
        ({"notes": {0: "no"}}, "notes must name lines from 1 to 10, got 0"),
    ],
)
def test_what_cannot_be_drawn_gets_its_sentence(options, sentence: str) -> None:
    with pytest.raises(ValueError) as caught:
        staged(run(VIEWS), **options)
    assert str(caught.value) == sentence


def test_a_program_that_ran_no_statement_gets_its_sentence() -> None:
    with pytest.raises(ValueError) as caught:
        staged(Trace("", ()))
    assert str(caught.value) == "steps must be at least 1, got 0"


def test_places_come_in_the_order_of_the_program() -> None:
    assert places(seen(run(VIEWS).steps)) == ("a", "b", "c", "d", "e", "f")


def test_the_stage_of_a_readers_program_runs_it_not_once_more() -> None:
    ours = run("import torch\nx = torch.arange(3)\ny = x * 2\n")
    drawn = staged(dataclasses.replace(ours, jailed=True)).runs[0]["steps"]
    assert any("made" in step for step in staged(ours).runs[0]["steps"])
    assert not any("made" in step for step in drawn)


def test_a_module_that_is_cast_says_so_of_its_parameters_once_each() -> None:
    shown = staged(
        run(
            "import torch\nnet = torch.nn.Linear(2, 1)\nsame = net\nnet.double()\n"
            "x = torch.ones(1)\n"
        )
    )
    said = [step["say"] for step in shown.runs[0]["steps"]]
    assert "`net.weight` and `net.bias` are float64 now." in said[3]
    assert not any("float64" in words for words in (*said[:3], said[4]))
