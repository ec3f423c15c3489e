"""Explain `torch.autocast`: which operation runs in which precision, and what that buys here."""

import dataclasses
import enum
import functools
import importlib
import statistics
import time
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from explainers import devices
from explainers.evidence import (
    Check,
    Claim,
    Mistake,
    Verdict,
    largest_difference,
    recorded_warnings,
)
from explainers.float_formats import FORMATS, floating
from explainers.parameters import Parameters, number, shown

DTYPES = ("float16", "bfloat16")
_DOCUMENTATION = "https://docs.pytorch.org/docs/stable/amp.html"
OP_REFERENCE = {
    "cpu": f"{_DOCUMENTATION}#cpu-op-specific-behavior",
    "cuda": f"{_DOCUMENTATION}#cuda-op-specific-behavior",
}
REFERENCES: tuple[tuple[str, str], ...] = (
    ("torch documentation, Autocast Op Reference", f"{_DOCUMENTATION}#autocast-op-reference"),
    (
        "torch documentation, Automatic Mixed Precision examples",
        "https://docs.pytorch.org/docs/stable/notes/amp_examples.html",
    ),
    (
        "Micikevicius et al., Mixed Precision Training, arXiv:1710.03740",
        "https://arxiv.org/abs/1710.03740",
    ),
)


class Listed(enum.StrEnum):
    """Say on which of torch's lists an operation stands."""

    LOWER = "lower precision"
    FLOAT32 = "float32"
    WIDEST = "widest input"
    UNLISTED = "not listed"


def _names(words: str) -> frozenset[str]:
    return frozenset(words.split())


# The operations of the documentation's lists, as far as a name of torch or of F stands for them.
_LISTED: Mapping[str, Mapping[Listed, frozenset[str]]] = {
    "cpu": {
        Listed.LOWER: _names(
            "conv1d conv2d conv3d bmm mm linalg_vecdot baddbmm addmm addbmm linear matmul "
            "conv_tbc conv_transpose1d conv_transpose2d conv_transpose3d prelu "
            "scaled_dot_product_attention"
        ),
        Listed.FLOAT32: _names(
            "avg_pool3d binary_cross_entropy grid_sample polar prod quantile nanquantile stft "
            "cdist trace cholesky_inverse cholesky_solve inverse lu_solve orgqr ormqr pinverse "
            "max_pool3d max_unpool2d max_unpool3d adaptive_avg_pool3d mse_loss "
            "cosine_embedding_loss nll_loss hinge_embedding_loss poisson_nll_loss cross_entropy "
            "l1_loss huber_loss margin_ranking_loss soft_margin_loss triplet_margin_loss "
            "multi_margin_loss ctc_loss kl_div multilabel_margin_loss "
            "binary_cross_entropy_with_logits geqrf qr svd triangular_solve "
            "fractional_max_pool2d fractional_max_pool3d adaptive_max_pool3d"
        ),
        Listed.WIDEST: _names("cat stack index_copy"),
    },
    "cuda": {
        Listed.LOWER: _names(
            "addbmm addmm addmv addr baddbmm bmm multi_dot conv1d conv2d conv3d conv_transpose1d "
            "conv_transpose2d conv_transpose3d linear matmul mm mv prelu"
        ),
        Listed.FLOAT32: _names(
            "pow acos asin binary_cross_entropy_with_logits cosh cosine_embedding_loss cdist "
            "cosine_similarity cross_entropy cumprod cumsum dist erfinv exp expm1 group_norm "
            "hinge_embedding_loss kl_div l1_loss layer_norm log log_softmax log10 log1p log2 "
            "margin_ranking_loss mse_loss multilabel_margin_loss multi_margin_loss nll_loss norm "
            "normalize pdist poisson_nll_loss prod reciprocal rsqrt sinh smooth_l1_loss "
            "soft_margin_loss softmax softmin softplus sum renorm tan triplet_margin_loss"
        ),
        Listed.WIDEST: _names(
            "addcdiv addcmul atan2 bilinear cross dot grid_sample index_put scatter_add tensordot"
        ),
    },
}

_Op = Callable[[Tensor, Tensor], Tensor]


def _classes(a: Tensor) -> Tensor:
    return torch.arange(len(a), device=a.device)


# a and b are 4x4. Where an operation takes several tensors, it gets both, so that they can differ.
_OPS: Mapping[str, _Op] = {
    "matmul": torch.matmul,
    "mm": torch.mm,
    "bmm": lambda a, b: torch.bmm(a[None], b[None]),
    "addmm": lambda a, b: torch.addmm(a, a, b),
    "baddbmm": lambda a, b: torch.baddbmm(a[None], a[None], b[None]),
    "mv": lambda a, b: torch.mv(a, b[0]),
    "einsum": lambda a, b: torch.einsum("ij,jk->ik", a, b),
    "linear": F.linear,
    "conv2d": lambda a, b: F.conv2d(a[None, None], b[None, None, :3, :3]),
    "conv_transpose2d": lambda a, b: F.conv_transpose2d(a[None, None], b[None, None, :3, :3]),
    "scaled_dot_product_attention": lambda a, b: F.scaled_dot_product_attention(
        a[None], b[None], b[None]
    ),
    "prelu": lambda a, b: F.prelu(a, b[0, :1]),
    "relu": lambda a, _: F.relu(a),
    "gelu": lambda a, _: F.gelu(a),
    "sigmoid": lambda a, _: torch.sigmoid(a),
    "tanh": lambda a, _: torch.tanh(a),
    "softmax": lambda a, _: torch.softmax(a, 0),
    "log_softmax": lambda a, _: torch.log_softmax(a, 0),
    "layer_norm": lambda a, _: F.layer_norm(a, (4,)),
    "group_norm": lambda a, _: F.group_norm(a[None], 2),
    "batch_norm": lambda a, _: F.batch_norm(a, None, None, training=True),
    "sum": lambda a, _: torch.sum(a),
    "mean": lambda a, _: torch.mean(a),
    "prod": lambda a, _: torch.prod(a),
    "cumsum": lambda a, _: torch.cumsum(a, 0),
    "norm": lambda a, _: torch.norm(a),
    "exp": lambda a, _: torch.exp(a),
    "log": lambda a, _: torch.log(a),
    "pow": lambda a, _: torch.pow(a, 2),
    "rsqrt": lambda a, _: torch.rsqrt(a),
    "mse_loss": F.mse_loss,
    "l1_loss": F.l1_loss,
    "smooth_l1_loss": F.smooth_l1_loss,
    "kl_div": lambda a, b: F.kl_div(a, b, reduction="sum"),
    "cross_entropy": lambda a, _: F.cross_entropy(a, _classes(a)),
    "nll_loss": lambda a, _: F.nll_loss(a, _classes(a)),
    "binary_cross_entropy": F.binary_cross_entropy,
    "binary_cross_entropy_with_logits": F.binary_cross_entropy_with_logits,
    "add": torch.add,
    "mul": torch.mul,
    "cat": lambda a, b: torch.cat([a, b]),
    "stack": lambda a, b: torch.stack([a, b]),
    "dot": lambda a, b: torch.dot(a[0], b[0]),
    "atan2": torch.atan2,
    "addcmul": lambda a, b: torch.addcmul(a, a, b),
    "cdist": torch.cdist,
    "grid_sample": lambda a, b: F.grid_sample(
        a[None, None], b[None, :, None, :2], align_corners=False
    ),
    "interpolate": lambda a, _: F.interpolate(a[None, None], scale_factor=2.0, mode="bilinear"),
    "max_pool2d": lambda a, _: F.max_pool2d(a[None, None], 2),
}


@dataclasses.dataclass(frozen=True, slots=True)
class OpRow:
    """Hold what one operation gives under autocast.

    Attributes:
        name: torch's name.
        listed: The list of torch's documentation on which it stands for this device.
        from_float32: Its output's dtype for float32 inputs; None where torch raised.
        from_lower: The same for inputs of the lower precision.
        from_mixed: The same for one of each, or for the lower precision where it takes but one.
        said: What torch raised, or "".
    """

    name: str
    listed: Listed
    from_float32: torch.dtype | None
    from_lower: torch.dtype | None
    from_mixed: torch.dtype | None
    said: str

    @property
    def cast(self) -> bool:
        """Whether autocast changed anything: not all outputs follow from the inputs' dtypes."""
        return self.from_float32 is not torch.float32 or self.from_lower is torch.float32

    @property
    def as_listed(self) -> bool:
        """Whether the outputs are those that the documentation's list says."""
        if self.listed is Listed.LOWER:
            return self.from_float32 is self.from_lower is self.from_mixed is not torch.float32
        if self.listed is Listed.FLOAT32:
            return self.from_lower is torch.float32
        if self.listed is Listed.WIDEST:
            return not self.cast and self.from_mixed is torch.float32
        return not self.cast


def output_dtypes(
    device: str = "cpu", dtype: str | torch.dtype = "float16"
) -> Mapping[str, torch.dtype]:
    """Return the dtype that each operation gives for float32 inputs under autocast, by running it.

    Args:
        device: Where torch computes.
        dtype: Lower precision of autocast: float16 or bfloat16.

    Returns:
        By torch's name of the operation, without those that raise here.

    Raises:
        ValueError: `device` is not there, or autocast takes no such `dtype`.
    """
    found = ((row.name, row.from_float32) for row in table(device, dtype))
    return {name: output for name, output in found if output is not None}


def table(device: str = "cpu", dtype: str | torch.dtype = "float16") -> tuple[OpRow, ...]:
    """Run every operation under autocast on float32, lower-precision and mixed inputs.

    Args:
        device: Where torch computes.
        dtype: Lower precision of autocast: float16 or bfloat16.

    Raises:
        ValueError: `device` is not there, or autocast takes no such `dtype`.
    """
    where, lower = devices.device(device), lower_precision(dtype)
    lists = _LISTED.get(where.type, {})
    generator = torch.Generator().manual_seed(0)
    # Positive and below 1, as logarithms and binary_cross_entropy want them.
    a, b = (0.1 + 0.8 * torch.rand(4, 4, generator=generator) for _ in range(2))
    full, half = (a.to(where), b.to(where)), (a.to(where, lower), b.to(where, lower))
    rows = []
    with recorded_warnings():
        for name, op in _OPS.items():
            outputs: list[torch.dtype | None] = []
            said = ""
            for inputs in (full, half, (half[0], full[1])):
                try:
                    with torch.autocast(where.type, dtype=lower):
                        outputs.append(op(*inputs).dtype)
                except (RuntimeError, NotImplementedError) as error:
                    outputs.append(None)
                    said = said or _raised(error)
            listed = next((kind for kind, names in lists.items() if name in names), Listed.UNLISTED)
            from_float32, from_lower, from_mixed = outputs
            rows.append(OpRow(name, listed, from_float32, from_lower, from_mixed, said))
    return tuple(rows)


def lower_precision(dtype: str | torch.dtype) -> torch.dtype:
    """Return the dtype that autocast is to use.

    Raises:
        ValueError: Autocast takes no such dtype.
    """
    return floating(dtype, among=DTYPES).dtype


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Mismatch:
    """Hold what a matrix product outside of autocast makes of a result from inside.

    Attributes:
        mistake: Both lines and their cost.
        inside: dtype of the result inside autocast.
        said: The error torch raised for the wrong line, or "".
        difference: Largest difference of the right line's result to float32 all through.
    """

    mistake: Mistake
    inside: torch.dtype
    said: str
    difference: float


def mismatch(*, dtype: str | torch.dtype = "float16", device: str = "cpu") -> Mismatch:
    """Multiply by an autocast result outside of autocast: as it is, and as float32.

    Args:
        dtype: Lower precision of autocast: float16 or bfloat16.
        device: Where torch computes.

    Raises:
        ValueError: `device` is not there, or autocast takes no such `dtype`.
    """
    where, lower = devices.device(device), lower_precision(dtype)
    generator = torch.Generator().manual_seed(0)
    a, b, d = (torch.rand(8, 8, generator=generator).to(where) for _ in range(3))
    with torch.autocast(where.type, dtype=lower):
        e = torch.mm(a, b)
        f = torch.mm(d, e)
    try:
        torch.mm(d, f)
        said = ""
    except RuntimeError as error:
        said = _raised(error)
    g = torch.mm(d, f.float())
    difference = largest_difference(g, d @ (d @ (a @ b)))
    name = str(lower).removeprefix("torch.")
    return Mismatch(
        mistake=Mistake(
            wrong=f'with torch.autocast("{where.type}", dtype=torch.{name}):\n'
            "    f = torch.mm(d, torch.mm(a, b))\ng = torch.mm(d, f)",
            right=f'with torch.autocast("{where.type}", dtype=torch.{name}):\n'
            "    f = torch.mm(d, torch.mm(a, b))\ng = torch.mm(d, f.float())",
            wrong_cost=f"torch raises {said.split(':')[0]}." if said else "torch takes it.",
            right_cost=f"g is {str(g.dtype).removeprefix('torch.')}, at most {difference:.2g} off "
            f"float32 all through, in numbers up to {float(g.max()):.3g}.",
            lesson="Inside, autocast casts for you; what comes out is of the lower precision, and "
            "outside nobody casts. Call .float() once, at the border.",
            source=(
                "torch documentation, torch.autocast",
                f"{_DOCUMENTATION}#torch.autocast",
            ),
        ),
        inside=f.dtype,
        said=said,
        difference=difference,
    )


@dataclasses.dataclass(frozen=True)
class Cost(Parameters):
    """Hold the size of the network whose steps are timed."""

    width: int = number(
        128,
        label="width",
        help="Neurons in each of three hidden layers.",
        minimum=16,
        maximum=512,
        step=16,
    )
    batch: int = number(
        64,
        label="batch",
        help="Samples in a step.",
        minimum=8,
        maximum=512,
        step=8,
    )
    repeats: int = number(
        15,
        label="steps timed",
        help="After three to warm up; the median counts.",
        minimum=5,
        maximum=100,
        step=1,
    )


_WARM_UP = 3
# So that a visitor's largest network does not hold a core for minutes.
_LONGEST_RUN = 20.0
MODES = ("float32", "float16", "bfloat16")


@dataclasses.dataclass(frozen=True, slots=True)
class ModeCost:
    """Hold what training costs in one precision.

    Attributes:
        name: float32, or the lower precision of autocast.
        seconds: Median time of a step; None before the first is timed.
        ratio: That time over float32's.
        saved_bytes: Bytes that a forward pass keeps for the backward pass, parameters aside.
        peak_bytes: Most bytes that CUDA held in a step; None elsewhere.
        loss: Mean squared error of the last step taken.
        skipped: Steps that the scaler skipped, warm-up included; a skipped step is a faster one.
    """

    name: str
    seconds: float | None
    ratio: float | None
    saved_bytes: int
    peak_bytes: int | None
    loss: float
    skipped: int


@dataclasses.dataclass(frozen=True, slots=True)
class CostProgress:
    """Hold a comparison as far as it has come.

    Attributes:
        done: Steps timed in each precision.
        repeats: Steps asked for.
        modes: float32, autocast float16, autocast bfloat16; those that this device can do.
        cut: Whether time ran out before all steps were taken.
    """

    done: int
    repeats: int
    modes: tuple[ModeCost, ...]
    cut: bool = False

    @property
    def finished(self) -> bool:
        """Whether no step is left."""
        return self.cut or self.done == self.repeats


class _Trainee:
    """A small network with its optimizer, in one precision."""

    def __init__(self, name: str, parameters: Cost, where: torch.device) -> None:
        self.name, self.where = name, where
        self.dtype = FORMATS[name].dtype
        generator = torch.Generator().manual_seed(0)
        width = parameters.width
        sizes = [(width, 32), (width, width), (width, width), (1, width)]
        # Drawn here and not by nn.Linear, which would draw from the global generator.
        self.weights = [
            (torch.randn(rows, columns, generator=generator) * columns**-0.5)
            .to(where)
            .requires_grad_()
            for rows, columns in sizes
        ]
        self.inputs = torch.randn(parameters.batch, 32, generator=generator).to(where)
        self.targets = self.inputs[:, :4].sin().sum(dim=1, keepdim=True)
        self.optimizer = torch.optim.SGD(self.weights, lr=0.01)
        # bfloat16 has float32's range, and needs no scaler.
        self.scaler = torch.amp.GradScaler(where.type, enabled=name == "float16")
        self.times: list[float] = []
        self.loss = float("nan")
        self.peak: int | None = None
        self.skipped = 0
        self.saved = self._saved_bytes()

    def _forward(self) -> Tensor:
        with torch.autocast(self.where.type, dtype=self.dtype, enabled=self.name != "float32"):
            hidden = self.inputs
            for weight in self.weights[:-1]:
                hidden = torch.relu(F.linear(hidden, weight))
            return F.mse_loss(F.linear(hidden, self.weights[-1]), self.targets)

    def _saved_bytes(self) -> int:
        own = {weight.untyped_storage().data_ptr() for weight in self.weights}
        kept: dict[int, int] = {}

        def pack(saved: Tensor) -> Tensor:
            storage = saved.untyped_storage()
            if storage.data_ptr() not in own:
                kept[storage.data_ptr()] = storage.nbytes()
            return saved

        with torch.autograd.graph.saved_tensors_hooks(pack, lambda saved: saved):
            # The graph must live while its storages are counted, or addresses come up twice.
            loss = self._forward()
        del loss
        return sum(kept.values())

    def step(self, *, timed: bool) -> None:
        cuda = self.where.type == "cuda"
        if cuda:
            torch.cuda.reset_peak_memory_stats(self.where)
        scale = self.scaler.get_scale()
        _settle(self.where)
        start = time.perf_counter()
        self.optimizer.zero_grad()
        loss = self._forward()
        self.scaler.scale(loss).backward()
        self.scaler.step(self.optimizer)
        self.scaler.update()
        _settle(self.where)
        if timed:
            self.times.append(time.perf_counter() - start)
        self.loss = float(loss.detach())
        self.skipped += self.scaler.get_scale() < scale
        if cuda:
            self.peak = torch.cuda.max_memory_allocated(self.where)


def _settle(where: torch.device) -> None:
    if where.type == "cuda":
        torch.cuda.synchronize(where)
    elif where.type == "mps":
        torch.mps.synchronize()


def cost(
    parameters: Cost | None = None, *, chunk: int = 5, device: str = "cpu"
) -> Iterator[CostProgress]:
    """Train the same network in float32 and under autocast, in turn, and report after each chunk.

    The three take turns step by step, so that whatever else the machine does falls on all alike.
    Stop by asking for no further report.

    Args:
        parameters: Size of the network, number of steps.
        chunk: Steps between two reports, 1 to 100.
        device: Where torch computes.

    Yields:
        Medians so far; the last has every step, or those that fit into twenty seconds.

    Raises:
        ValueError: `chunk` is out of bounds, or `device` is not there. Raised when the first
            report is asked for.
    """
    if parameters is None:
        parameters = Cost()
    if not isinstance(chunk, int) or isinstance(chunk, bool) or not 1 <= chunk <= 100:
        raise ValueError(f"chunk must be a whole number from 1 to 100, got {shown(chunk)}")
    where = devices.device(device)
    start = time.perf_counter()
    trainees = [_Trainee(name, parameters, where) for name in _modes(where)]
    done = 0
    for index in range(_WARM_UP + parameters.repeats):
        for trainee in trainees:
            trainee.step(timed=index >= _WARM_UP)
        done = max(0, index + 1 - _WARM_UP)
        cut = done < parameters.repeats and time.perf_counter() - start > _LONGEST_RUN
        if cut or (done and done % chunk == 0 and done < parameters.repeats):
            yield _progress(done, parameters.repeats, trainees, cut=cut)
        if cut:
            return
    yield _progress(done, parameters.repeats, trainees, cut=False)


def _modes(where: torch.device) -> tuple[str, ...]:
    if where.type == "cuda" and not torch.cuda.is_bf16_supported():
        return MODES[:2]
    return MODES


def _progress(done: int, repeats: int, trainees: Sequence[_Trainee], *, cut: bool) -> CostProgress:
    medians = [statistics.median(each.times) if each.times else None for each in trainees]
    base = medians[0]
    modes = tuple(
        ModeCost(
            name=each.name,
            seconds=median,
            ratio=median / base if median is not None and base else None,
            saved_bytes=each.saved,
            peak_bytes=each.peak,
            loss=each.loss,
            skipped=each.skipped,
        )
        for each, median in zip(trainees, medians, strict=True)
    )
    return CostProgress(done, repeats, modes, cut)


def checks(*, device: str = "cpu") -> tuple[Check, ...]:
    """Compare what autocast gives with its lists, and with casts made by hand.

    Args:
        device: Where torch computes.
    """
    where = devices.device(device)
    return (
        *(_lists_check(device, dtype) for dtype in DTYPES),
        _by_hand_check(where),
        _off_check(where),
        _weights_check(where),
    )


def _lists_check(device: str, dtype: str) -> Check:
    rows = [row for row in table(device, dtype) if row.listed is not Listed.UNLISTED]
    off = [row.name for row in rows if not row.as_listed]
    return Check(
        f"Under autocast in {dtype}, the listed operations give the dtypes that torch lists",
        f"the documentation's lists for {devices.device(device).type}: {len(rows)} operations, "
        "three kinds of input each",
        float(len(off)),
        0.0,
        f"Off: {', '.join(off)}." if off else "",
    )


def _by_hand_check(where: torch.device) -> Check:
    generator = torch.Generator().manual_seed(0)
    a, b = (torch.randn(16, 16, generator=generator).to(where) for _ in range(2))
    error = 0.0
    for name in DTYPES:
        lower = FORMATS[name].dtype
        with torch.autocast(where.type, dtype=lower):
            product = a @ b
        error = max(error, largest_difference(product, a.to(lower) @ b.to(lower)))
    return Check(
        "A matrix product under autocast is the product of the inputs, cast by hand",
        "a.to(dtype) @ b.to(dtype) outside of autocast",
        error,
        0.0,
    )


def _off_check(where: torch.device) -> Check:
    generator = torch.Generator().manual_seed(0)
    a, b = (torch.randn(16, 16, generator=generator).to(where) for _ in range(2))
    with torch.autocast(where.type, dtype=torch.bfloat16):
        with torch.autocast(where.type, enabled=False):
            inside = a @ b
        wide = a.double() @ b.double() if where.type != "mps" else a @ b
    outside = a @ b
    kept = wide.dtype is not torch.bfloat16 and inside.dtype is torch.float32
    return Check(
        "A nested autocast(enabled=False) computes as outside; float64 is left alone",
        "the same product outside of autocast",
        largest_difference(inside, outside) if kept else float("inf"),
        0.0,
    )


def _weights_check(where: torch.device) -> Check:
    generator = torch.Generator().manual_seed(0)
    weight = torch.randn(8, 8, generator=generator).to(where).requires_grad_()
    inputs = torch.randn(4, 8, generator=generator).to(where)
    with torch.autocast(where.type, dtype=torch.bfloat16):
        F.mse_loss(F.linear(inputs, weight), inputs).backward()
    assert weight.grad is not None
    wrong = sum(each.dtype is not torch.float32 for each in (weight, weight.grad))
    low = inputs.bfloat16()
    output = F.linear(low, weight.detach().bfloat16()).float()
    gradient = (2 / output.numel() * (output - inputs)).bfloat16().T @ low
    return Check(
        "Weights and their gradients stay float32; the gradient is the lower precision's, cast",
        "the backward pass of a linear layer, written out in bfloat16",
        largest_difference(weight.grad, gradient.float()) if not wrong else float("inf"),
        2.0**-8 * float(gradient.abs().max()),
        "One rounding of bfloat16, in another order of summation, is 1 part in 256.",
    )


def claims(*, device: str = "cpu") -> tuple[Claim, ...]:
    """Judge what the notes say of autocast by what torch gives now.

    Args:
        device: Where torch computes.
    """
    where = devices.device(device)
    return (
        _automatic_claim(where),
        _cuda_only_claim(where),
        _imports_claim(),
        _decorator_claim(where),
        _out_of_place_claim(where),
        _widest_claim(where),
        _mismatch_claim(where),
        _fp16_copy_claim(where),
        _backward_dtype_claim(where),
        _reduction_claim(device),
        _register_claim(where),
        _memory_claim(where),
        _speed_claim(where),
        _eights_claim(where),
        _half_claim(where),
        _half_inputs_claim(where),
    )


_AMP = "amp()"
_EXAMPLES = "automatic mixed precision examples"
_WHY = "Why use amp"
_CAUTION = "Notes of caution"
_HALF = "Speeding up a model, saving memory"


def _yes(holds: bool) -> Verdict:
    return Verdict.HOLDS if holds else Verdict.WRONG


def _raised(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).splitlines()[0]}"


def _linear(where: torch.device, *, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Return a float32 weight that wants a gradient, and inputs."""
    generator = torch.Generator().manual_seed(seed)
    weight = (torch.randn(16, 16, generator=generator) / 4).to(where).requires_grad_()
    return weight, torch.randn(8, 16, generator=generator).to(where)


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _automatic_claim(where: torch.device) -> Claim:
    weight, inputs = _linear(where)
    with torch.autocast(where.type, dtype=torch.float16):
        output = F.linear(inputs, weight)
        loss = F.mse_loss(output, inputs)
    chosen = (weight.dtype, output.dtype, loss.dtype)
    return Claim(
        "amp chooses the precision of each operation; nobody converts the parameters by hand.",
        _AMP,
        _yes(chosen == (torch.float32, torch.float16, torch.float32)),
        f"Weight {_name(chosen[0])}, linear {_name(chosen[1])}, mse_loss {_name(chosen[2])}.",
        "True: autocast casts the inputs of each operation on its lists, as it is called.",
    )


def _cuda_only_claim(where: torch.device) -> Claim:
    found = {}
    for dtype in DTYPES:
        weight, inputs = _linear(torch.device("cpu"))
        with torch.autocast("cpu", dtype=FORMATS[dtype].dtype):
            found[dtype] = _name(F.linear(inputs, weight).dtype)
    named = ("cpu", "cuda", "mps", "xpu")
    takes = [name for name in named if torch.amp.is_autocast_available(name)]
    on_cpu = all(found[dtype] == dtype for dtype in DTYPES)
    return Claim(
        "Only CUDA operations can be autocast; amp needs Tensor Cores, and the model's parameters "
        "must be CUDA tensors.",
        f"{_AMP}: operations; typical training",
        Verdict.OBSOLETE if on_cpu else Verdict.HOLDS,
        f"On the CPU linear gives {' and '.join(found.values())}. This torch can autocast for "
        f"{', '.join(takes)}; run here on {where.type}.",
        "True of the first releases. Now every device has its own lists, and float16 autocast "
        "with a GradScaler runs on a CPU, though seldom faster.",
    )


def _imports_claim() -> Claim:
    said = []
    for name in ("torch.cuda.amp.autocast", "torch.cuda.amp.GradScaler"):
        try:
            importlib.import_module(name)
        except ModuleNotFoundError as error:
            said.append(_raised(error))
    with recorded_warnings() as caught:
        torch.cuda.amp.GradScaler(enabled=False)
        torch.cuda.amp.autocast(enabled=False)
    warned = sum(issubclass(each.category, FutureWarning) for each in caught)
    return Claim(
        "import torch.cuda.amp.autocast as autocast; import torch.cuda.amp.GradScaler as "
        "GradScaler.",
        f"{_AMP}: how to use it",
        Verdict.OBSOLETE if said or warned else Verdict.HOLDS,
        f"{said[0] if said else 'Both import'}. The classes raise {warned} FutureWarnings.",
        "Both are classes, not modules, and torch.cuda.amp is deprecated: torch.amp.GradScaler("
        '"cuda") and torch.autocast("cuda").',
    )


def _decorator_claim(where: torch.device) -> Claim:
    weight, inputs = _linear(where)

    decorated = torch.autocast(where.type, dtype=torch.bfloat16)(lambda: F.linear(inputs, weight))
    with torch.autocast(where.type, dtype=torch.bfloat16):
        managed = F.linear(inputs, weight)
    works = decorated().dtype is managed.dtype is torch.bfloat16
    said = ""
    old: Any = functools.partial(torch.autocast, where.type)
    try:
        old(enable=True)
    except TypeError as error:
        said = _raised(error)
    return Claim(
        "autocast(enable=True) works as a context manager and as a decorator.",
        f"{_AMP}: the autocast class",
        Verdict.CONDITION if works and said else _yes(works),
        f"Both give {_name(managed.dtype)}. With enable: {said or 'taken'}.",
        "True of both uses. The argument is called enabled, and device_type comes first.",
    )


def _out_of_place_claim(where: torch.device) -> Claim:
    generator = torch.Generator().manual_seed(0)
    a, b, c = (torch.rand(4, 4, generator=generator).to(where) for _ in range(3))
    out = torch.empty_like(a)
    with torch.autocast(where.type, dtype=torch.bfloat16):
        plain = a.addmm(b, c).dtype
        inplace = a.clone().addmm_(b, c).dtype
        torch.addmm(a, b, c, out=out)
    exact = largest_difference(out, torch.addmm(a, b, c)) == 0
    return Claim(
        "Only out-of-place operations can be autocast: a.addmm(b, c), not a.addmm_(b, c) nor "
        "a.addmm(b, c, out=d).",
        f"{_AMP}: operations",
        _yes(plain is torch.bfloat16 and inplace is torch.float32 and exact),
        f"addmm gives {_name(plain)}, addmm_ {_name(inplace)}, and with out= {_name(out.dtype)}, "
        f"{'equal' if exact else 'not equal'} to the float32 result.",
        "True here too: both run in the dtype of their tensors.",
    )


def _widest_claim(where: torch.device) -> Claim:
    rows = {row.name: row for row in table(str(where))}
    names = ("dot", "add", "cat")
    found = {name: rows[name] for name in names}
    widest = [
        row.from_mixed is torch.float32 and row.from_lower is torch.float16
        for row in found.values()
    ]
    cast = [row.name for row in rows.values() if row.listed is Listed.UNLISTED and row.cast]
    return Claim(
        "Operations on no list, as dot, add, cat, compute in the widest dtype of their inputs.",
        f"{_AMP}: operations",
        Verdict.HOLDS if all(widest) and not cast else _verdict(any(widest)),
        "float16 with float32: "
        + ", ".join(
            f"{name} {_name(row.from_mixed) if row.from_mixed else 'raises'}"
            for name, row in found.items()
        )
        + (f". Cast without being on a list here: {', '.join(cast)}." if cast else "."),
        "True of add, by ordinary promotion. dot and cat are on a list of their own, which differs "
        "by device; an unlisted operation runs in the dtype of its inputs, and may raise where "
        "they differ, as mv does on a CPU.",
    )


def _verdict(partly: bool) -> Verdict:
    return Verdict.CONDITION if partly else Verdict.WRONG


def _mismatch_claim(where: torch.device) -> Claim:
    found = mismatch(device=str(where))
    return Claim(
        "Outside of the autocast region, its float16 results must be cast to float32, or there is "
        "a mismatch error.",
        f"{_AMP}: mismatch error",
        _yes(bool(found.said) and found.inside is torch.float16),
        f"{found.said or 'Nothing was raised'}. With .float(): off by {found.difference:.2g}.",
        "True of operations that want equal dtypes, as mm. add and others promote by themselves.",
    )


def _fp16_copy_claim(where: torch.device) -> Claim:
    weight, inputs = _linear(where)
    with torch.autocast(where.type, dtype=torch.float16):
        output = F.linear(inputs, weight)
    output.float().square().mean().backward()
    assert weight.grad is not None
    found = (weight.dtype, weight.grad.dtype)
    return Claim(
        "In the autocast region the model makes an FP16 copy of itself; backward gives scaled FP16 "
        "gradients.",
        f"{_AMP}: typical training",
        _yes(found == (torch.float16, torch.float16)),
        f"Output {_name(output.dtype)}, weight {_name(found[0])}, weight.grad {_name(found[1])}.",
        "Each weight is cast as an operation needs it, and the cast is kept until the region ends. "
        "Gradients are float16 on their way back, and float32 once they reach a weight.",
    )


def _backward_dtype_claim(where: torch.device) -> Claim:
    weight, inputs = _linear(where)
    seen = []
    with torch.autocast(where.type, dtype=torch.float16):
        hidden = F.linear(inputs, weight)
        hidden.register_hook(lambda gradient: seen.append(gradient.dtype))
        loss = F.mse_loss(hidden, inputs)
    loss.backward()
    return Claim(
        "Backward operations run in the dtype that autocast chose for the forward ones.",
        f"{_EXAMPLES}: typical training",
        _yes(seen == [torch.float16]),
        f"Outside of the region, the gradient that reaches a float16 linear is {_name(seen[0])}; "
        f"the loss is {_name(loss.dtype)}.",
        "True. So backward needs no autocast, and torch advises against it.",
    )


def _reduction_claim(device: str) -> Claim:
    rows = {row.name: row for row in table(device)}
    names = ("sum", "mean", "softmax", "mse_loss", "cross_entropy")
    wide = [name for name in names if rows[name].from_lower is torch.float32]
    return Claim(
        "Reductions need float32's range, and autocast gives them float32.",
        _AMP,
        Verdict.HOLDS if len(wide) == len(names) else _verdict(bool(wide)),
        f"From float16 inputs, float32 comes out of {', '.join(wide)}; float16 out of "
        f"{', '.join(name for name in names if name not in wide) or 'none'}.",
        "Losses are float32 everywhere. sum and softmax are on CUDA's float32 list, not on the "
        "CPU's; mean is on neither.",
    )


def _register_claim(where: torch.device) -> Claim:
    there = [
        name
        for name, module in (("torch.amp", torch.amp), ("torch.cuda.amp", torch.cuda.amp))
        if hasattr(module, "register_float_function")
    ]
    low = torch.ones(2, dtype=torch.bfloat16, device=where)
    forced = torch.amp.custom_fwd(
        lambda _, inputs: inputs * inputs, device_type=where.type, cast_inputs=torch.float32
    )
    with torch.autocast(where.type, dtype=torch.bfloat16):
        given = forced(types.SimpleNamespace(), low).dtype
    return Claim(
        "Functions that are seldom used must be registered first: "
        'amp.register_float_function(torch, "sigmoid").',
        f"{_CAUTION}: registering",
        Verdict.HOLDS if there else Verdict.OBSOLETE,
        f"Found in {', '.join(there) or 'neither torch.amp nor torch.cuda.amp'}. custom_fwd with "
        f"cast_inputs=torch.float32 gives {_name(given)} from bfloat16.",
        "That is NVIDIA's apex. In torch: custom_fwd for a function of your own, or a nested "
        "autocast(enabled=False) and .float().",
    )


def _memory_claim(where: torch.device) -> Claim:
    size = Cost(width=128, batch=256)
    found = {name: _Trainee(name, size, where).saved for name in ("float32", "float16")}
    weights = sum(weight.nbytes for weight in _Trainee("float16", size, where).weights)
    share = found["float16"] / found["float32"]
    return Claim(
        "amp takes less memory.",
        f"{_WHY}: advantages",
        Verdict.CONDITION if share < 0.9 else Verdict.WRONG,
        f"Four linear layers, 256 samples: kept for backward {found['float32'] / 1024:.0f} KiB in "
        f"float32, {found['float16'] / 1024:.0f} KiB under autocast ({share:.2f} times). Weights "
        f"{weights / 1024:.0f} KiB in both.",
        "Activations halve. Weights, gradients and the optimizer's state stay float32, and the "
        "casts of the weights come on top: with few samples there is little to gain.",
    )


# float16 products may take twenty times as long on a CPU; more would hold the page up.
_PRODUCT = 96


def _median_time(run: Callable[[], object], where: torch.device, repeats: int = 5) -> float:
    run()
    times = []
    for _ in range(repeats):
        _settle(where)
        start = time.perf_counter()
        run()
        _settle(where)
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def _product_times(where: torch.device, size: int, dtypes: Sequence[torch.dtype]) -> list[float]:
    generator = torch.Generator().manual_seed(0)
    matrix = torch.randn(size, size, generator=generator).to(where)
    return [
        _median_time(functools.partial(torch.mm, low, low), where)
        for low in (matrix.to(dtype) for dtype in dtypes)
    ]


def _speed_claim(where: torch.device) -> Claim:
    full, half, brain = _product_times(
        where, _PRODUCT, (torch.float32, torch.float16, torch.bfloat16)
    )
    return Claim(
        "amp computes faster, up to twice as fast.",
        f"{_WHY}: advantages",
        Verdict.HOLDS if half < 0.6 * full else Verdict.CONDITION,
        f"A product of {_PRODUCT} by {_PRODUCT} matrices on this {where.type}, over float32's "
        f"time: float16 {half / full:.2g}, bfloat16 {brain / full:.2g}.",
        "Only where the processor has units for it: Tensor Cores, or a CPU's AMX. Elsewhere it is "
        "slower, and on small tensors the casts cost more than they save.",
    )


def _eights_claim(where: torch.device) -> Claim:
    (even,) = _product_times(where, 64, (torch.float16,))
    (odd,) = _product_times(where, 63, (torch.float16,))
    return Claim(
        "Dimensions that are multiples of 8 are fastest.",
        f"{_CAUTION}: dimensions",
        Verdict.HOLDS if odd > 1.1 * even else Verdict.CONDITION,
        f"float16 products on this {where.type}: size 63 takes {odd / even:.2g} times as long as "
        "size 64, with 5 % less to do.",
        "A rule for Tensor Cores. Newer libraries pad by themselves, so measure where you run.",
    )


def _half_claim(where: torch.device) -> Claim:
    size = Cost(width=64, batch=64)
    model = _Trainee("float32", size, where)

    def output(dtype: torch.dtype) -> Tensor:
        hidden = model.inputs.to(dtype)
        for weight in model.weights[:-1]:
            hidden = torch.relu(F.linear(hidden, weight.detach().to(dtype)))
        return F.linear(hidden, model.weights[-1].detach().to(dtype)).float()

    off = largest_difference(output(torch.float16), output(torch.float32))
    full, half = _product_times(where, _PRODUCT, (torch.float32, torch.float16))
    size_of = sum(weight.nbytes for weight in model.weights)
    return Claim(
        "model.half() speeds a model up, saves memory, and costs hardly any accuracy.",
        _HALF,
        Verdict.HOLDS if half < 0.8 * full and off < 1e-2 else Verdict.CONDITION,
        f"Weights {size_of / 1024:.0f} KiB become {size_of / 2048:.0f}; outputs are off by at most "
        f"{off:.1g}; a matrix product takes {half / full:.2g} times as long on this {where.type}.",
        "Memory halves everywhere; speed needs the hardware. True of inference: training in half "
        "loses every update below half a step of float16.",
    )


def _half_inputs_claim(where: torch.device) -> Claim:
    weight, inputs = _linear(where)
    half = weight.detach().half()
    said = ""
    try:
        F.linear(inputs, half)
    except RuntimeError as error:
        said = _raised(error)
    after = inputs.cpu().half().to(where)
    before = inputs.half()
    same = torch.equal(after.cpu(), before.cpu())
    return Claim(
        "model.half() must come before model.cuda(); and the inputs must be half too.",
        _HALF,
        Verdict.CONDITION if said and same else _yes(bool(said)),
        f"float32 inputs: {said or 'taken'}. Halved before or after the move, the numbers are "
        f"{'the same' if same else 'not the same'}.",
        "The inputs must match. The order does not matter for the result; halving first only moves "
        "fewer bytes.",
    )
