"""Which input pixels made an output pixel, and with what weight: from torch's own Jacobian."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import torch

# torch imports this, and sympy with it, in the first backward pass that is given a cotangent: 0.4 s
# that a reader would wait for. Imported here, a server has it before the first reader comes.
import torch.fx.experimental.symbolic_shapes
from torch import Tensor

from explainers.parameters import shown

__all__ = ["MAX_SIDE", "Linkage", "jacobian", "linkage", "linked"]

MAX_SIDE = 32
"""Longest side, in pixels, of an input or output picture: its Jacobian has side**4 entries."""


@dataclass(frozen=True, slots=True, eq=False)
class Linkage:
    """The sources of every output pixel, strongest first.

    Attributes:
        indices: ``(H', W', k)`` int64. Flat row-major index into the ``(H, W)`` input: row
            ``index // W``, column ``index % W``. -1 where there is no source.
        weights: ``(H', W', k)``, dtype of the picture. The derivative of the output pixel with
            respect to that input pixel; 0 where there is no source.
        remainder: ``(H', W')``. Sum of the magnitudes of the weights left out; 0 if none is.
        in_shape: ``(H, W)`` of the input.
    """

    indices: Tensor
    weights: Tensor
    remainder: Tensor
    in_shape: tuple[int, int]

    @property
    def out_shape(self) -> tuple[int, int]:
        """``(H', W')`` of the output."""
        rows, columns, _ = self.indices.shape
        return rows, columns

    def dense(self) -> Tensor:
        """Return the weights as a matrix ``(H' * W', H * W)``, float64; 0 where none is kept."""
        (rows, columns), (height, width) = self.out_shape, self.in_shape
        matrix = torch.zeros(rows * columns, height * width, dtype=torch.float64)
        indices = self.indices.reshape(len(matrix), -1)
        # What has no source weighs 0, and may so be added anywhere.
        weights = self.weights.reshape(indices.shape).double()
        return matrix.scatter_add_(1, indices.clamp_min(0), weights)


def linkage(
    operation: Callable[[Tensor], Tensor],
    in_shape: tuple[int, int],
    *,
    top: int = 16,
    at: Tensor | None = None,
) -> Linkage:
    r"""Return the input pixels, and their weights, behind each output pixel of an operation.

    The weight of input pixel ``j`` in output pixel ``i`` is :math:`\partial y_i / \partial x_j`
    as torch's backward pass gives it. For a linear operation ``y`` is the weighted sum of its
    sources, exactly; a constant that the operation adds is no weight.

    Args:
        operation: Maps an ``(H, W)`` picture to an ``(H', W')`` picture, differentiably. It is
            called once, on a copy, so it may change its argument in place. Tensors it closes
            over must not have been made under ``torch.inference_mode``.
        in_shape: ``(H, W)``, each from 1 to 32.
        top: How many sources to keep per output pixel, strongest by magnitude first. Of equal
            ones the first in row-major order wins.
        at: ``(H, W)`` picture at which a nonlinear operation is differentiated; float32 zeros
            on the CPU if None. It gives dtype and device of the computation, and stays as it is.

    Returns:
        Linkage with ``k = min(top, H * W)``, on the CPU.

    Raises:
        ValueError: An argument breaks a rule above, the output is not a 2-D floating tensor
            with sides from 1 to 32, or the derivative at ``at`` is not finite.

    References:
        One reverse pass over a batch of one-hot cotangents:
        https://docs.pytorch.org/functorch/stable/notebooks/jacobians_hessians.html
    """
    _check_arguments(operation, in_shape, top)
    # Callers may stand under no_grad or inference_mode; the derivative needs neither.
    with torch.inference_mode(mode=False), torch.enable_grad():
        picture = (_zeros(in_shape) if at is None else _checked(at, in_shape)).requires_grad_()
        # A clone is no leaf, and torch allows in-place changes to that.
        output = operation(picture.clone())
        _check_output(output)
        jacobian = _jacobian(output, picture)
    if not jacobian.isfinite().all():
        raise ValueError(
            "at must be a picture where the operation has a finite derivative, "
            "got one where it is inf or nan"
        )
    return _strongest(jacobian.cpu(), tuple(output.shape), in_shape, top)


def linked(weights: Tensor, out_shape: tuple[int, int], *, top: int = 16) -> Linkage:
    """Return the linkage of a linear operation whose weights are known.

    Args:
        weights: ``(H, W, H' * W')`` or ``(H, W, H', W')``: what the operation makes of each input
            pixel alone being 1.
        out_shape: ``(H', W')``.
        top: As in `linkage`.

    Returns:
        As `linkage`.
    """
    in_shape = (int(weights.shape[0]), int(weights.shape[1]))
    by_output = weights.reshape(in_shape[0] * in_shape[1], -1).T.contiguous()
    return _strongest(by_output.cpu(), out_shape, in_shape, top)


def jacobian(operation: Callable[[Tensor], Tensor], at: Tensor) -> Tensor:
    r"""Return :math:`\partial y_i / \partial x_j` of a small operation, whole.

    Args:
        operation: Differentiable; its output is floating point. It is called once, on a copy.
        at: Where it is differentiated: finite, floating point, any shape. With the output at most
            2**20 derivatives.

    Returns:
        Tensor ``(output.numel(), at.numel())`` on the CPU; both sides in row-major order.

    Raises:
        ValueError: An argument breaks a rule above.
    """
    with torch.inference_mode(mode=False), torch.enable_grad():
        shape = tuple(at.shape) if isinstance(at, Tensor) else ()
        point = _checked(at, shape).requires_grad_()
        output = operation(point.clone())
        if not isinstance(output, Tensor) or not output.is_floating_point():
            raise ValueError("operation must return a floating tensor")
        if output.numel() * point.numel() > MAX_SIDE**4:
            raise ValueError(
                f"operation must have at most {MAX_SIDE**4} derivatives, got "
                f"{output.numel() * point.numel()}"
            )
        return _jacobian(output, point).cpu()


def _zeros(shape: tuple[int, int]) -> Tensor:
    return torch.zeros(shape, dtype=torch.float32, device="cpu")


def _is_positive_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _check_arguments(operation: object, in_shape: object, top: object) -> None:
    if not callable(operation):
        raise ValueError(f"operation must be callable, got {shown(operation)}")
    if not (
        isinstance(in_shape, tuple | list)
        and len(in_shape) == 2
        and all(_is_positive_int(side) for side in in_shape)
    ):
        raise ValueError(f"in_shape must be two positive integers, got {shown(in_shape)}")
    if max(in_shape) > MAX_SIDE:
        raise ValueError(
            f"in_shape must be at most {MAX_SIDE}x{MAX_SIDE}, got {in_shape[0]}x{in_shape[1]}"
        )
    if not _is_positive_int(top):
        raise ValueError(f"top must be a positive integer, got {shown(top)}")


def _checked(at: Tensor, in_shape: tuple[int, ...]) -> Tensor:
    """Return a private copy of the picture that autograd can follow."""
    if not isinstance(at, Tensor):
        raise ValueError(f"at must be a tensor or None, got {type(at).__name__}")
    if tuple(at.shape) != tuple(in_shape):
        raise ValueError(f"at must have shape {tuple(in_shape)}, got {tuple(at.shape)}")
    if not at.is_floating_point():
        raise ValueError(f"at must be floating point, got {at.dtype}")
    if not at.isfinite().all():
        raise ValueError("at must be finite, got a picture with inf or nan")
    return at.detach().clone()


def _check_output(output: object) -> None:
    if not isinstance(output, Tensor):
        raise ValueError(f"operation must return a tensor, got {type(output).__name__}")
    if output.dim() != 2:
        raise ValueError(
            f"operation must return a picture (H', W'), got shape {tuple(output.shape)}"
        )
    if not output.is_floating_point():
        raise ValueError(f"operation must return a floating tensor, got {output.dtype}")
    rows, columns = output.shape
    if min(rows, columns) < 1 or max(rows, columns) > MAX_SIDE:
        raise ValueError(
            f"output must be at least 1x1 and at most {MAX_SIDE}x{MAX_SIDE}, got {rows}x{columns}"
        )


def _jacobian(output: Tensor, picture: Tensor) -> Tensor:
    """Return d output / d picture, ``(H' * W', H * W)``; zeros where autograd sees no path."""
    count = output.numel()
    if not output.requires_grad:
        return picture.new_zeros(count, picture.numel())

    def row(cotangent: Tensor) -> Tensor:
        return torch.autograd.grad(
            output, picture, cotangent, retain_graph=True, materialize_grads=True
        )[0]

    one_hot = torch.eye(count, dtype=output.dtype, device=output.device).view(count, *output.shape)
    # torch warns when it loops over the batch itself. catch_warnings would swap a global that
    # other threads swap too; setting the same filter again harms nobody.
    warnings.filterwarnings("ignore", "There is a performance drop", UserWarning)
    try:
        rows = torch.func.vmap(row)(one_hot)
    except RuntimeError:
        # A backward that cannot be batched: it reads a number out, or is random.
        rows = torch.stack([row(cotangent) for cotangent in one_hot])
    return rows.reshape(count, -1)


def _strongest(
    jacobian: Tensor, out_shape: tuple[int, ...], in_shape: tuple[int, int], top: int
) -> Linkage:
    # Rows are mostly zeros: pack the others to the left, then sort only what there is. A stable
    # sort keeps equal weights in row-major order, which topk does not promise.
    outputs, pixels = jacobian.shape
    row, column = jacobian.nonzero(as_tuple=True)
    counts = torch.bincount(row, minlength=outputs)
    slot = torch.arange(row.numel(), device=row.device) - (counts.cumsum(0) - counts)[row]
    kept = min(top, pixels)
    width = max(kept, int(counts.max()))
    weights = jacobian.new_zeros(outputs, width)
    indices = column.new_full((outputs, width), -1)
    weights[row, slot] = jacobian[row, column]
    indices[row, slot] = column

    order = weights.abs().argsort(dim=1, descending=True, stable=True)
    weights, indices = weights.gather(1, order), indices.gather(1, order)
    return Linkage(
        indices=indices[:, :kept].reshape(*out_shape, kept).contiguous(),
        weights=weights[:, :kept].reshape(*out_shape, kept).contiguous(),
        remainder=weights[:, kept:].abs().sum(dim=1).reshape(out_shape),
        in_shape=(in_shape[0], in_shape[1]),
    )
