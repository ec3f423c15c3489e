"""The third wall: operators. What torch is about to compute is listed, small, and set.

Every call of an operator passes here, whoever made it. It runs on the meta device first, which
tells what it would make without making it; where the values decide that, a rule of its own says the
most. What torch leaves unset is set to zero: nothing of the process's memory is ever seen.
"""

import contextlib
import functools
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import (
    TorchDispatchMode,
    _get_current_dispatch_mode_stack,
    _pop_mode_temporarily,
)
from torch.utils._pytree import tree_flatten, tree_map_only

from explainers.scratchpad.refusals import Refused

MOST_CELLS = 65_536
"""Elements of a tensor; also of one with a dimension of size 0, without that."""
MOST_DIMENSIONS = 8
MOST_CALLS = 5_000
"""Calls of operators in one run."""
MOST_BYTES = 256 << 20
"""Bytes of all results of a run together."""
MOST_WORK = 400_000_000
"""Multiplications, or steps of a like price, of all calls of a run together."""
_MOST_PIECES = 256


def _names(words: str) -> frozenset[str]:
    return frozenset(words.split())


ALLOWED = _names(
    "__ilshift__ __irshift__ __lshift__ __rshift__ _adaptive_avg_pool2d "
    "_batch_norm_with_update _cdist_forward _conj _conj_physical _convolution _cummax_helper "
    "_cummin_helper _embedding_bag _euclidean_dist _foreach_clamp_max_ _foreach_clamp_min_ "
    "_foreach_mul_ _foreach_norm _fused_sdp_choice _index_put_impl_ _is_all_true _is_any_true "
    "_linalg_det _linalg_eigh _linalg_slogdet _linalg_solve_ex _linalg_svd _local_scalar_dense "
    "_log_softmax _logcumsumexp _native_batch_norm_legit _prelu_kernel _reshape_alias "
    "_safe_softmax _scaled_dot_product_flash_attention_for_cpu _softmax "
    "_thnn_fused_lstm_cell _to_copy _trilinear _unique2 _unsafe_index _unsafe_index_put "
    "_unsafe_view _upsample_nearest_exact1d _upsample_nearest_exact2d abs abs_ acos acos_ "
    "adaptive_avg_pool1d adaptive_avg_pool2d adaptive_max_pool2d add add_ addbmm addbmm_ "
    "addcdiv addcdiv_ addcmul addcmul_ addmm addmm_ addmv addmv_ addr addr_ "
    "affine_grid_generator alias all allclose amax amin aminmax angle any arange argmax argmin "
    "as_strided as_strided_ asin asin_ atan atan2 atan2_ atan_ avg_pool1d avg_pool2d baddbmm "
    "baddbmm_ bernoulli bernoulli_ binary_cross_entropy binary_cross_entropy_with_logits "
    "bincount bitwise_and bitwise_and_ bitwise_left_shift bitwise_left_shift_ bitwise_not "
    "bitwise_not_ bitwise_or bitwise_or_ bitwise_right_shift bitwise_right_shift_ bitwise_xor "
    "bitwise_xor_ block_diag bmm bucketize cat ceil ceil_ celu celu_ clamp clamp_ clamp_max "
    "clamp_max_ clamp_min clamp_min_ clone col2im complex conj_physical constant_pad_nd "
    "convolution copy copy_ copysign copysign_ cos cos_ cosh cosh_ count_nonzero cummax cummin "
    "cumprod cumprod_ cumsum cumsum_ deg2rad deg2rad_ detach detach_ diag_embed diagonal "
    "diagonal_scatter dist div div_ dot elu elu_ embedding empty empty_like empty_strided eq "
    "eq_ equal erf erf_ erfc erfc_ exp exp2 exp2_ exp_ expand expm1 expm1_ exponential_ eye "
    "fill fill_ flip floor floor_ floor_divide floor_divide_ fmax fmin fmod fmod_ frac frac_ "
    "full full_like gather ge ge_ gelu gelu_ glu grid_sampler_2d gt gt_ hardsigmoid "
    "hardsigmoid_ hardswish hardswish_ hardtanh hardtanh_ heaviside heaviside_ histc "
    "huber_loss hypot hypot_ im2col index index_add index_add_ index_copy index_copy_ "
    "index_fill index_fill_ index_put index_put_ index_select is_same_size isin isinf isnan "
    "kthvalue le le_ leaky_relu leaky_relu_ lerp lerp_ lift lift_fresh lift_fresh_copy "
    "linalg_cholesky_ex linalg_cross linalg_inv_ex linalg_lstsq linalg_lu_factor_ex "
    "linalg_pinv linalg_qr linalg_solve_triangular linalg_vector_norm linear linspace log "
    "log10 log10_ log1p log1p_ log2 log2_ log_ log_sigmoid_forward log_softmax logaddexp "
    "logcumsumexp logical_and logical_and_ logical_not logical_not_ logical_or logical_or_ "
    "logical_xor logical_xor_ logspace logsumexp lt lt_ masked_fill masked_fill_ "
    "masked_scatter masked_scatter_ masked_select max max_pool2d_with_indices "
    "max_pool3d_with_indices maximum mean median min minimum mish mish_ mkldnn_rnn_layer mm "
    "mode mse_loss mul mul_ multi_margin_loss multinomial mv nan_to_num nan_to_num_ nanmedian "
    "nansum native_batch_norm native_dropout native_group_norm native_layer_norm ne ne_ neg "
    "neg_ new_empty new_empty_strided new_full new_ones new_zeros nll_loss2d_forward "
    "nll_loss_forward nonzero norm normal normal_ ones ones_like permute pixel_shuffle polar "
    "pow pow_ prod rad2deg rad2deg_ rand rand_like randint randint_like randn randn_like "
    "random_ randperm reciprocal reciprocal_ reflection_pad1d reflection_pad2d relu relu_ "
    "remainder remainder_ repeat repeat_interleave replication_pad2d roll rot90 round round_ "
    "rsqrt rsqrt_ rsub scalar_tensor scatter scatter_ scatter_add scatter_add_ scatter_reduce "
    "scatter_reduce_ searchsorted select select_scatter sgn sgn_ sigmoid sigmoid_ sign sign_ "
    "signbit silu silu_ sin sin_ sinh sinh_ slice slice_scatter smooth_l1_loss "
    "soft_margin_loss softmax softplus sort split split_with_sizes sqrt sqrt_ squeeze squeeze_ "
    "stack std std_mean sub sub_ sum t t_ take tan tan_ tanh tanh_ threshold threshold_ topk "
    "trace transpose transpose_ tril tril_ tril_indices triu triu_ triu_indices trunc trunc_ "
    "unbind unfold uniform_ unique_consecutive unique_dim unsqueeze unsqueeze_ "
    "upsample_bicubic2d upsample_bilinear2d upsample_linear1d upsample_nearest1d "
    "upsample_nearest2d var var_mean vdot view view_as_complex view_as_real where xlogy xlogy_ "
    "zero_ zeros zeros_like"
)
"""Operators that may run, by aten's name without the overload."""

_UNSET = _names("empty empty_like empty_strided new_empty new_empty_strided")
_LARGER = _names("col2im")
"""What they make is contiguous, in a storage that goes on behind it."""
# Without statistics it ends the process.
_BY_STATISTICS = _names("_native_batch_norm_legit native_batch_norm")
_PIECES = _names("split split_with_sizes unbind")

_OF_DTYPES = _names("promote_types can_cast")
# A whole number is taken for one, and one that is none ends the process.
_KINDS = ("dtype", "memory_format", "layout", "out_dtype", "output_dtype")

_Rule = Callable[[dict[str, Any]], int]


def _is_lstm(given: dict[str, Any]) -> bool:
    """Return whether oneDNN is given what `nn.LSTM` gives it; other shapes end the process."""
    names = ("input", "weight0", "weight1", "weight2", "weight3", "hx_", "cx_")
    x, into, on, one, other, h, c = (given[name] for name in names)
    size = given["hidden_size"]
    if x.dim() != 3 or x.numel() == 0 or size < 1:
        return False
    shapes: list[tuple[Tensor, tuple[int, ...]]] = [
        (into, (4 * size, x.shape[2])),
        (on, (4 * size, size)),
        (h, (x.shape[1], size)),
        (c, (x.shape[1], size)),
    ]
    if given["has_biases"]:
        shapes += [(one, (4 * size,)), (other, (4 * size,))]
    return (
        given["mode"] == 2
        and not given["batch_sizes"]
        and all(given[name].dtype == torch.float32 for name in names)
        and all(tensor.shape == shape for tensor, shape in shapes)
    )


def _index_size(given: dict[str, Any]) -> int:
    size = given["self"].numel()
    for index in given["indices"]:
        if isinstance(index, Tensor) and index.dtype not in (torch.bool, torch.uint8):
            size *= max(1, index.numel())
            break
    return int(size)


def _repeated(given: dict[str, Any]) -> int:
    repeats = given["repeats"]
    if not isinstance(repeats, Tensor):
        return int(given["self"].numel()) * int(repeats)
    if repeats.numel() == 0:
        return 0
    if "self" not in given:
        return int(repeats.sum())
    return int(given["self"].numel()) * int(repeats.max())


def _binned(given: dict[str, Any]) -> int:
    values = given["self"]
    most = int(values.max()) + 1 if values.numel() and not values.is_floating_point() else 0
    return max(most, int(given.get("minlength") or 0))


def _drawn(given: dict[str, Any]) -> int:
    chances = given["self"]
    return int(given["num_samples"]) * (chances.shape[0] if chances.dim() > 1 else 1)


def _as_many(given: dict[str, Any]) -> int:
    return int(given["self"].numel())


# The values decide the size: the most that it can be.
_BY_VALUES: Mapping[str, _Rule] = {
    "nonzero": lambda given: given["self"].numel() * max(1, given["self"].dim()),
    "argwhere": lambda given: given["self"].numel() * max(1, given["self"].dim()),
    "masked_select": lambda given: max(given["self"].numel(), given["mask"].numel()),
    "_unique2": _as_many,
    "unique_dim": _as_many,
    "unique_consecutive": _as_many,
    "bincount": _binned,
    "repeat_interleave": _repeated,
    "multinomial": _drawn,
    "histc": lambda given: int(given.get("bins") or 100),
    "_local_scalar_dense": lambda given: 1,
    "equal": lambda given: 1,
    "is_same_size": lambda given: 1,
    "item": lambda given: 1,
}
# Values that a result never outgrows, though meta cannot say how large it is.
_FREE = _names(
    "_local_scalar_dense equal is_same_size item nonzero argwhere masked_select _unique2 "
    "unique_dim unique_consecutive repeat_interleave bincount multinomial histc"
)


class Operators(TorchDispatchMode):
    """Let listed operators through whose results are small.

    Args:
        in_time: Ends the run if its time is over.
    """

    def __init__(self, in_time: Callable[[], None]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._in_time = in_time
        self._calls = self._bytes = self._work = 0
        self._foreseen: set[object] = set()

    @contextlib.contextmanager
    def around(self) -> Iterator[None]:
        """Stand again around what torch calls back while the wall is off."""
        if self in _get_current_dispatch_mode_stack():
            yield
        else:
            with self:
                yield

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        space, _, name = func._schema.name.partition("::")
        if space == "profiler":
            return func(*args, **kwargs)
        if name in _OF_DTYPES and all(isinstance(one, torch.dtype) for one in args):
            return func(*args, **kwargs)
        if space != "aten" or name not in ALLOWED or not _is_of_tensors(func):
            raise Refused(f"torch's operator {name}", "the scratchpad has it not")
        self._calls += 1
        if self._calls > MOST_CALLS:
            raise Refused("so many operators", f"{MOST_CALLS:,} calls are the most")
        self._in_time()
        leaves = tree_flatten((args, kwargs))[0]
        for one in leaves:
            _usual(one)
        self._foresee(func, name, args, kwargs, leaves)
        given = func(*args, **kwargs)
        self._small(given, name)
        if name in _UNSET:
            given.untyped_storage().fill_(0)
        if name in _LARGER:
            cells = torch.empty(0, dtype=torch.uint8).set_(given.untyped_storage())
            cells[(given.storage_offset() + given.numel()) * given.element_size() :] = 0
        return given

    def _foresee(
        self, func: Any, name: str, args: tuple[Any, ...], kwargs: dict[str, Any], leaves: list[Any]
    ) -> None:
        named = dict(zip((one.name for one in func._schema.arguments), args, strict=False)) | kwargs
        if any(isinstance(named.get(one), int) for one in _KINDS):
            raise Refused("a number for a dtype", "torch.float32 is one")
        if name in _PIECES:
            _few_pieces(name, named)
        if name in _BY_STATISTICS and not named.get("training"):
            given = named.get("running_mean"), named.get("running_var")
            if any(one is None for one in given):
                raise Refused("such a batch norm", "in evaluation it has statistics")
        if name == "mkldnn_rnn_layer" and not _is_lstm(named):
            raise Refused("such a recurrent layer", "nn.LSTM gives it what it needs")
        if name in _BY_VALUES:
            most = _BY_VALUES[name](named)
            if not 0 <= most <= 4 * MOST_CELLS:
                raise Refused(f"{name} of so many cells", f"{MOST_CELLS:,} are the most")
        if name == "index" and _index_size(named) > 64 * MOST_CELLS:
            raise Refused("an index of so many cells", f"{MOST_CELLS:,} are the most")
        masked = name == "index" and any(
            isinstance(one, Tensor) and one.dtype in (torch.bool, torch.uint8)
            for one in named["indices"]
        )
        if func.is_view or name in _FREE or masked:
            self._spend(name, named, leaves, None)
            return
        key = (func, tuple(_said(one) for one in leaves))
        made = None
        if key not in self._foreseen:
            made = _on_meta(func, name, args, kwargs)
            if made is not None:
                self._small(made, name, count=False)
        self._spend(name, named, leaves, made)
        self._foreseen.add(key)

    def _spend(self, name: str, named: dict[str, Any], leaves: list[Any], made: Any) -> None:
        """Count the work before it is done."""
        tensors = [one for one in leaves if isinstance(one, Tensor)]
        out = [one for one in tree_flatten(made)[0] if isinstance(one, Tensor)]
        work = sum(one.numel() for one in (*tensors, *out))
        work = max(work, _WORK[name](named, work) if name in _WORK else work)
        self._work += work
        if self._work > MOST_WORK:
            raise Refused(f"so much work as {name} takes", f"{MOST_WORK:,} steps are the most")

    def _small(self, given: Any, name: str, *, count: bool = True) -> None:
        for one in tree_flatten(given)[0]:
            if not isinstance(one, Tensor):
                continue
            cells = math.prod(max(1, size) for size in one.shape)
            if cells > MOST_CELLS or one.dim() > MOST_DIMENSIONS:
                shape = tuple(one.shape)
                raise Refused(
                    f"a tensor of shape {shape}, which {name} would make",
                    f"{MOST_CELLS:,} cells and {MOST_DIMENSIONS} dimensions are the most",
                )
            if count:
                self._bytes += one.numel() * one.element_size()
        if self._bytes > MOST_BYTES:
            raise Refused("so much memory, all in all", f"{MOST_BYTES >> 20} MB are the most")


@contextlib.contextmanager
def without() -> Iterator[None]:
    """Take the wall away, where torch computes by another path under a mode."""
    wall = next(iter(_get_current_dispatch_mode_stack()[-1:]), None)
    if isinstance(wall, Operators):
        with _pop_mode_temporarily():
            _AWAY.append(wall)
            try:
                yield
            finally:
                _AWAY.pop()
    else:
        yield


_AWAY: list[Operators] = []
"""Walls that were taken away, the last one last. The child has one thread."""


def again() -> contextlib.AbstractContextManager[Any]:
    """Stand again, whichever wall is away, around what torch calls back of the program."""
    return _AWAY[-1].around() if _AWAY else contextlib.nullcontext()


@functools.cache
def _is_of_tensors(func: Any) -> bool:
    """Whether an overload takes or makes a tensor; those of plain numbers are no operators here."""
    whole = (*func._schema.arguments, *func._schema.returns)
    return any("Tensor" in str(one.type) for one in whole)


def _usual(one: Any) -> None:
    if isinstance(one, Tensor):
        usual = one.layout is torch.strided and one.device.type == "cpu" and not one.is_quantized
        if not usual:
            raise Refused("such a tensor", "tensors are strided and on the CPU here")
        if math.prod(max(1, size) for size in one.shape) > MOST_CELLS:
            raise Refused(
                f"a tensor of shape {tuple(one.shape)}", f"{MOST_CELLS:,} cells are the most"
            )
    elif isinstance(one, torch.device) and one.type != "cpu":
        raise Refused(str(one), "the CPU computes here")
    elif isinstance(one, torch.layout) and one is not torch.strided:
        raise Refused(str(one), "tensors are strided here")


def _few_pieces(name: str, named: dict[str, Any]) -> None:
    tensor, dim = named["self"], int(named.get("dim") or 0)
    size = tensor.shape[dim] if -tensor.dim() <= dim < tensor.dim() else 0
    sizes = named.get("split_sizes", named.get("split_size", 1))
    pieces = len(sizes) if isinstance(sizes, list | tuple) else -(-size // max(1, int(sizes)))
    if pieces > _MOST_PIECES:
        raise Refused(f"{name} into so many pieces", f"{_MOST_PIECES} are the most")


def _said(one: Any) -> object:
    if isinstance(one, Tensor):
        return tuple(one.shape), one.stride(), one.dtype
    return type(one), str(one)


def _on_meta(func: Any, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Return what an operator would make; None where it raises, which it says better itself."""

    def bare(one: Tensor) -> Tensor:
        return torch.empty_strided(one.shape, one.stride(), dtype=one.dtype, device="meta")

    args, kwargs = tree_map_only(Tensor, bare, (args, kwargs))
    args, kwargs = tree_map_only(torch.Generator, lambda _: None, (args, kwargs))
    if any(one.name == "device" for one in func._schema.arguments):
        kwargs = {**kwargs, "device": torch.device("meta")}
    try:
        return func(*args, **kwargs)
    except NotImplementedError:
        raise Refused(f"torch's operator {name} on these", "its size cannot be foreseen") from None
    except (RuntimeError, TypeError, IndexError, ValueError, AssertionError):
        return None


def _rows(named: dict[str, Any], first: str, second: str) -> int:
    """Multiplications of a product of matrices."""
    a, b = named[first], named[second]
    return int(a.numel() * (b.shape[-1] if b.dim() > 1 else 1))


def _convolved(named: dict[str, Any], _: int) -> int:
    weight, tensor = named["weight"], named["input"]
    rest = [math.prod(one.shape[2:]) if one.dim() > 2 else 1 for one in (weight, tensor)]
    batch = tensor.shape[0] if tensor.dim() else 1
    padded = math.prod(
        size + 2 * int(more) for size, more in zip(tensor.shape[2:], named["padding"], strict=False)
    )
    cells = max(rest[1], padded)
    return int(batch * weight.numel() * cells)


def _cubed(named: dict[str, Any], least: int) -> int:
    matrix = next((one for one in named.values() if isinstance(one, Tensor)), None)
    if matrix is None or matrix.dim() < 2:
        return least
    return int(matrix.numel() * max(matrix.shape[-2:]) * 20)


_WORK: Mapping[str, Callable[[dict[str, Any], int], int]] = {
    "mm": lambda named, _: _rows(named, "self", "mat2"),
    "bmm": lambda named, _: _rows(named, "self", "mat2"),
    "mv": lambda named, _: named["self"].numel(),
    "addmm": lambda named, _: _rows(named, "mat1", "mat2"),
    "addmm_": lambda named, _: _rows(named, "mat1", "mat2"),
    "baddbmm": lambda named, _: _rows(named, "batch1", "batch2"),
    "baddbmm_": lambda named, _: _rows(named, "batch1", "batch2"),
    "addbmm": lambda named, _: _rows(named, "batch1", "batch2"),
    "convolution": _convolved,
    "_cdist_forward": lambda named, _: named["x1"].numel() * named["x2"].shape[-2],
    "_trilinear": lambda named, _: (
        8 * math.prod(max(1, one.numel()) for one in list(named.values())[:2])
    ),
    **dict.fromkeys(
        ("sort", "argsort", "topk", "kthvalue", "median", "mode", "_unique2", "unique_dim"),
        lambda named, least: 20 * least,
    ),
    **dict.fromkeys((one for one in sorted(ALLOWED) if "linalg" in one), _cubed),
}
"""Steps that a call takes, where they are more than the cells that it reads and makes."""
