"""Mistakes about operations that autocast leaves as they are written."""

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from explainers import devices
from explainers.evidence import CurveMistake, Mistake, row, worded
from explainers.parameters import Parameters, choice, number
from explainers.precision.autocast.lists import (
    DOCUMENTATION,
    DTYPES,
    lower_precision,
    raised,
    short,
)
from explainers.precision.autocast.mistakes import flows

_PYTORCH = "https://github.com/pytorch/pytorch"
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


def in_place(parameters: InPlace, *, device: str = "cpu") -> flows.FlowMistake:
    """Add a product in place or to an ``out=``, and out of place.

    Args:
        parameters: Which of them.
        device: Where torch computes.
    """
    where = devices.device(device)
    a, b, c = flows.tensors(where, 3)
    lower = torch.bfloat16
    mixed = parameters.way == _WAYS[2]
    with torch.autocast(where.type, dtype=lower):
        h = torch.mm(b, c) if mixed else b
        first = flows.Line("h = torch.mm(b, c)", True, short(h.dtype))
        if parameters.way == "out=":
            call = "torch.addmm(a, b, c, out=d)"
            wrong = flows.ran(call, True, lambda: torch.addmm(a, b, c, out=torch.empty_like(a)))
        else:
            call = "a.addmm_(h, h)" if mixed else "a.addmm_(b, c)"
            factors = (h, h) if mixed else (b, c)
            wrong = flows.ran(call, True, lambda: a.clone().addmm_(*factors))
        better = "a = a.addmm(h, h)" if mixed else "d = a.addmm(b, c)"
        factors = (h, h) if mixed else (b, c)
        right = flows.ran(better, True, lambda: a.addmm(*factors), "autocast casts all three")
    cost = (
        f"torch raises {wrong.note.split(':')[0]}."
        if not wrong.gives
        else f"No error, no autocast: the product ran in {wrong.gives}."
    )
    if wrong.gives:
        wrong = dataclasses.replace(wrong, note="ran in its tensors' dtype")
    start = f'with torch.autocast("{where.type}", torch.bfloat16):\n    '
    before = "h = torch.mm(b, c)\n    " if mixed else ""
    return flows.FlowMistake(
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


def own_function(parameters: OwnFunction, *, device: str = "cpu") -> flows.FlowMistake:
    """Run a custom autograd function under autocast, plain and with torch's decorators.

    Args:
        parameters: The lower precision.
        device: Where torch computes.
    """
    where, lower = devices.device(device), lower_precision(parameters.dtype)
    inputs, weight = flows.tensors(where, 2)

    def forward(ctx: Any, x: Tensor, w: Tensor) -> Tensor:
        ctx.save_for_backward(x, w)
        return x @ w

    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor]:
        x, w = ctx.saved_tensors
        return gradient @ w.mT, x.mT @ gradient

    def lines(forward: Callable[..., Any], backward: Callable[..., Any]) -> tuple[flows.Line, ...]:
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
            first = flows.ran("output = Product.apply(x, w)", True, run)
        return first, flows.ran("output.float().sum().backward()", False, back, "that is w.grad")

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
    return flows.FlowMistake(
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
    start = f"{flows.region(where)}    "
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
    start = f"{flows.region(where)}    h = linear(x)\n"
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
