"""Mistakes about the border of a region: what is inside, and what leaves it."""

import dataclasses
import math
import textwrap
from collections.abc import Sequence

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
from explainers.precision.autocast.mistakes import flows
from explainers.precision.autocast.rows import table
from explainers.precision.float_formats.view import percent
from explainers.precision.formats import brief


def _nearest(values: Sequence[int], wanted: int) -> int:
    """Return where the nearest of `values` stands: a setting may lie between two."""
    return min(range(len(values)), key=lambda index: abs(values[index] - wanted))


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


def border(parameters: Border, *, device: str = "cpu") -> flows.FlowMistake:
    """Multiply a result of autocast outside of it: as it is, and as float32.

    Args:
        parameters: The lower precision.
        device: Where torch computes.
    """
    where, lower = devices.device(device), lower_precision(parameters.dtype)
    a, b, d = flows.tensors(where, 3)
    with torch.autocast(where.type, dtype=lower):
        e = torch.mm(a, b)
        f = torch.mm(d, e)
    shared = (
        flows.Line("e = torch.mm(a, b)", True, short(e.dtype)),
        flows.Line(
            "f = torch.mm(d, e)", True, short(f.dtype), f"d is cast; e already is {short(e.dtype)}"
        ),
    )
    return flows.FlowMistake(
        mismatch(dtype=lower, device=device).mistake,
        (*shared, flows.ran("g = torch.mm(d, f)", False, lambda: torch.mm(d, f))),
        (*shared, flows.ran("g = torch.mm(d, f.float())", False, lambda: torch.mm(d, f.float()))),
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
            right=f"{flows.region(where)}    output = model(inputs)",
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


def other_device(parameters: OtherDevice, *, device: str = "cpu") -> flows.FlowMistake:
    """Run a linear layer under autocast for another device, and under autocast for its own.

    Args:
        parameters: The lower precision.
        device: Where torch computes.
    """
    where, lower = devices.device(device), lower_precision(parameters.dtype)
    other = "cpu" if where.type == "cuda" else "cuda"
    inputs, weight = flows.tensors(where, 2)

    def under(kind: str) -> tuple[flows.Line, str]:
        with recorded_warnings() as caught, torch.autocast(kind, dtype=lower):
            words = str(caught[0].message).rstrip(".") if caught else ""
            said = f'torch warns: "{words}"' if words else "torch says nothing"
            return flows.ran("output = F.linear(inputs, weight)", True, output, said), words

    def output() -> Tensor:
        return F.linear(inputs, weight)

    (wrong, words), (right, _) = under(other), under(where.type)
    written = f"inputs.device.type is {where.type}"
    code = "with torch.autocast({}, torch.{}):\n    output = F.linear(inputs, weight)"
    return flows.FlowMistake(
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
    start = f"{flows.region(where)}    output = model(x)\n"
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
        f'{flows.region(where)}    with torch.autocast("{where.type}", enabled=False):\n'
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
    inputs, weight = flows.tensors(where, 2)
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
