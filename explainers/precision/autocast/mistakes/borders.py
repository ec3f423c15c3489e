"""Run the mistakes people make with autocast, and what each costs."""

import dataclasses
import math
import textwrap
from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from explainers import devices
from explainers.evidence import (
    CurveMistake,
    Mistake,
    Question,
    largest_difference,
    recorded_warnings,
    row,
    worded,
)
from explainers.parameters import Parameters, choice, number
from explainers.precision.autocast.lists import (
    DOCUMENTATION,
    DTYPES,
    Listed,
    lower_precision,
    raised,
    short,
)
from explainers.precision.autocast.rows import table
from explainers.precision.float_formats.view import percent
from explainers.precision.formats import brief

_PYTORCH = "https://github.com/pytorch/pytorch"


@dataclasses.dataclass(frozen=True, slots=True)
class Line:
    """Hold one line of code that ran.

    Attributes:
        code: The line.
        inside: Whether it ran inside the autocast region.
        gives: dtype of what it gave, or "" where torch raised.
        note: What is to be said of it; what torch raised, where it did.
    """

    code: str
    inside: bool
    gives: str
    note: str = ""


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class FlowMistake:
    """Hold what either code gives line by line, in dtypes.

    Attributes:
        mistake: Both lines and their cost.
        wrong: The lines people write.
        right: The lines that do it.
    """

    mistake: Mistake
    wrong: tuple[Line, ...]
    right: tuple[Line, ...]

    @property
    def said(self) -> str:
        """What torch raised under the wrong lines, or ""."""
        return next((line.note for line in self.wrong if not line.gives), "")


def _ran(code: str, inside: bool, run: Callable[[], Tensor], note: str = "") -> Line:
    try:
        return Line(code, inside, short(run().dtype), note)
    except RuntimeError as error:
        return Line(code, inside, "", raised(error))


def _tensors(where: torch.device, count: int, size: int = 8) -> list[Tensor]:
    generator = torch.Generator().manual_seed(0)
    return [torch.rand(size, size, generator=generator).to(where) for _ in range(count)]


def _nearest(values: Sequence[int], wanted: int) -> int:
    """Return where the nearest of `values` stands: a setting may lie between two."""
    return min(range(len(values)), key=lambda index: abs(values[index] - wanted))


def _region(where: torch.device) -> str:
    return f'with torch.autocast("{where.type}", torch.float16):\n'


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
        said = raised(error)
    g = torch.mm(d, f.float())
    difference = largest_difference(g, d @ (d @ (a @ b)))
    name = str(lower).removeprefix("torch.")
    return Mismatch(
        mistake=Mistake(
            wrong=f'with torch.autocast("{where.type}", torch.{name}):\n'
            "    f = torch.mm(d, torch.mm(a, b))\ng = torch.mm(d, f)",
            right=f'with torch.autocast("{where.type}", torch.{name}):\n'
            "    f = torch.mm(d, torch.mm(a, b))\ng = torch.mm(d, f.float())",
            wrong_cost=f"torch raises {said.split(':')[0]}." if said else "torch takes it.",
            right_cost=f"g is {short(g.dtype)}, off by at most {brief(difference)} in numbers "
            f"up to {float(g.max()):.3g}.",
            lesson="Results leave autocast in its dtype, and nothing casts them outside. Call "
            ".float() on what you take out.",
            source=(
                "torch docs: torch.autocast",
                f"{DOCUMENTATION}#torch.autocast",
            ),
        ),
        inside=f.dtype,
        said=said,
        difference=difference,
    )


@dataclasses.dataclass(frozen=True)
class Border(Parameters):
    """Hold the lower precision whose results leave the region."""

    dtype: str = choice("float16", DTYPES, label="autocast's dtype", help="What leaves the region.")


def border(parameters: Border, *, device: str = "cpu") -> FlowMistake:
    """Multiply a result of autocast outside of it: as it is, and as float32.

    Args:
        parameters: The lower precision.
        device: Where torch computes.
    """
    where, lower = devices.device(device), lower_precision(parameters.dtype)
    a, b, d = _tensors(where, 3)
    with torch.autocast(where.type, dtype=lower):
        e = torch.mm(a, b)
        f = torch.mm(d, e)
    shared = (
        Line("e = torch.mm(a, b)", True, short(e.dtype)),
        Line(
            "f = torch.mm(d, e)", True, short(f.dtype), f"d is cast; e already is {short(e.dtype)}"
        ),
    )
    return FlowMistake(
        mismatch(dtype=lower, device=device).mistake,
        (*shared, _ran("g = torch.mm(d, f)", False, lambda: torch.mm(d, f))),
        (*shared, _ran("g = torch.mm(d, f.float())", False, lambda: torch.mm(d, f.float()))),
    )


@dataclasses.dataclass(frozen=True)
class HalfModel(Parameters):
    """Hold the learning rate of a model whose weights are float16."""

    exponent: int = number(
        -9,
        label="learning rate, as a power of 2",
        help="Of SGD; at -9 it is 0.002, and updates are near 0.0002.",
        minimum=-11,
        maximum=-2,
        step=1,
    )


def half_model(parameters: HalfModel, *, device: str = "cpu") -> CurveMistake:
    """Train weights in float16, and in float32 under autocast.

    Args:
        parameters: The learning rate.
        device: Where torch computes.
    """
    steps, width = 60, 8
    where = devices.device(device)
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(64, width, generator=generator).to(where)
    meant = (1.03 + 0.04 * torch.rand(1, width, generator=generator)).to(where)
    targets = inputs @ meant.T

    def trained(dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        weight = torch.ones(1, width, device=where, dtype=dtype, requires_grad=True)
        optimizer = torch.optim.SGD([weight], lr=2.0**parameters.exponent)
        half = dtype is torch.float16
        scaler = torch.amp.GradScaler(where.type, init_scale=1024.0, enabled=not half)
        losses = []
        for _ in range(steps):
            optimizer.zero_grad()
            with torch.autocast(where.type, dtype=torch.float16, enabled=not half):
                output = F.linear(inputs.to(dtype), weight)
            loss = F.mse_loss(output.float(), targets)
            scaler.scale(loss).backward()
            scaler.step(optimizer)
            scaler.update()
            losses.append(float(((weight.detach().float() - meant) @ inputs.T).square().mean()))
        return row(losses), weight.detach().float().cpu()

    (wrong, stuck), (right, moved) = trained(torch.float16), trained(torch.float32)
    return CurveMistake(
        mistake=Mistake(
            wrong="model.half()\noutput = model(inputs.half())",
            right=f"{_region(where)}    output = model(inputs)",
            wrong_cost=f"After {steps} steps {int((stuck != 1).sum())} of {width} weights "
            f"have moved; loss {wrong[-1]:.3g}.",
            right_cost=f"{int((moved != 1).sum())} of {width} weights have moved; loss "
            f"{right[-1]:.3g}.",
            lesson="Just above 1, float16 numbers are 0.001 apart; updates below half of that "
            "round away. autocast keeps weights in float32.",
            source=(
                "Micikevicius et al., Mixed Precision Training, section 3.1",
                "https://arxiv.org/abs/1710.03740",
            ),
        ),
        shows="loss",
        over="step",
        x=torch.arange(steps, dtype=torch.float64),
        wrong=wrong,
        right=right,
        look=steps - 1,
    )


@dataclasses.dataclass(frozen=True)
class OtherDevice(Parameters):
    """Hold the lower precision that is asked for."""

    dtype: str = choice("float16", DTYPES, label="dtype", help="The lower precision.")


def other_device(parameters: OtherDevice, *, device: str = "cpu") -> FlowMistake:
    """Run a linear layer under autocast for another device, and under autocast for its own.

    Args:
        parameters: The lower precision.
        device: Where torch computes.
    """
    where, lower = devices.device(device), lower_precision(parameters.dtype)
    other = "cpu" if where.type == "cuda" else "cuda"
    inputs, weight = _tensors(where, 2)

    def under(kind: str) -> tuple[Line, str]:
        with recorded_warnings() as caught, torch.autocast(kind, dtype=lower):
            words = str(caught[0].message).rstrip(".") if caught else ""
            said = f'torch warns: "{words}"' if words else "torch says nothing"
            return _ran("output = F.linear(inputs, weight)", True, output, said), words

    def output() -> Tensor:
        return F.linear(inputs, weight)

    (wrong, words), (right, _) = under(other), under(where.type)
    written = f"inputs.device.type is {where.type}"
    code = "with torch.autocast({}, torch.{}):\n    output = F.linear(inputs, weight)"
    return FlowMistake(
        Mistake(
            wrong=code.format(f'"{other}"', parameters.dtype),
            right="kind = inputs.device.type\n" + code.format("kind", parameters.dtype),
            wrong_cost=f"On the {where.type} the output is {wrong.gives}, as without autocast: "
            f"{'torch only warns' if words else 'torch says nothing'}.",
            right_cost=f"The output is {right.gives}: {written}.",
            lesson="autocast works for one type of device; the old torch.cuda.amp.autocast() "
            "means cuda. Take the type from the tensors.",
            source=("Real-ESRGAN#12", "https://github.com/ai-forever/Real-ESRGAN/issues/12"),
        ),
        (wrong,),
        (dataclasses.replace(right, note=written),),
    )


_WAYS = ("in place", "out=", "in place, mixed")


@dataclasses.dataclass(frozen=True)
class InPlace(Parameters):
    """Hold how an operation is told where to put its result."""

    way: str = choice(
        "in place, mixed",
        _WAYS,
        label="how the result is written",
        help="In place on float32, to a float32 out=, or in place with bfloat16 factors.",
    )


def in_place(parameters: InPlace, *, device: str = "cpu") -> FlowMistake:
    """Add a product in place or to an ``out=``, and out of place.

    Args:
        parameters: Which of them.
        device: Where torch computes.
    """
    where = devices.device(device)
    a, b, c = _tensors(where, 3)
    lower = torch.bfloat16
    mixed = parameters.way == _WAYS[2]
    with torch.autocast(where.type, dtype=lower):
        h = torch.mm(b, c) if mixed else b
        first = Line("h = torch.mm(b, c)", True, short(h.dtype))
        if parameters.way == "out=":
            call = "torch.addmm(a, b, c, out=d)"
            wrong = _ran(call, True, lambda: torch.addmm(a, b, c, out=torch.empty_like(a)))
        else:
            call = "a.addmm_(h, h)" if mixed else "a.addmm_(b, c)"
            factors = (h, h) if mixed else (b, c)
            wrong = _ran(call, True, lambda: a.clone().addmm_(*factors))
        better = "a = a.addmm(h, h)" if mixed else "d = a.addmm(b, c)"
        factors = (h, h) if mixed else (b, c)
        right = _ran(better, True, lambda: a.addmm(*factors), "autocast casts all three")
    cost = (
        f"torch raises {wrong.note.split(':')[0]}."
        if not wrong.gives
        else f"No error, no autocast: the product ran in {wrong.gives}."
    )
    if wrong.gives:
        wrong = dataclasses.replace(wrong, note="ran in its tensors' dtype")
    start = f'with torch.autocast("{where.type}", torch.bfloat16):\n    '
    before = "h = torch.mm(b, c)\n    " if mixed else ""
    return FlowMistake(
        Mistake(
            wrong=f"{start}{before}{call}",
            right=f"{start}{before}{better}",
            wrong_cost=cost,
            right_cost=f"The product runs in bfloat16, and gives {right.gives}.",
            lesson="Existing tensors keep their dtype: in-place and out= operations escape "
            "autocast. Write them out of place.",
            source=("torch docs: op eligibility", f"{DOCUMENTATION}#op-eligibility"),
        ),
        (first, wrong) if mixed else (wrong,),
        (first, right) if mixed else (right,),
    )


@dataclasses.dataclass(frozen=True)
class OwnFunction(Parameters):
    """Hold the lower precision under which a function of one's own runs."""

    dtype: str = choice("float16", DTYPES, label="autocast's dtype", help="Of the forward pass.")


def own_function(parameters: OwnFunction, *, device: str = "cpu") -> FlowMistake:
    """Run a custom autograd function under autocast, plain and with torch's decorators.

    Args:
        parameters: The lower precision.
        device: Where torch computes.
    """
    where, lower = devices.device(device), lower_precision(parameters.dtype)
    inputs, weight = _tensors(where, 2)

    def forward(ctx: Any, x: Tensor, w: Tensor) -> Tensor:
        ctx.save_for_backward(x, w)
        return x @ w

    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor]:
        x, w = ctx.saved_tensors
        return gradient @ w.mT, x.mT @ gradient

    def lines(forward: Callable[..., Any], backward: Callable[..., Any]) -> tuple[Line, ...]:
        methods = {"forward": staticmethod(forward), "backward": staticmethod(backward)}
        product: Any = type("Product", (torch.autograd.Function,), methods)
        w = weight.clone().requires_grad_()
        found: list[Tensor] = []

        def run() -> Tensor:
            found.append(product.apply(inputs, w))
            return found[0]

        def back() -> Tensor:
            found[0].float().sum().backward()
            assert w.grad is not None
            return w.grad

        with torch.autocast(where.type, dtype=lower):
            first = _ran("output = Product.apply(x, w)", True, run)
        return first, _ran("output.float().sum().backward()", False, back, "that is w.grad")

    wrong = lines(forward, backward)
    right = lines(
        torch.amp.custom_fwd(forward, device_type=where.type),
        torch.amp.custom_bwd(backward, device_type=where.type),
    )
    body = (
        "class Product(torch.autograd.Function):\n"
        "    @staticmethod\n{}    def forward(ctx, x, w):\n"
        "        ctx.save_for_backward(x, w)\n        return x @ w\n"
        "    @staticmethod\n{}    def backward(ctx, g):\n"
        "        x, w = ctx.saved_tensors\n        return g @ w.mT, x.mT @ g"
    )
    decorated = (
        f'    @torch.amp.custom_{way}(device_type="{where.type}")\n' for way in ("fwd", "bwd")
    )
    last = wrong[-1]
    return FlowMistake(
        Mistake(
            wrong=body.format("", ""),
            right=body.format(*decorated),
            wrong_cost=f"Forward gives {wrong[0].gives}. Backward "
            + ("passes." if last.gives else f"raises {last.note.split(':')[0]}."),
            right_cost=f"Forward gives {right[0].gives}, and backward runs as forward did: "
            f"w.grad is {right[1].gives or 'missing'}.",
            lesson="What forward saved is float32, and backward runs outside autocast. "
            "custom_bwd runs it under forward's autocast.",
            source=(
                "torch docs: functions with multiple inputs or autocastable ops",
                "https://docs.pytorch.org/docs/stable/notes/amp_examples.html"
                "#functions-with-multiple-inputs-or-autocastable-ops",
            ),
        ),
        wrong,
        right,
    )


@dataclasses.dataclass(frozen=True)
class Logits(Parameters):
    """Hold how sure a network is, while it is wrong."""

    logit: float = number(
        9.0,
        label="logit",
        help="What goes into the sigmoid; the target is 0.",
        minimum=0.0,
        maximum=20.0,
        step=0.5,
    )


def sigmoid_first(parameters: Logits, *, device: str = "cpu") -> CurveMistake:
    """Take binary cross-entropy of a sigmoid in float16, and of the logits.

    Args:
        parameters: The logit to look at.
        device: Where torch computes.
    """
    where = devices.device(device)
    points = torch.arange(0, 20.5, 0.5, dtype=torch.float64)
    weight = torch.eye(1, device=where)
    target = torch.zeros(1, 1, device=where)

    def losses(logits_loss: bool) -> tuple[Tensor, Tensor, str]:
        values, gradients, said = [], [], ""
        for point in points.tolist():
            x = torch.full((1, 1), point, device=where, requires_grad=True)
            try:
                with torch.autocast(where.type, dtype=torch.float16):
                    output = F.linear(x, weight)
                    if logits_loss:
                        loss = F.binary_cross_entropy_with_logits(output, target)
                    else:
                        loss = F.binary_cross_entropy(torch.sigmoid(output), target)
                (gradient,) = torch.autograd.grad(loss, x)
                values.append(float(loss.detach()))
                gradients.append(float(gradient))
            except RuntimeError as error:  # CUDA refuses
                said = raised(error)
                values.append(math.nan)
                gradients.append(math.nan)
        return row(values), row(gradients), said

    (wrong, wrong_slope, said), (right, right_slope, _) = losses(False), losses(True)
    look = int((points - parameters.logit).abs().argmin())
    told = (
        f"torch raises {said}."
        if said
        else f"At logit {points[look]:g} the loss is {worded(wrong[look])}, its gradient "
        f"{worded(wrong_slope[look])}."
    )
    start = f"{_region(where)}    "
    return CurveMistake(
        Mistake(
            wrong=f"{start}p = torch.sigmoid(model(x))\n    loss = F.binary_cross_entropy(p, y)",
            right=f"{start}loss = F.binary_cross_entropy_with_logits(\n        model(x), y\n    )",
            wrong_cost=told,
            right_cost=f"The loss is {worded(right[look])}, its gradient "
            f"{worded(right_slope[look])}.",
            lesson="In float16 the sigmoid is 1 from 8.32 up; torch cuts log(0) at -100, and its "
            "gradient is NaN. On CUDA torch refuses the pair.",
            source=(
                "torch docs: Prefer binary_cross_entropy_with_logits",
                f"{DOCUMENTATION}#prefer-binary-cross-entropy-with-logits-over-"
                "binary-cross-entropy",
            ),
        ),
        shows="loss",
        over="logit (target 0)",
        x=points,
        wrong=wrong,
        right=right,
        said=said,
        look=look,
        log=True,
    )


@dataclasses.dataclass(frozen=True)
class OwnNorm(Parameters):
    """Hold how large the activations are."""

    exponent: int = number(
        9,
        label="size of the activations, as a power of 2",
        help="Their standard deviation.",
        minimum=-14,
        maximum=12,
        step=1,
    )


def _one(value: Tensor) -> str:
    """Return what should be 1, in words."""
    found = worded(value)
    return "1, as it should be" if found == "1" else f"{found}, not 1"


def own_norm(parameters: OwnNorm, *, device: str = "cpu") -> CurveMistake:
    """Normalise float16 activations by a hand-written root mean square, and in float32.

    Args:
        parameters: Size of the activations.
        device: Where torch computes.
    """
    where = devices.device(device)
    generator = torch.Generator().manual_seed(0)
    base = torch.randn(8, 64, generator=generator).to(where)
    weight = torch.eye(64, device=where)
    exponents = range(-14, 13)

    def size(exponent: int, wide: bool) -> float:
        with torch.autocast(where.type, dtype=torch.float16):
            h = F.linear(base * math.ldexp(1.0, exponent), weight)
            h = h.float() if wide else h
            normed = h / (h * h).mean(-1, keepdim=True).sqrt()
        return float(normed.float().square().mean().sqrt())

    wrong, right = (row([size(e, wide) for e in exponents]) for wide in (False, True))
    look = parameters.exponent - exponents[0]
    start = f"{_region(where)}    h = linear(x)\n"
    norm = "    square = (h * h).mean(-1, keepdim=True)\n    h = h / square.sqrt()"
    return CurveMistake(
        Mistake(
            wrong=start + norm,
            right=f"{start}    h = h.float()\n{norm}",
            wrong_cost=f"Root mean square: {_one(wrong[look])}.",
            right_cost=f"Root mean square: {_one(right[look])}.",
            lesson="float16 squares overflow from 256 up and vanish below 0.00017. autocast "
            "leaves mul in float16: call .float() first.",
            source=("pytorch PR 133085", f"{_PYTORCH}/pull/133085"),
        ),
        shows="root mean square after normalising",
        over="size of the activations, as a power of 2",
        x=row(list(exponents)),
        wrong=wrong,
        right=right,
        look=look,
    )


@dataclasses.dataclass(frozen=True)
class LossOutside(Parameters):
    """Hold how many samples the loss is summed over."""

    samples: int = number(
        16384,
        label="samples",
        help="Of ten classes each; their losses are summed.",
        minimum=2048,
        maximum=16384,
        step=2048,
    )


def _whole(value: Tensor) -> str:
    """Return a sum of many losses, to whole numbers."""
    return f"{float(value):.0f}" if value.isfinite() else worded(value)


def loss_outside(parameters: LossOutside, *, device: str = "cpu") -> CurveMistake:
    """Take cross-entropy of float16 logits outside of autocast, and inside.

    Args:
        parameters: How many samples.
        device: Where torch computes.
    """
    where = devices.device(device)
    counts = range(2048, 16384 + 1, 2048)
    generator = torch.Generator().manual_seed(0)
    logits = (3 * torch.randn(counts[-1], 10, generator=generator)).to(where, torch.float16)
    target = torch.randint(0, 10, (counts[-1],), generator=generator).to(where)

    def loss(count: int, inside: bool) -> float:
        with torch.autocast(where.type, dtype=torch.float16, enabled=inside):
            return float(F.cross_entropy(logits[:count], target[:count], reduction="sum"))

    wrong, right = (row([loss(count, inside) for count in counts]) for inside in (False, True))
    look = _nearest(counts, parameters.samples)
    start = f"{_region(where)}    output = model(x)\n"
    line = 'loss = F.cross_entropy(\n    output, y, reduction="sum"\n)'
    return CurveMistake(
        Mistake(
            wrong=start + line,
            right=start + textwrap.indent(line, "    "),
            wrong_cost=f"The float16 loss is {_whole(wrong[look])}; in float32 it is "
            f"{_whole(right[look])}.",
            right_cost=f"The float32 loss is {_whole(right[look])}.",
            lesson="Inside, the losses on autocast's list are float32, this one too. Outside, "
            "float16 logits give a float16 loss: rounded to 1 part in 2000, infinite above 65504.",
            source=(
                "torch docs: ops that autocast to float32",
                "https://docs.pytorch.org/docs/stable/amp.html#autocast-op-reference",
            ),
        ),
        shows="loss",
        over="samples",
        x=row(list(counts)),
        wrong=wrong,
        right=right,
        look=look,
    )


@dataclasses.dataclass(frozen=True)
class BackwardInside(Parameters):
    """Hold what the loss is multiplied by."""

    exponent: int = number(
        -16,
        label="scale of the loss, as a power of 2",
        help="GradScaler starts at 2¹⁶.",
        minimum=-30,
        maximum=24,
        step=2,
    )


def backward_inside(parameters: BackwardInside, *, device: str = "cpu") -> CurveMistake:
    """Go backward through a layer kept in float32, inside of autocast and after it.

    Args:
        parameters: What the loss is multiplied by.
        device: Where torch computes.
    """
    where = devices.device(device)
    generator = torch.Generator().manual_seed(0)
    first = torch.randn(16, 16, generator=generator).to(where)
    inputs = torch.randn(8, 16, generator=generator).to(where)
    exponents = range(-30, 25, 2)

    def gradient(exponent: int, inside: bool) -> Tensor:
        weight = first.clone().requires_grad_()
        with torch.autocast(where.type, dtype=torch.float16):
            with torch.autocast(where.type, enabled=False):
                loss = F.linear(inputs, weight).square().mean() * math.ldexp(1.0, exponent)
            if inside:
                loss.backward()
        if not inside:
            loss.backward()
        assert weight.grad is not None
        return weight.grad.cpu().double() / math.ldexp(1.0, exponent)

    with torch.enable_grad():
        precise = first.cpu().double().requires_grad_()
        F.linear(inputs.cpu().double(), precise).square().mean().backward()
    true = precise.grad
    assert true is not None

    def off(inside: bool) -> Tensor:
        errors = [float((gradient(each, inside) - true).norm() / true.norm()) for each in exponents]
        return row(errors)

    wrong, right = off(True), off(False)
    look = _nearest(exponents, parameters.exponent)
    start = (
        f'{_region(where)}    with torch.autocast("{where.type}", enabled=False):\n'
        "        output = model(x.float())\n        loss = output.square().mean()\n"
    )
    far, near = (
        f"has a relative error of {percent(each)}" if math.isfinite(each) else "is not finite"
        for each in (float(wrong[look]), float(right[look]))
    )
    return CurveMistake(
        Mistake(
            wrong=f"{start}    loss.backward()",
            right=f"{start}loss.backward()",
            wrong_cost=f"A float32 layer's gradient {far}.",
            right_cost=f"Its gradient {near}.",
            lesson="Inside, backward's products are autocast too, even a float32 layer's: "
            "gradients may vanish or overflow. Call backward after the region.",
            source=(
                "torch docs: torch.autocast",
                "https://docs.pytorch.org/docs/stable/amp.html#torch.autocast",
            ),
        ),
        shows="relative error of the gradient",
        over="scale of the loss, as a power of 2",
        x=row(list(exponents)),
        wrong=wrong,
        right=right,
        look=look,
        log=True,
    )


def question(*, device: str = "cpu") -> Question:
    """Ask what dtype a softmax of a linear layer's outputs has under float16 autocast.

    Args:
        device: Where torch computes.
    """
    where = devices.device(device)
    inputs, weight = _tensors(where, 2)
    with torch.autocast(where.type, dtype=torch.float16):
        logits = F.linear(inputs, weight)
        output = torch.softmax(logits, dim=-1)
    (row,) = (row for row in table(device) if row.name == "softmax")
    return Question(
        f"On this {where.type}, under float16 autocast, float32 inputs pass F.linear, then "
        "torch.softmax. Which dtype comes out?",
        ("float16", "float32", "bfloat16", "torch raises an error"),
        short(output.dtype),
        f"F.linear gave {short(logits.dtype)}. For the {where.type}, softmax is "
        f"{'not listed' if row.listed is Listed.UNLISTED else f'listed as {row.listed}'}. CUDA's "
        "list has it run in float32, the CPU's does not.",
    )
