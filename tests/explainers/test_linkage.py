import math
import warnings
from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from explainers.linkage import Linkage, jacobian, linkage, linked
from tests.clock import milliseconds

Operation = Callable[[Tensor], Tensor]


def picture(
    rows: int, columns: int, *, seed: int = 0, dtype: torch.dtype = torch.float64
) -> Tensor:
    return torch.rand(rows, columns, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def sources(links: Linkage, row: int, column: int) -> dict[tuple[int, int], float]:
    """Return {(input row, input column): weight}, in the order of the linkage."""
    width = links.in_shape[1]
    pairs = zip(
        links.indices[row, column].tolist(), links.weights[row, column].tolist(), strict=True
    )
    return {divmod(index, width): weight for index, weight in pairs if index >= 0}


def by_basis(operation: Operation, in_shape: tuple[int, int]) -> Tensor:
    """Return the matrix of a linear operation, (outputs, inputs): one unit picture at a time."""
    offset = operation(torch.zeros(in_shape, dtype=torch.float64))
    columns = []
    for index in range(math.prod(in_shape)):
        unit = torch.zeros(math.prod(in_shape), dtype=torch.float64)
        unit[index] = 1
        columns.append((operation(unit.view(in_shape)) - offset).reshape(-1))
    return torch.stack(columns, dim=1)


def as_matrix(links: Linkage) -> Tensor:
    """Return the linkage as a dense matrix, (outputs, inputs)."""
    outputs, inputs = math.prod(links.out_shape), math.prod(links.in_shape)
    matrix = torch.zeros(outputs, inputs + 1, dtype=torch.float64)
    indices = links.indices.reshape(outputs, -1)
    matrix.scatter_add_(
        1, indices.where(indices >= 0, inputs), links.weights.double().reshape(outputs, -1)
    )
    return matrix[:, :-1]


def apply(links: Linkage, source: Tensor) -> Tensor:
    """Return the weighted sum of the sources of every output pixel."""
    values = source.reshape(-1)[links.indices.clamp(min=0)]
    return (values * links.weights).sum(dim=-1)


def warp(
    theta: Tensor, shape: tuple[int, int], mode: str, padding: str = "zeros", align: bool = False
) -> Operation:
    grid = F.affine_grid(theta[None], [1, 1, *shape], align_corners=align)

    def operation(x: Tensor) -> Tensor:
        return F.grid_sample(
            x[None, None], grid.to(x.dtype), mode=mode, padding_mode=padding, align_corners=align
        )[0, 0]

    return operation


def turn(degrees: float) -> Tensor:
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return torch.tensor([[c, s, 0.0], [-s, c, 0.0]], dtype=torch.float64)


sides = st.integers(1, 7)
thetas = st.lists(st.floats(-1.5, 1.5, width=32), min_size=6, max_size=6).map(
    lambda six: torch.tensor(six, dtype=torch.float64).view(2, 3)
)


# What it says about operations whose weights are known by hand.


def test_identity_takes_each_pixel_from_itself_with_weight_one() -> None:
    links = linkage(lambda x: x, (3, 4))

    assert links.in_shape == links.out_shape == (3, 4)
    assert torch.equal(links.indices[..., 0].reshape(-1), torch.arange(12))
    assert torch.equal(links.weights[..., 0], torch.ones(3, 4))
    assert (links.indices[..., 1:] == -1).all()
    assert not links.weights[..., 1:].any()
    assert not links.remainder.any()


def test_a_correlation_uses_its_kernel_where_it_lies_and_drops_what_hangs_over_the_edge() -> None:
    kernel = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [-7.0, 8.0, 9.0]])

    links = linkage(lambda x: F.conv2d(x[None, None], kernel[None, None], padding=1)[0, 0], (4, 4))

    assert sources(links, 1, 2) == {
        (2, 3): 9, (2, 2): 8, (2, 1): -7,
        (1, 3): 6, (1, 2): 5, (1, 1): 4,
        (0, 3): 3, (0, 2): 2, (0, 1): 1,
    }  # fmt: skip
    assert sources(links, 0, 0) == {(1, 1): 9, (1, 0): 8, (0, 1): 6, (0, 0): 5}


def test_average_pooling_shares_equally_and_equal_weights_come_in_reading_order() -> None:
    links = linkage(lambda x: F.avg_pool2d(x[None], 2)[0], (4, 6))

    assert links.out_shape == (2, 3)
    assert list(sources(links, 1, 2).items()) == [
        ((2, 4), 0.25), ((2, 5), 0.25), ((3, 4), 0.25), ((3, 5), 0.25),
    ]  # fmt: skip


def test_nearest_takes_one_pixel_and_nearest_exact_another() -> None:
    # Downscaling 5 to 3 picks columns 0, 1, 3 or 0, 2, 4.
    def resize(mode: str) -> Operation:
        return lambda x: F.interpolate(x[None, None], size=(1, 3), mode=mode)[0, 0]

    picked = {
        mode: linkage(resize(mode), (1, 5)).indices[0, :, 0].tolist()
        for mode in ("nearest", "nearest-exact")
    }

    assert picked == {"nearest": [0, 1, 3], "nearest-exact": [0, 2, 4]}


def test_a_transposition_reads_row_and_column_the_other_way_round() -> None:
    assert sources(linkage(lambda x: x.T, (2, 5)), 4, 1) == {(1, 4): 1.0}


def test_bicubic_has_sixteen_sources_and_some_pull_down() -> None:
    links = linkage(warp(turn(30), (16, 16), "bicubic"), (16, 16))

    weights = list(sources(links, 8, 8).values())
    assert len(weights) == 16
    assert min(weights) < 0
    assert sum(weights) == pytest.approx(1, abs=1e-5)


def test_zero_padding_leaves_corners_of_a_turned_picture_without_a_source() -> None:
    links = linkage(warp(turn(45), (16, 16), "bilinear"), (16, 16))

    assert sources(links, 0, 0) == {}
    assert len(sources(links, 8, 8)) == 4


# Derivatives of what is not linear.


def test_a_square_weighs_a_pixel_by_twice_its_value() -> None:
    x = picture(3, 3)

    links = linkage(lambda x: x**2, (3, 3), at=x)

    torch.testing.assert_close(links.weights[..., 0], 2 * x)


def test_without_a_picture_the_derivative_is_taken_at_zero() -> None:
    assert (linkage(torch.square, (2, 2)).indices == -1).all()
    assert torch.equal(linkage(torch.sin, (2, 2)).weights[..., 0], torch.ones(2, 2))


def test_a_constant_that_is_added_is_no_weight() -> None:
    plain, shifted = linkage(lambda x: 3 * x, (2, 2)), linkage(lambda x: 3 * x + 7, (2, 2))

    assert torch.equal(plain.weights, shifted.weights)
    assert torch.equal(plain.indices, shifted.indices)


@pytest.mark.parametrize(
    "operation",
    [
        lambda x: torch.ones(2, 3),
        lambda x: x.detach() * 2,
        lambda x: (x > 0).float(),
        lambda x: torch.ones(2, 3, requires_grad=True) * 2,
    ],
    ids=["constant", "detached", "threshold", "other parameters"],
)
def test_an_output_that_does_not_depend_on_the_picture_has_no_source(operation: Operation) -> None:
    links = linkage(operation, (2, 3))

    assert links.out_shape == (2, 3)
    assert (links.indices == -1).all()
    assert not links.weights.any()
    assert not links.remainder.any()


# What holds for every input.


@settings(max_examples=40, deadline=None)
@given(
    theta=thetas,
    shape=st.tuples(sides, sides),
    out=st.tuples(sides, sides),
    mode=st.sampled_from(["nearest", "bilinear", "bicubic"]),
    padding=st.sampled_from(["zeros", "border", "reflection"]),
    align=st.booleans(),
)
def test_the_weighted_sum_of_the_sources_is_the_warped_picture(
    theta: Tensor,
    shape: tuple[int, int],
    out: tuple[int, int],
    mode: str,
    padding: str,
    align: bool,
) -> None:
    # A single pixel has no two corners to align.
    operation = warp(theta, out, mode, padding, align and 1 not in out)
    x = picture(*shape)

    links = linkage(operation, shape, top=shape[0] * shape[1], at=x)

    torch.testing.assert_close(apply(links, x), operation(x), atol=1e-10, rtol=0)
    torch.testing.assert_close(as_matrix(links), by_basis(operation, shape), atol=1e-10, rtol=0)


@settings(max_examples=30, deadline=None)
@given(
    shape=st.tuples(sides, sides),
    out=st.tuples(sides, sides),
    mode=st.sampled_from(["nearest", "nearest-exact", "area", "bilinear", "bicubic"]),
    antialias=st.booleans(),
)
def test_the_weighted_sum_of_the_sources_is_the_resized_picture(
    shape: tuple[int, int], out: tuple[int, int], mode: str, antialias: bool
) -> None:
    # One column wide, torch 2.14 antialiases into rows of copies, and only forward.
    antialias = antialias and mode in ("bilinear", "bicubic") and 1 not in (shape[1], out[1])

    def operation(x: Tensor) -> Tensor:
        return F.interpolate(x[None, None], size=out, mode=mode, antialias=antialias)[0, 0]

    x = picture(*shape)

    links = linkage(operation, shape, top=shape[0] * shape[1], at=x)

    torch.testing.assert_close(apply(links, x), operation(x), atol=1e-10, rtol=0)


@settings(max_examples=40, deadline=None)
@given(
    shape=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    outputs=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    top=st.integers(1, 20),
    entries=st.data(),
)
def test_what_top_leaves_out_is_the_weakest_and_the_remainder_accounts_for_it(
    shape: tuple[int, int], outputs: tuple[int, int], top: int, entries: st.DataObject
) -> None:
    size = math.prod(outputs) * math.prod(shape)
    # Whole numbers make ties and zeros common, and sums exact.
    numbers = entries.draw(st.lists(st.integers(-3, 3), min_size=size, max_size=size))
    matrix = torch.tensor(numbers, dtype=torch.float64).view(math.prod(outputs), math.prod(shape))

    links = linkage(
        lambda x: (matrix @ x.reshape(-1)).view(outputs),
        shape,
        top=top,
        at=torch.zeros(shape, dtype=torch.float64),
    )

    kept = min(top, math.prod(shape))
    assert links.indices.shape == links.weights.shape == (*outputs, kept)
    assert links.remainder.shape == outputs
    assert links.indices.dtype == torch.int64
    for row, indices, weights, rest in zip(
        matrix.tolist(),
        links.indices.reshape(-1, kept).tolist(),
        links.weights.reshape(-1, kept).tolist(),
        links.remainder.reshape(-1).tolist(),
        strict=True,
    ):
        # Python's sort is stable: strongest first, equal ones in row-major order.
        ranked = sorted((i for i, w in enumerate(row) if w), key=lambda i: -abs(row[i]))
        padding = [-1] * (kept - len(ranked[:kept]))
        assert indices == ranked[:kept] + padding
        assert weights == [row[i] for i in ranked[:kept]] + [0.0] * len(padding)
        assert rest == sum(abs(w) for w in row) - sum(abs(w) for w in weights)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), shape=st.tuples(st.integers(2, 5), st.integers(2, 5)))
def test_weights_of_a_nonlinear_operation_agree_with_central_differences(
    seed: int, shape: tuple[int, int]
) -> None:
    def operation(x: Tensor) -> Tensor:
        return torch.softmax(x, dim=1) * x.exp() + x.mean()

    x, step = picture(*shape, seed=seed), 1e-5
    slopes = []
    for index in range(x.numel()):
        nudge = torch.zeros(x.numel(), dtype=torch.float64)
        nudge[index] = step
        nudge = nudge.view(shape)
        slopes.append((operation(x + nudge) - operation(x - nudge)).reshape(-1) / (2 * step))

    links = linkage(operation, shape, top=x.numel(), at=x)

    torch.testing.assert_close(as_matrix(links), torch.stack(slopes, dim=1), atol=1e-8, rtol=0)


# How it treats its caller.


def test_the_picture_stays_as_it_was_even_when_the_operation_works_in_place() -> None:
    x = picture(2, 3)
    before = x.clone()

    links = linkage(lambda x: x.mul_(2).add_(1), (2, 3), at=x)

    assert torch.equal(x, before)
    assert not x.requires_grad
    assert torch.equal(links.weights[..., 0], torch.full((2, 3), 2.0, dtype=torch.float64))


def test_a_picture_that_requires_grad_gathers_none() -> None:
    x = picture(2, 2).requires_grad_()

    links = linkage(torch.sin, (2, 2), at=x)

    assert x.grad is None
    assert not links.weights.requires_grad


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_weights_have_the_dtype_of_the_picture(dtype: torch.dtype) -> None:
    links = linkage(lambda x: x.double() * 2, (2, 2), at=torch.zeros(2, 2, dtype=dtype))

    assert links.weights.dtype == links.remainder.dtype == dtype


@pytest.mark.parametrize("guard", [torch.no_grad, torch.inference_mode])
def test_callers_without_autograd_get_the_same_weights(
    guard: Callable[[], torch.autograd.grad_mode.no_grad],
) -> None:
    with guard():
        x = picture(2, 2)
        links = linkage(torch.square, (2, 2), at=x)

    torch.testing.assert_close(links.weights[..., 0].clone(), 2 * x.clone())


class _Reads(torch.autograd.Function):
    """Double the picture; the backward reads a number out, which no batched backward can."""

    @staticmethod
    def forward(ctx: torch.autograd.function.FunctionCtx, x: Tensor) -> Tensor:
        return 2 * x

    @staticmethod
    def backward(ctx: torch.autograd.function.FunctionCtx, grad: Tensor) -> Tensor:
        return grad * 2 if math.isfinite(grad.sum().item()) else grad


def test_a_backward_without_a_batching_rule_is_run_row_by_row() -> None:
    links = linkage(_Reads.apply, (2, 3))

    assert torch.equal(as_matrix(links), 2 * torch.eye(6, dtype=torch.float64))


def test_a_batch_that_torch_has_to_loop_over_passes_without_a_warning() -> None:
    x = picture(4, 4)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        links = linkage(lambda x: x.cummax(0).values, (4, 4), at=x)

    assert torch.equal(as_matrix(links).sum(dim=1), torch.ones(16, dtype=torch.float64))


def test_an_error_inside_the_operation_is_the_callers_to_see() -> None:
    with pytest.raises(ZeroDivisionError):
        linkage(lambda x: x * (1 // 0), (2, 2))


# Bad input.


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"in_shape": (33, 16)}, "in_shape must be at most 32x32, got 33x16"),
        ({"in_shape": (16, 33)}, "in_shape must be at most 32x32, got 16x33"),
        ({"in_shape": (0, 3)}, "in_shape must be two positive integers, got (0, 3)"),
        ({"in_shape": (3,)}, "in_shape must be two positive integers, got (3,)"),
        ({"in_shape": (3, 3.0)}, "in_shape must be two positive integers, got (3, 3.0)"),
        ({"in_shape": 9}, "in_shape must be two positive integers, got 9"),
        ({"top": 0}, "top must be a positive integer, got 0"),
        ({"top": 2.5}, "top must be a positive integer, got 2.5"),
        ({"top": True}, "top must be a positive integer, got True"),
        ({"operation": "flip"}, "operation must be callable, got flip"),
        ({"at": [[0.0]]}, "at must be a tensor or None, got list"),
        ({"at": torch.zeros(3, 2)}, "at must have shape (2, 2), got (3, 2)"),
        (
            {"at": torch.zeros(2, 2, dtype=torch.int64)},
            "at must be floating point, got torch.int64",
        ),
        ({"at": torch.full((2, 2), math.nan)}, "at must be finite, got a picture with inf or nan"),
        ({"operation": torch.numel}, "operation must return a tensor, got int"),
        (
            {"operation": lambda x: x[None]},
            "operation must return a picture (H', W'), got shape (1, 2, 2)",
        ),
        (
            {"operation": lambda x: x.long()},
            "operation must return a floating tensor, got torch.int64",
        ),
        (
            {"operation": lambda x: x[:0]},
            "output must be at least 1x1 and at most 32x32, got 0x2",
        ),
        (
            {"operation": torch.sqrt},
            (
                "at must be a picture where the operation has a finite derivative, "
                "got one where it is inf or nan"
            ),
        ),
    ],
)
def test_bad_input_is_refused_with_a_sentence(arguments: dict[str, object], message: str) -> None:
    known: dict[str, object] = {"operation": torch.sin, "in_shape": (2, 2)}

    with pytest.raises(ValueError) as refusal:
        linkage(**(known | arguments))  # type: ignore[arg-type]

    assert str(refusal.value) == message


def test_a_large_output_is_refused_before_its_jacobian_is_taken() -> None:
    class Never(torch.autograd.Function):
        @staticmethod
        def forward(ctx: torch.autograd.function.FunctionCtx, x: Tensor) -> Tensor:
            return x.repeat(33, 1)

        @staticmethod
        def backward(ctx: torch.autograd.function.FunctionCtx, grad: Tensor) -> Tensor:
            raise AssertionError("the backward ran")

    with pytest.raises(ValueError, match=r"output must be .* at most 32x32, got 33x2"):
        linkage(Never.apply, (1, 2))


def test_thirty_two_pixels_a_side_are_still_taken() -> None:
    links = linkage(lambda x: x, (32, 32), top=1)

    assert torch.equal(links.indices.reshape(-1), torch.arange(1024))


@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
def test_a_sixteen_pixel_turn_takes_under_five_milliseconds(mode: str) -> None:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        operation = warp(turn(30).float(), (16, 16), mode)
        assert milliseconds(lambda: linkage(operation, (16, 16)), limit=5) < 5
    finally:
        torch.set_num_threads(threads)


# The whole Jacobian.


@pytest.mark.parametrize(
    "operation",
    [
        torch.sin,
        lambda x: x.sum(),
        lambda x: torch.softmax(x.reshape(-1), dim=0),
        lambda x: torch.outer(x.reshape(-1), x.reshape(-1)),
        lambda x: torch.cat([x.flatten().cumsum(0), x.flatten() * 0]),
        lambda x: F.interpolate(x.reshape(1, 1, -1), size=9, mode="linear").reshape(3, 3),
        lambda x: F.avg_pool1d(x.reshape(1, 1, -1), 2).squeeze() if x.numel() > 1 else x * 2,
    ],
)
@settings(max_examples=20, deadline=None)
@given(shape=st.lists(st.integers(1, 4), max_size=3).map(tuple), seed=st.integers(0, 2**32 - 1))
def test_the_jacobian_is_torchs_own(
    operation: Operation, shape: tuple[int, ...], seed: int
) -> None:
    at = torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    expected = torch.autograd.functional.jacobian(operation, at)
    found = jacobian(operation, at)
    assert found.shape == (operation(at).numel(), at.numel())
    torch.testing.assert_close(found, expected.reshape(found.shape), atol=1e-12, rtol=0)


def test_the_jacobian_of_a_picture_is_its_linkage_written_out() -> None:
    operation = warp(turn(30), (5, 4), "bicubic")
    links = linkage(operation, (6, 7), top=42, at=torch.zeros(6, 7, dtype=torch.float64))
    at = torch.zeros(6, 7, dtype=torch.float64)
    torch.testing.assert_close(jacobian(operation, at), as_matrix(links), atol=1e-12, rtol=0)


@pytest.mark.parametrize("guard", [torch.no_grad, torch.inference_mode])
def test_the_jacobian_needs_no_autograd_around_it_and_touches_nothing(
    guard: Callable[[], torch.autograd.grad_mode.no_grad],
) -> None:
    with guard():
        at = torch.tensor([1.0, 2.0])
        found = jacobian(lambda x: x.mul_(3).add_(1).square(), at)
    assert found.tolist() == [[24, 0], [0, 42]]
    assert at.tolist() == [1, 2]


def test_an_operation_that_does_not_depend_on_its_input_has_a_jacobian_of_zeros() -> None:
    assert jacobian(lambda x: torch.ones(3), torch.zeros(2)).tolist() == [[0, 0]] * 3


@pytest.mark.parametrize(
    ("operation", "at", "message"),
    [
        (torch.sin, torch.zeros(2).long(), "at must be floating point, got torch.int64"),
        (
            torch.sin,
            torch.tensor([0.0, math.nan]),
            "at must be finite, got a picture with inf or nan",
        ),
        (torch.numel, torch.zeros(2), "operation must return a floating tensor"),
        (lambda x: x.long(), torch.zeros(2), "operation must return a floating tensor"),
        (
            lambda x: x.repeat(1025),
            torch.zeros(32),
            "operation must have at most 1048576 derivatives, got 1049600",
        ),
    ],
)
def test_a_bad_jacobian_is_refused_with_a_sentence(
    operation: Operation, at: Tensor, message: str
) -> None:
    with pytest.raises(ValueError) as refusal:
        jacobian(operation, at)
    assert str(refusal.value) == message


def test_a_jacobian_wants_a_tensor() -> None:
    with pytest.raises(ValueError, match="at must be a tensor"):
        jacobian(lambda x: x, [0.0])  # type: ignore[arg-type]


def test_known_weights_give_the_linkage_that_autograd_gives() -> None:
    def operation(image: Tensor) -> Tensor:
        return F.interpolate(image[None, None], size=(5, 7), mode="bilinear")[0, 0]

    by_autograd = linkage(operation, (3, 4))
    alone = torch.eye(12).reshape(12, 1, 3, 4)
    made = F.interpolate(alone, size=(5, 7), mode="bilinear")
    known = linked(made.reshape(3, 4, 5, 7), (5, 7))
    assert known.in_shape == by_autograd.in_shape
    assert torch.equal(known.indices, by_autograd.indices)
    assert torch.allclose(known.weights, by_autograd.weights, atol=1e-6)


def test_dense_is_the_matrix_of_the_operation() -> None:
    picture = torch.rand(3, 4, generator=torch.Generator().manual_seed(0))
    matrix = linkage(lambda x: x[1:] - 2 * x[:-1, [0, 0, 1, 3]], (3, 4)).dense()
    assert matrix.shape == (8, 12) and matrix.dtype == torch.float64
    expected = picture[1:] - 2 * picture[:-1, [0, 0, 1, 3]]
    assert torch.allclose(matrix @ picture.double().flatten(), expected.double().flatten())
    assert (linkage(lambda x: 0 * x[:1, :1], (3, 4)).dense() == 0).all()
