"""A program runs statement by statement; its thread, seed, settings and bounds are its own."""

import base64
import gc
import random
import runpy
import sys
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from explainers.program import (
    Plain,
    Step,
    TensorState,
    Trace,
    forget,
    instrument,
    origins,
    run,
    running,
    states,
)
from tests import clock


def tensor(trace: Trace, name: str, step: int = -1) -> TensorState:
    state = trace.steps[step].names[name]
    assert isinstance(state, TensorState)
    return state


def places(steps: tuple[Step, ...]) -> list[tuple[int, int]]:
    return [(step.first, step.last) for step in steps]


# -- what a step is


def test_a_step_follows_each_statement_in_blocks_loops_and_functions() -> None:
    trace = run(
        '"""A docstring."""\ndef f(a):\n    b = [\n        a]\n    return b\n\nfor i in range(2):\n'
        "    if i:\n        f(i)\n    else:\n        pass\nclass C:\n    x = 1\n    y = 2\n"
    )
    assert places(trace.steps) == [(2, 5), (11, 11), (3, 4), (5, 5), (9, 9), (12, 14)]


def test_a_step_in_a_function_shows_its_names_and_says_which_call_it_is() -> None:
    trace = run("def f(n):\n    m = n\n    if n:\n        f(n - 1)\nk = 1\nf(1)\n")
    inner = [step for step in trace.steps if step.frame is not None]
    assert [(step.frame.name, step.frame.depth, step.frame.number) for step in inner
            if step.frame] == [("f", 1, 1), ("f", 2, 2), ("f", 1, 1)]  # fmt: skip
    assert inner[1].local == {"n": Plain("0", "int"), "m": Plain("0", "int")}
    assert all("k" in step.names for step in inner) and trace.steps[-1].local == {}


def test_a_step_says_which_turn_of_which_loop_it_ran_in() -> None:
    trace = run("for i in range(2):\n    j = 0\n    while j < 2:\n        j += 1\n")
    turns = [[(turn.line, turn.number) for turn in step.turns] for step in trace.steps]
    assert turns == [[(1, 1)], [(1, 1), (3, 1)], [(1, 1), (3, 2)],
                     [(1, 2)], [(1, 2), (3, 1)], [(1, 2), (3, 2)]]  # fmt: skip


def test_a_bare_expressions_value_and_a_return_are_shown() -> None:
    trace = run("def f():\n    return 3\nf() + 1\nNone\nx = 2\n")
    assert trace.steps[1].returned == Plain("3", "int")
    assert [step.value for step in trace.steps if step.frame is None] == [
        None, Plain("4", "int"), None
    ]  # fmt: skip


def test_what_is_printed_and_warned_of_stands_at_its_step() -> None:
    trace = run(
        "import sys, warnings\nprint('a', end='')\nsys.stdout.write('b')\nx = 1\n"
        "warnings.warn('c')\nwarnings.warn('c')\n"
    )
    assert [step.printed for step in trace.steps] == ["", "a", "b", "", "", ""]
    assert [step.warned for step in trace.steps[4:]] == [("c",), ("c",)]


def test_torchs_own_warnings_come_each_time_also_those_it_gives_once() -> None:
    program = "import torch\nx = torch.ones(1, requires_grad=True)\ny = x * 2\ny.grad\n"
    for _ in range(2):
        forget()
        (warning,) = run(program).steps[-1].warned
        assert "Tensor that is not a leaf Tensor is being accessed" in warning


def test_the_three_kinds_of_change_are_told_apart() -> None:
    trace = run(
        "import torch\na = torch.zeros(3)\nb = a[1:]\nb[0] = 5.0\ndel b\na.requires_grad_()\n"
        "a = a * 1\n"
    )
    bound, view, written, gone, facts, again = (step.changes for step in trace.steps[1:])
    assert (bound.bound, view.bound) == (("a",), ("b",)) and view.written == ()
    assert [(one.storage, one.cells, one.names) for one in written.written] == [
        ("A", (1,), ("a", "b"))
    ]
    assert written.facts == {"a": ("version",), "b": ("version",)}
    assert (facts.bound, facts.written, facts.facts) == ((), (), {"a": ("requires_grad",)})
    assert again.bound == ("a",) and gone.gone == ("b",)


def test_a_storages_content_is_held_once_when_it_changed() -> None:
    trace = run("import torch\na = torch.arange(4.)\nb = a.view(2, 2)\nb[0] = 9\nc = 1\n")
    assert [sorted(step.memory) for step in trace.steps] == [[], ["A"], [], ["A"], []]
    assert trace.steps[3].memory["A"].values == (9.0, 9.0, 2.0, 3.0)


def test_the_graph_says_which_nodes_were_freed_and_which_leaf_they_lead_to() -> None:
    trace = run(
        "import torch\nw = torch.ones(2, requires_grad=True)\nh = w * w\ny = h.exp().sum()\n"
        "h.detach().add_(1)\ny.backward()\n"
    )
    before, stale, after = (step.graph for step in trace.steps[3:])
    names = {node.name: node for node in before.nodes}
    assert set(names) == {
        "MulBackward0", "ExpBackward0", "SumBackward0", "torch::autograd::AccumulateGrad"
    }  # fmt: skip
    leaf = names["torch::autograd::AccumulateGrad"]
    assert leaf.leaf == tensor(trace, "w").identity
    assert names["MulBackward0"].next == (leaf.number, leaf.number)
    assert {node.saved for node in before.nodes if node.name == "MulBackward0"} == {
        states.Freed.KEPT
    }
    assert not any(node.stale for node in stale.nodes)  # exp saved its result, not h
    assert {node.saved for node in after.nodes if node.name == "MulBackward0"} == {
        states.Freed.FREED
    }


def test_a_saved_tensor_that_was_written_over_makes_its_node_stale() -> None:
    trace = run("import torch\nw = torch.ones(2, requires_grad=True)\nh = w * 1\ny = h * h\n"
                "h += 1\n")  # fmt: skip
    stale = [node.name for node in trace.steps[-1].graph.nodes if node.stale]
    assert stale == ["MulBackward0"]


# -- labels


def test_a_tensor_and_an_array_over_one_memory_share_a_label() -> None:
    trace = run(
        "import numpy as np\nimport torch\na = np.arange(4.)\nt = torch.from_numpy(a)\n"
        "u = torch.from_numpy(a[2:])\nb = t.numpy()\nc = torch.ones(2)\nd = c.numpy()\n"
    )
    names = trace.steps[-1].names
    labels = {name: getattr(names[name], "storage", "") for name in "atubcd"}
    assert len({labels[name] for name in "atub"}) == 1
    assert labels["c"] == labels["d"] != labels["a"]
    assert (tensor(trace, "u").offset, tensor(trace, "u").cells) == (0, (2, 3))


def test_an_address_used_again_gets_a_new_label() -> None:
    turns = "for i in range(30):\n    x = torch.full((2,), i)\n    del x\n"
    trace = run(f"import torch\n{turns}")
    seen = [step.names["x"] for step in trace.steps if "x" in step.names]
    assert len({state.storage for state in seen if isinstance(state, TensorState)}) == 30
    assert len({state.identity for state in seen if isinstance(state, TensorState)}) == 30


def test_two_names_of_one_tensor_and_tied_parameters_have_one_identity() -> None:
    trace = run(
        "import torch\nx = torch.ones(2)\ny = x\na = torch.nn.Linear(2, 2)\n"
        "b = torch.nn.Linear(2, 2)\nb.weight = a.weight\n"
    )
    names = trace.steps[-1].names
    assert isinstance(names["a"], states.ModuleState) and isinstance(names["b"], states.ModuleState)
    assert tensor(trace, "x") == tensor(trace, "y")
    assert names["a"].parameters["weight"].identity == names["b"].parameters["weight"].identity


def module(trace: Trace, name: str, step: int = -1) -> states.ModuleState:
    state = trace.steps[step].names[name]
    assert isinstance(state, states.ModuleState)
    return state


def test_a_module_has_one_identity_under_all_its_names_and_in_every_place_of_a_tree() -> None:
    trace = run(
        "import torch\nfrom torch import nn\na = nn.Linear(1, 1)\nb = a\n"
        "net = nn.Sequential(a, nn.ReLU(), b)\na = nn.Linear(1, 1)\n"
        "opt = torch.optim.SGD(net.parameters())\nsame = opt\n"
    )
    a, b, net = (module(trace, name) for name in ("a", "b", "net"))
    assert b.identity == module(trace, "a", 2).identity != a.identity
    assert net.children["0"].identity == net.children["2"].identity == b.identity
    assert net.children["1"].identity not in {a.identity, b.identity, net.identity}
    opt, other = (trace.steps[-1].names[name] for name in ("opt", "same"))
    assert isinstance(opt, states.OptimizerState) and opt == other


def test_a_module_seen_from_inside_its_own_method_is_the_one_outside() -> None:
    trace = run(
        "import torch\nclass Net(torch.nn.Module):\n    def forward(self, x):\n"
        "        y = x + 1\n        return y\nnet = Net()\nz = net(torch.ones(1))\n"
    )
    inside = next(step for step in trace.steps if step.frame)
    assert inside.local["self"] == inside.names["net"]


def test_a_module_made_where_a_dead_one_was_is_another_and_its_name_bound_anew() -> None:
    trace = run(
        "import torch\nnet = torch.nn.Identity()\nwhere = {id(net)}\nfor i in range(9):\n"
        "    net = [net := None, torch.nn.Identity()][1]\n    where.add(id(net))\n"
        "reused = len(where) < 10\n"
    )
    assert trace.steps[-1].names["reused"] == Plain("True", "bool")
    anew = [at for at, step in enumerate(trace.steps) if step.first == 5]
    assert len({module(trace, "net", at).identity for at in anew}) == 9
    assert all("net" in trace.steps[at].changes.bound for at in anew)


def test_a_buffer_that_a_state_dict_leaves_out_is_told_from_one_that_it_keeps() -> None:
    trace = run(
        "import torch\nnet = torch.nn.Module()\nnet.register_buffer('kept', torch.ones(1))\n"
        "net.register_buffer('left', torch.ones(1), persistent=False)\n"
        "keys = list(net.state_dict())\n"
    )
    net = module(trace, "net")
    assert (list(net.buffers), net.transient) == (["kept", "left"], frozenset({"left"}))
    assert trace.steps[-1].names["keys"] == Plain("['kept']", "list")


def test_a_list_hides_modules_and_tensors_from_the_module_that_holds_it() -> None:
    trace = run(
        "import torch\nfrom torch import nn\nnet = nn.Module()\nnet.known = nn.Linear(1, 1)\n"
        "net.layers = [nn.Linear(1, 1)]\nnet.scale = torch.ones(1)\nnet.size = 3\n"
    )
    net = trace.steps[-1].names["net"]
    assert isinstance(net, states.ModuleState)
    assert (list(net.children), list(net.unregistered)) == (["known"], ["layers", "scale"])
    lstm = run("import torch\nm = torch.nn.LSTM(1, 1)\n").steps[-1].names["m"]
    assert isinstance(lstm, states.ModuleState) and lstm.unregistered == {}


KEEPS = """import torch
class Keeps(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.k = 2
        ctx.save_for_backward(x)
        return ctx.k * x
    @staticmethod
    def backward(ctx, grad):
        grad = grad * ctx.k
        return grad
x = torch.ones(1, requires_grad=True) * 3
"""


@pytest.mark.parametrize(
    ("ends", "kept"),
    [
        ("Keeps.apply(x).backward()", {"saved_tensors", "k"}),
        # To ask for them would raise, as they are not what they were.
        ("y = Keeps.apply(x)\nwith torch.no_grad():\n    x += 1\ny.backward()", {"k"}),
    ],
)
def test_a_ctx_holds_what_is_saved_and_what_was_assigned_to_it(ends: str, kept: set[str]) -> None:
    trace = run(KEEPS + ends)
    assert trace.failure is None
    held = [(step.first, step.local["ctx"]) for step in trace.steps if "ctx" in step.local]
    assert all(isinstance(ctx, states.ContextState) for _, ctx in held)
    assert len({ctx.identity for _, ctx in held}) == 1
    fields = {line: set(ctx.fields) for line, ctx in held}
    assert fields == {5: {"k"}, 6: {"to_save", "k"}, 7: {"to_save", "k"}, 10: kept, 11: kept}
    (saved,) = held[1][1].fields["to_save"].items
    assert saved.identity == trace.steps[3].names["x"].identity


def test_what_a_ctx_saved_is_not_asked_for_where_the_program_would_hear_of_it() -> None:
    heard = "heard = []\ndef unpack(x):\n    heard.append(1)\n    return x\n"
    hooks = "with torch.autograd.graph.saved_tensors_hooks(lambda x: x, unpack):\n    "
    trace = run(KEEPS + heard + hooks + "y = Keeps.apply(x)\ny.backward()")
    (backward,) = [step for step in trace.steps if step.first == 10]
    assert "saved_tensors" not in backward.local["ctx"].fields
    assert trace.steps[-1].names["heard"].text == "[]"


def test_an_optimizer_shows_its_groups_and_what_it_keeps_of_each_parameter() -> None:
    trace = run(
        "import torch\nw = torch.ones(2, requires_grad=True)\nopt = torch.optim.Adam([w], lr=0.5)\n"
        "w.sum().backward()\nopt.step()\n"
    )
    opt = trace.steps[-1].names["opt"]
    assert isinstance(opt, states.OptimizerState)
    assert opt.groups[0]["lr"] == Plain("0.5", "float")
    kept = opt.state[tensor(trace, "w").identity]
    assert set(kept) == {"step", "exp_avg", "exp_avg_sq"}


# -- what ends a run


@pytest.mark.parametrize(
    ("program", "line", "kind", "message"),
    [
        ("x = 1\ny = x / 0\n", 2, "ZeroDivisionError", "division by zero"),
        ("def f():\n    return 1 / 0\nf()\n", 2, "ZeroDivisionError", "division by zero"),
        ("x = (\n", 1, "SyntaxError", "'(' was never closed"),
        ("if 1:\nx = 1\n", 2, "IndentationError",
         "expected an indented block after 'if' statement on line 1"),
        ("x = 1\0", 0, "SyntaxError", "source code string cannot contain null bytes"),
        ("x = 1\nraise SystemExit(3)\n", 2, "SystemExit", "3"),
        ("class E(Exception):\n    def __str__(self):\n        raise KeyError\nraise E\n", 4, "E",
         "(its text raises KeyError)"),
    ],
)  # fmt: skip
def test_whatever_a_program_raises_is_its_failure(
    program: str, line: int, kind: str, message: str
) -> None:
    failure = run(program).failure
    assert failure is not None
    assert (failure.line, failure.kind, failure.message) == (line, kind, message)


def test_a_failure_keeps_the_last_good_state_and_shows_what_stood_then() -> None:
    trace = run("import torch\na = torch.zeros(3)\nprint(a.fill_(1).sum(), a.view(2))\n")
    assert tensor(trace, "a").values == (0.0, 0.0, 0.0)
    assert trace.failure is not None and trace.failure.after is not None
    after = trace.failure.after.names["a"]
    assert isinstance(after, TensorState) and after.values == (1.0, 1.0, 1.0)


def test_two_hundred_steps_are_recorded_and_the_next_ends_the_run() -> None:
    enough = "\n".join(f"x{n} = {n}" for n in range(200))
    assert run(enough).failure is None
    trace = run(f"{enough}\ny = 1\n")
    assert len(trace.steps) == 200 and trace.failure is not None
    assert trace.failure.message == "The run was ended after 200 steps."


ENDLESS = {
    "a loop on one line": "sum(1 for _ in iter(int, 1))\n",
    "a loop that catches everything": (
        "while True:\n    try:\n        [0 for _ in iter(int, 1)]\n    except:\n        continue\n"
    ),
    "a loop that suppresses everything": (
        "import contextlib\nwhile True:\n    with contextlib.suppress(BaseException):\n"
        "        [0 for _ in range(10**7)]\n"
    ),
    "a loop that finally goes on": (
        "while True:\n    try:\n        [0 for _ in iter(int, 1)]\n    finally:\n        continue\n"
    ),
    "a loop of C's": "import itertools\nlist(map(str, itertools.count()))\n",
    "a sleep": "import time\ntime.sleep(60)\n",
}


@pytest.mark.parametrize("name", ENDLESS)
def test_a_statement_without_end_is_ended(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "MOST_SECONDS", 0.2)
    trace = run(ENDLESS[name])
    assert trace.failure is not None and trace.failure.kind == "Stopped"
    assert trace.failure.message == "The run was ended after 0.2 s."
    assert run("x = 1\n").failure is None


def test_a_run_that_is_profiled_is_ended_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "MOST_SECONDS", 0.2)
    threading.setprofile(lambda *_: None)
    try:
        failure = run(ENDLESS["a loop on one line"]).failure
    finally:
        threading.setprofile(None)  # type: ignore[arg-type]
    assert failure is not None and failure.kind == "Stopped"


@pytest.mark.parametrize(
    "program",
    [
        "while True:\n    pass\n",
        "def g():\n    while True:\n        yield 1\nsum(g())\n",
        "def f():\n    while True:\n        try:\n            x = 1\n        except:\n"
        "            continue\nf()\n",
    ],
)
def test_a_loop_of_statements_is_ended_by_its_steps(program: str) -> None:
    failure = run(program).failure
    assert failure is not None and failure.message == "The run was ended after 200 steps."


def test_a_large_tensor_has_its_facts_and_statistics_and_the_run_goes_on() -> None:
    trace = run("import torch\nx = torch.arange(600.).view(20, 30)\nx[0, 0] = -5\ny = x[0]\n")
    state = tensor(trace, "x")
    assert (state.shape, state.values, state.cells) == ((20, 30), None, None)
    assert state.summary is not None
    assert (state.summary.lowest, state.summary.highest) == (-5.0, 599.0)
    values = np.arange(600.0)
    values[0] = -5
    assert state.summary.mean == pytest.approx(values.mean())
    assert state.summary.deviation == pytest.approx(values.std())
    assert [value for _, value in state.summary.corners] == [-5.0, 29.0, 570.0, 599.0]
    assert trace.steps[2].changes.written[0].cells is None
    assert len(tensor(trace, "y").values or ()) == 30


def shades(source: str) -> list[int]:
    state = tensor(run(f"import torch\n{source}\n"), "x")
    assert state.summary is not None
    return list(base64.b64decode(state.summary.shades))


def test_up_to_4096_cells_have_a_shade_each_by_their_share_of_the_largest() -> None:
    found = shades("x = torch.linspace(-2, 4, 4096).view(64, 64)")
    values = np.linspace(-2, 4, 4096)
    assert np.abs(np.array(found) - (128 + 127 * values / 4)).max() < 0.51
    odd = shades(
        "x = torch.zeros(300)\nx[1:5] = torch.tensor([1., -2., float('nan'), -float('inf')])"
    )
    assert odd[:6] == [128, 192, 1, 0, 1, 128]
    assert set(shades("x = torch.zeros(300)")) == {128}
    assert shades("x = torch.ones(4097)") == shades("x = torch.ones(300, dtype=torch.cfloat)") == []


STRANGE = {
    "a nested tensor": "x = torch.nested.nested_tensor([torch.ones(2), torch.ones(3)])\n",
    "a sparse tensor": "x = torch.eye(3).to_sparse()\ny = torch.eye(3).to_sparse_csr()\n",
    "a quantized tensor": "x = torch.quantize_per_tensor(torch.ones(3), 0.1, 0, torch.qint8)\n",
    "a parameter without a shape": "m = torch.nn.LazyLinear(3)\nm(torch.ones(1, 2))\n",
    "the meta device": "with torch.device('meta'):\n    m = torch.nn.Linear(3, 3)\n",
    "a storage that was given back": "x = torch.ones(3)\nx.untyped_storage().resize_(0)\n",
    "tensors inside vmap": (
        "def f(x):\n    y = x * 2\n    return y.sum()\nz = torch.func.vmap(f)(torch.ones(3, 2))\n"
    ),
    "an object that lies about its class": (
        "class E:\n    def __getattr__(self, name):\n        raise SystemExit\n"
        "    def __repr__(self):\n        raise SystemExit\n"
        "    __class__ = property(lambda self: 1 / 0)\ne = E()\nl = [e]\n"
    ),
    "objects made halfway": (
        "from torch import nn, optim\nm = nn.Module.__new__(nn.Module)\n"
        "o = optim.SGD.__new__(optim.SGD)\n"
    ),
    "a list in itself": "l = []\nl.append(l)\n",
    "a list that doubles": "l = [1]\nfor _ in range(40):\n    l = [l, l]\n",
    "numbers without end": "x = 10 ** 5000\ny = 'a' * 10**6\nz = list(range(10**6))\n",
    "arrays of anything": (
        "import numpy as np\na = np.array([1, 'a'], dtype=object)\nb = np.arange(6.)[::-2]\n"
        "c = np.zeros(2, dtype=[('a', 'f4')])\nd = np.zeros(0)\n"
        "e = np.array('2020', 'datetime64')\n"
    ),
}


@pytest.mark.parametrize("name", STRANGE)
def test_whatever_a_program_makes_is_said_in_a_few_words(name: str) -> None:
    trace = run(f"import torch\n{STRANGE[name]}")
    assert trace.failure is None
    assert len(repr(trace.steps[-1])) < 20_000


# -- what it costs


TEN = """import torch
a = torch.arange(64.).view(8, 8)
b = a.t()
c = a @ b
d = c.softmax(dim=1)
e = torch.cat([a, d], dim=1)[:, 4:12]
f = a[a > 20]
g = c.sort(dim=1).values
h = e.flip(0).contiguous()
h += 1
k = (h - g).abs().mean(dim=0)
"""


def test_ten_statements_are_recorded_in_ten_milliseconds_and_traced_in_thirty() -> None:
    def record() -> Trace:
        forget()
        return run(TEN)

    def trace() -> None:
        last = len(record().steps) - 1
        for name in "bcdefghk":
            shape = tensor(run(TEN), name).shape
            origins(run(TEN), last, name, (0,) * len(shape))

    trace()  # what torch imports late
    assert clock.milliseconds(record, limit=10, clock=time.process_time) < 10
    assert clock.milliseconds(trace, limit=30, clock=time.process_time) < 30


# -- the host


def test_what_the_host_has_set_changes_no_trace_and_is_afterwards_as_it_was() -> None:
    program = (
        "import torch\nx = torch.tensor([0.123456789]) * 2\nprint(x)\n"
        "y = torch.ones(1, requires_grad=True) * 2\nz = torch.rand(2)\n"
    )
    plain = run(program)
    forget()
    torch.set_default_dtype(torch.float64)
    torch.set_printoptions(precision=2)
    try:
        state, arrays, numbers = torch.get_rng_state(), np.random.get_state()[1], random.getstate()
        with (
            torch.no_grad(),
            torch.device("meta"),
            torch.autograd.set_detect_anomaly(True, check_nan=False),
            warnings.catch_warnings(),
        ):
            warnings.simplefilter("error")
            filters = list(warnings.filters)
            again = run(program)
            assert list(warnings.filters) == filters
            assert torch.is_anomaly_enabled() and not torch.is_anomaly_check_nan_enabled()
            assert not torch.is_grad_enabled() and torch.get_default_device().type == "meta"
        assert torch.get_default_dtype() == torch.float64
        assert torch._tensor_str.PRINT_OPTS.precision == 2
        assert torch.equal(state, torch.get_rng_state())
        assert np.array_equal(arrays, np.random.get_state()[1])
        assert numbers == random.getstate()
    finally:
        torch.set_default_dtype(torch.float32)
        torch.set_printoptions(profile="default")
    assert again == plain


def process() -> list[object]:
    """What belongs to the whole process."""
    return [
        torch.initial_seed(),
        torch.get_rng_state().sum(),
        torch.get_num_threads(),
        torch.get_default_dtype(),
        torch.get_default_device(),
        torch.is_grad_enabled(),
        torch.is_anomaly_enabled(),
        torch.are_deterministic_algorithms_enabled(),
        torch._tensor_str.PRINT_OPTS.precision,
        vars(torch)["manual_seed"],
        sys.getrecursionlimit(),
        gc.isenabled(),
        sys.stdout,
        time.sleep,
        list(warnings.filters),
        warnings.showwarning,
    ]


def test_however_many_threads_the_host_has_set_a_sum_is_rounded_alike() -> None:
    """Here the gradient of a weight is what rounding leaves of 0, and two threads leave more."""
    program = (
        "import torch\nx = torch.tensor([[1., 5.], [2., 3.], [4., 4.], [8., 1.]])\n"
        "norm = torch.nn.BatchNorm1d(2)\nfor part in x.split(2):\n"
        "    (norm(part) ** 3).sum().backward()\nleft = norm.weight.grad.clone()\n"
    )
    threads = torch.get_num_threads()
    traces = []
    try:
        for count in (1, 2):
            forget()
            torch.set_num_threads(count)
            traces.append(run(program))
            assert torch.get_num_threads() == count
    finally:
        torch.set_num_threads(threads)
    assert traces[0] == traces[1]


def test_what_a_program_sets_is_gone_afterwards() -> None:
    before = process()
    trace = run(
        "import gc, random, sys, warnings\nimport numpy as np\nimport torch\n"
        "torch.manual_seed(1)\ntorch.set_default_dtype(torch.float64)\n"
        "torch.set_printoptions(precision=1)\ntorch.set_grad_enabled(False)\n"
        "torch.autograd.set_detect_anomaly(True)\ntorch.use_deterministic_algorithms(True)\n"
        "torch.set_default_device('meta')\nwarnings.simplefilter('error')\ngc.enable()\n"
        "sys.setrecursionlimit(500)\nnp.random.seed(5)\nrandom.seed(5)\ntorch.set_num_threads(2)\n"
        "torch.seed()\n"
    )
    assert trace.failure is None
    assert process() == before


SESSIONS = [
    "import torch\ntorch.manual_seed({n})\nx = torch.rand(3)\ny = torch.nn.Linear(2, 2).weight\n",
    "import torch\ntorch.set_default_dtype(torch.float64)\nx = torch.ones({n} + 1) / 3\n",
    "import torch, warnings\nwith torch.no_grad():\n    warnings.warn('{n}')\n"
    "    x = torch.ones(2, requires_grad=True) * {n}\n",
    "import torch\nx = torch.ones(3, requires_grad=True)\n(x * {n}).sum().backward()\nprint(x)\n",
]


def test_thirty_two_sessions_at_once_give_the_traces_that_each_gives_alone() -> None:
    programs = [SESSIONS[n % 4].format(n=n) for n in range(32)]
    alone = [run(program) for program in programs]
    forget()
    stop = threading.Event()
    drawn = []

    def noise() -> None:  # of a session that has nothing to do with programs
        while not stop.is_set():
            drawn.append(torch.rand(1).dtype)
            assert torch.is_grad_enabled()
            stop.wait(0.001)

    noisy = threading.Thread(target=noise)
    noisy.start()
    try:
        with ThreadPoolExecutor(32) as pool:
            together = list(pool.map(run, programs))
    finally:
        stop.set()
        noisy.join()
    assert together == alone and drawn


def test_a_run_that_is_ended_twice_names_the_line_that_it_was_ended_at_first() -> None:
    # As where what the program had made takes long to free: the second end comes outside of it.
    code = compile("x = 1\nraise KeyError(x)", instrument.FILE, "exec")
    error = running._Ended()
    try:
        runpy._run_code(code, {})  # type: ignore[attr-defined]
    except KeyError as first:
        error.__context__ = first
    assert running.Run("", "cpu")._failed(error).line == 2
