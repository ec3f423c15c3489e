"""A cell comes from the cells that made it, in the statement that last wrote it."""

import dataclasses

import numpy as np
import pytest

from explainers.program import Origin, TensorState, origins, run
from tests.explainers.program import questions

# Each makes y of x in one statement. Six decimals, so that differences are exact enough.
STATEMENTS = {
    "relu of a matrix product": ("y = F.relu(x @ w.t() + 0.1)", (2, 3)),
    "a mean of squares": ("y = ((x - 1) ** 2).mean(0)", (2, 3)),
    "softmax": ("y = x.softmax(dim=1)", (2, 3)),
    "cross entropy": ("y = F.cross_entropy(x, torch.tensor([0, 2]))", (2, 3)),
    "a slice of a concatenation": ("y = torch.cat([x * 2, x], dim=1)[:, 1:3]", (2, 2)),
    "rows by index": ("y = x[torch.tensor([2, 0, 0])] * 3", (3, 2)),
    "gather": ("y = x.gather(1, torch.tensor([[1, 1], [0, 1]]))", (2, 2)),
    "scatter_add": ("y = torch.zeros(4).double().scatter_add(0, torch.tensor([1, 1, 3]), x)", (3,)),
    "index_put that adds": (
        "y = torch.zeros(4).double().index_put_((torch.tensor([1, 1, 3]),), x, accumulate=True)",
        (3,),
    ),
    "convolution and pooling": (
        "y = F.max_pool2d(F.conv2d(x.view(1, 1, 3, 3), k), 2)",
        (3, 3),
    ),
    "layer norm": ("y = F.layer_norm(x, (3,))", (2, 3)),
    "batch norm": ("y = F.batch_norm(x, None, None, training=True)", (3, 2)),
    "sort": ("y = x.sort(dim=1).values", (2, 3)),
    "max": ("y = x.max(dim=1).values", (2, 3)),
    "topk": ("y = x.topk(2, dim=1).values", (2, 3)),
    "where": ("y = torch.where(x > 0, x * 2, -x)", (5,)),
    "cumsum of a flip": ("y = x.flip(0).cumsum(0)", (4,)),
    "einsum": ("y = torch.einsum('ij,kj->ik', x, x)", (2, 2)),
    "attention": ("y = F.scaled_dot_product_attention(*[x[None], x[None] / 2, x[None]])", (3, 2)),
    "a gradient": ("y, = torch.autograd.grad(((x @ p).tanh()).sum(), p)", (2, 2)),
    "triu of an outer product": ("y = torch.outer(x, x).triu()", (3,)),
    "the norm": ("y = x.norm()", (3,)),
    "padding": ("y = F.pad(x, (1, 1), value=3.0)", (3,)),
    "masked_fill": ("y = x.masked_fill(x < 0, 7.0)", (4,)),
}  # fmt: skip
HEAD = """import torch
import torch.nn.functional as F
w = torch.linspace(-1, 1, 6).double().view(2, 3)
k = torch.tensor([[[[1., 2.], [3., 4.]]]]).double()
p = torch.tensor([[1., 2.], [3., 4.]]).double().requires_grad_()
"""


def source(values: np.ndarray, shape: tuple[int, ...], statement: str) -> str:
    made = f"x = torch.tensor({values.tolist()}, dtype=torch.float64).view({shape})"
    return f"{HEAD}{made}\n{statement}\n"


@pytest.mark.parametrize("name", STATEMENTS)
def test_a_weight_is_the_slope_that_finite_differences_find(name: str) -> None:
    statement, shape = STATEMENTS[name]
    rng = np.random.default_rng(3)
    values = rng.permutation(np.linspace(-1.2, 1.5, int(np.prod(shape)))) + 0.05

    def outcome(cells: np.ndarray) -> np.ndarray:
        given = questions.plainly(source(cells, shape, statement))["y"]
        return np.asarray(given.detach().flatten().tolist())

    small = 1e-6
    slopes = np.stack(
        [
            (outcome(values + small * unit) - outcome(values - small * unit)) / (2 * small)
            for unit in np.eye(values.size)
        ],
        axis=1,
    )
    trace = run(source(values, shape, statement))
    last = len(trace.steps) - 1
    state = trace.steps[last].names["y"]
    assert isinstance(state, TensorState)
    found = np.zeros_like(slopes)
    for row, index in enumerate(np.ndindex(state.shape)):
        for origin in origins(trace, last, "y", index):
            if origin.name == "x":  # of a mask or an index no weight is known: it has no slope
                found[row, np.ravel_multi_index(origin.index, shape)] += origin.weight or 0.0
    np.testing.assert_allclose(found, slopes, atol=1e-7)


VIEWS = """import torch
a = torch.arange(12.)
b = a.view(3, 4)
c = b.t()
d = c.contiguous()
b[1, 2] = 99.
"""


def test_a_views_cell_comes_from_its_base_where_nothing_was_written() -> None:
    trace = run(VIEWS)
    assert origins(trace, 5, "c", (1, 0)) == (Origin("a", (1,), 1.0),)
    assert origins(trace, trace.steps[3], "b", (0, 1)) == (Origin("a", (1,), 1.0),)


def test_a_views_cell_comes_from_whichever_tensor_last_wrote_it() -> None:
    trace = run(VIEWS)
    assert origins(trace, 4, "c", (2, 1)) == (Origin("a", (6,), 1.0),)
    assert origins(trace, 5, "c", (2, 1)) == (Origin("b", (1, 2), 1.0),)
    assert origins(trace, 5, "a", 6) == (Origin("b", (1, 2), 1.0),)


def test_a_copys_cell_comes_from_where_it_was_copied_not_from_what_was_written_later() -> None:
    assert origins(run(VIEWS), 5, "d", (2, 1)) == (Origin("c", (2, 1), 1.0),)


@pytest.mark.parametrize(
    ("program", "name"),
    [
        ("x = torch.tensor([1., 2.])", "x"),
        ("x = torch.zeros(2)", "x"),
        ("x = torch.rand(2)", "x"),
        ("y = torch.ones(2)\nx = y * 2\nx.fill_(3)", "x"),
        ("x = torch.ones(2)\nn = x.numpy()\nn[0] = 5", "x"),
        ("y = torch.ones(2)\nx = y * 2\nx[0] = 4", "x"),
    ],
)
def test_nothing_made_a_constant_a_draw_or_what_numpy_wrote(program: str, name: str) -> None:
    trace = run(f"import torch\n{program}\n")
    assert origins(trace, len(trace.steps) - 1, name, 0) == ()


def test_memory_that_is_used_again_brings_no_old_origins() -> None:
    turns = "for i in range(20):\n    y = x * 2\n    del y\n    z = torch.tensor([1., 2.])\n"
    trace = run(f"import torch\nx = torch.ones(2)\n{turns}")
    assert origins(trace, len(trace.steps) - 1, "z", 0) == ()


def test_a_cell_that_a_mask_left_alone_was_not_written() -> None:
    head = "import torch\ny = torch.tensor([1., 2.])\nx = y * 3\n"
    for write in ("x[y > 1] = 9.", "x.masked_fill_(y > 1, 9.)", "x[torch.tensor([1])] = 9."):
        trace = run(f"{head}{write}\n")
        assert origins(trace, 3, "x", 0) == (Origin("y", (0,), 3.0),)
        assert [origin.weight for origin in origins(trace, 3, "x", 1) if origin.weight] == []


def test_what_out_held_before_made_nothing() -> None:
    trace = run("import torch\nx = torch.ones(2)\no = torch.zeros(2)\ntorch.add(x, 1, out=o)\n")
    assert origins(trace, 3, "o", 0) == (Origin("x", (0,), 1.0),)


def test_a_view_of_a_large_tensor_comes_from_it() -> None:
    trace = run("import torch\nbig = torch.rand(20, 20)\nrow = big.t()[3]\n")
    assert origins(trace, 2, "row", 5) == (Origin("big", (5, 3), 1.0),)


def test_a_loops_own_name_is_what_its_turn_reads() -> None:
    trace = run("import torch\nx = torch.arange(4.)\nfor c in x.chunk(2):\n    y = c * 2\n")
    assert origins(trace, 2, "y", 1) == origins(trace, 3, "y", 1) == (Origin("c", (1,), 2.0),)


def test_whole_numbers_are_followed_too() -> None:
    trace = run("import torch\ni = torch.arange(4)\nj = i[i > 1] * 3\nk = torch.cat([j, i])\n")
    assert origins(trace, 2, "j", 1) == (Origin("i", (3,), 3.0),)
    assert origins(trace, 3, "k", 2) == (Origin("i", (0,), 1.0),)


def test_a_gradient_comes_from_what_the_graph_had_saved() -> None:
    trace = run(
        "import torch\nw = torch.tensor([2.], requires_grad=True)\nx = torch.tensor([3.])\n"
        "y = (w * x).sum()\ny.backward()\nwith torch.no_grad():\n    w -= 0.5 * w.grad\n"
    )
    assert origins(trace, 4, "w.grad", 0) == (Origin("x", (0,), 1.0),)
    assert origins(trace, 5, "w", 0) == (Origin("w", (0,), 1.0), Origin("w.grad", (0,), -0.5))


def test_inside_a_function_the_names_are_the_functions() -> None:
    trace = run("import torch\ndef f(a):\n    b = a * 3\n    return b\ny = f(torch.ones(2))\n")
    assert origins(trace, 2, "b", 0) == (Origin("a", (0,), 3.0),)


def test_the_strongest_come_first_and_what_has_no_weight_last() -> None:
    trace = run("import torch\nx = torch.tensor([1., 2., 3.])\nw = torch.tensor([1., -5., 2.])\n"
                "y = x @ w\nz = x.argmax()\n")  # fmt: skip
    found = origins(trace, 3, "y", ())
    assert [origin.weight for origin in found] == sorted(
        (origin.weight for origin in found), key=lambda weight: -abs(weight or 0.0)
    )
    assert {origin.weight for origin in origins(trace, 4, "z", ())} == {None}


@pytest.mark.parametrize(
    ("step", "name", "index"), [(9, "a", (0,)), (1, "q", (0,)), (1, "a", (12,)), (1, "a", (0, 0))]
)
def test_a_cell_that_is_not_there_is_named(step: int, name: str, index: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="must"):
        origins(run(VIEWS), step, name, index)


def test_a_readers_program_never_runs_here_not_even_for_its_origins() -> None:
    trace = dataclasses.replace(run(VIEWS), jailed=True)
    with pytest.raises(ValueError, match="trace must be of a program of this project"):
        origins(trace, 1, "a", 0)


def test_a_real_cell_made_of_complex_ones_has_origins_too() -> None:
    trace = run("import torch\nx = torch.tensor([3 + 4j, 6 + 8j])\ny = x.abs().sum()\n")
    found = origins(trace, 2, "y", ())
    assert [(origin.name, origin.index) for origin in found] == [("x", (0,)), ("x", (1,))]
    assert [abs(origin.weight or 0) for origin in found] == pytest.approx([1, 1])
