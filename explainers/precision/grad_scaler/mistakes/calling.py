"""Mistakes about the calls of a step: their order, and how often each is made."""

import dataclasses
import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from explainers import devices
from explainers.evidence import CurveMistake, Mistake, Question, recorded_warnings, row
from explainers.parameters import Parameters, choice, number
from explainers.precision.grad_scaler.loop import run, state
from explainers.precision.grad_scaler.machine import Edge, invoke
from explainers.precision.grad_scaler.mistakes import saying

_EXAMPLES = "https://docs.pytorch.org/docs/stable/notes/amp_examples.html"
_PYTORCH = "https://github.com/pytorch/pytorch"


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class OrderMistake:
    """Hold two orders of calls: one that torch refuses, and one that it takes.

    Attributes:
        mistake: Both orders and what torch says.
        wrong_calls: The calls up to the one that torch refuses, that one included.
        wrong_states: The scaler's state after each: READY, UNSCALED or STEPPED.
        right_calls: The calls of an order that torch takes.
        right_states: The scaler's state after each.
        edge: The call that torch refuses, and the state it was made in.
        right_said: What torch raised in the right order: "".
    """

    mistake: Mistake
    wrong_calls: tuple[str, ...]
    wrong_states: tuple[str, ...]
    right_calls: tuple[str, ...]
    right_states: tuple[str, ...]
    edge: Edge
    right_said: str

    @property
    def said(self) -> str:
        """What torch raised in the wrong order."""
        return self.edge.said


@dataclasses.dataclass(frozen=True)
class ClipFirst(Parameters):
    """Hold a threshold for clipping, and the scale that it meets."""

    max_norm: float = number(
        0.001,
        label="max_norm",
        help="Largest norm let pass; this model's is 0.0133 at first.",
        minimum=0.0005,
        maximum=0.05,
        step=0.0005,
    )
    init_exponent: int = number(
        16,
        label="init_scale, as a power of 2",
        help="Times all gradients until unscale_.",
        minimum=0,
        maximum=20,
        step=1,
    )


def clip_first(parameters: ClipFirst, *, device: str = "cpu") -> CurveMistake:
    """Clip before `unscale_` and after it, and measure how far the weights move.

    Args:
        parameters: Threshold and scale.
        device: Where torch computes.
    """
    wrong, right = (
        run(
            steps=25,
            init_scale=math.ldexp(1.0, parameters.init_exponent),
            max_norm=parameters.max_norm,
            unscale_first=first,
            device=device,
        )
        for first in (False, True)
    )
    far, near = wrong.update_norm, right.update_norm
    true, seen = float(right.gradient_norm[0]), float(wrong.scaled_gradient_norm[0])
    smaller = float(near[0] / far[0])
    return CurveMistake(
        mistake=Mistake(
            wrong="scaler.scale(loss).backward()\n"
            f"clip_grad_norm_(model.parameters(), {parameters.max_norm:g})\n"
            "scaler.step(optimizer)",
            right="scaler.scale(loss).backward()\nscaler.unscale_(optimizer)\n"
            f"clip_grad_norm_(model.parameters(), {parameters.max_norm:g})\n"
            "scaler.step(optimizer)",
            wrong_cost=f"Clipping sees a norm of {seen:.3g} instead of {true:.3g}; the first "
            f"update is {saying.too_small(smaller)} too small. "
            f"{_final(wrong.loss[-1], right.loss[-1])}"
            if smaller > 1.005
            else f"Clipping sees a norm of {seen:.3g}, the true one {true:.3g}: this time the "
            "first update is the same.",
            right_cost=f"Clipping sees the true norm, {true:.3g}. Final loss {right.loss[-1]:.2g}.",
            lesson="backward leaves gradients scaled: clipped so, they are cut by a norm that "
            "holds the scale. Call unscale_ first; step then does not unscale again.",
            source=("pytorch/examples#1196", "https://github.com/pytorch/examples/issues/1196"),
        ),
        shows="size of the update",
        log=True,
        over="step",
        wrong=far,
        right=near,
        look=0,
        others={
            "norm that clipping sees, wrong": wrong.scaled_gradient_norm,
            "norm that clipping sees, right": right.gradient_norm,
        },
    )


@dataclasses.dataclass(frozen=True)
class SkippedSteps(Parameters):
    """Hold where the scaler skips while a schedule runs on."""

    first: int = number(
        2,
        label="first skipped step",
        help="Counted from 0.",
        minimum=0,
        maximum=15,
        step=1,
    )
    count: int = number(
        3,
        label="skipped steps",
        help="In a row; several are usual at first.",
        minimum=0,
        maximum=8,
        step=1,
    )


def skipped_steps(parameters: SkippedSteps, *, device: str = "cpu") -> CurveMistake:
    """Step a schedule with every batch, and only when the optimizer has stepped.

    Args:
        parameters: Which steps the scaler skips.
        device: Where torch computes.
    """
    batches = 24
    bad = range(parameters.first, parameters.first + parameters.count)
    where = devices.device(device)

    def used(checked: bool) -> tuple[Tensor, Tensor, Tensor, str]:
        weight = torch.ones(1, device=where, requires_grad=True)
        optimizer = torch.optim.SGD([weight], lr=0.1)
        taken = 0

        def count(*_: object) -> None:
            nonlocal taken
            taken += 1

        scaler = torch.amp.GradScaler(where.type)
        rates, own, planned = [], [], []
        with recorded_warnings() as caught:
            scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9)
            optimizer.register_step_post_hook(count)
            for batch in range(batches):
                rates.append(float(optimizer.param_groups[0]["lr"]))
                optimizer.zero_grad()
                loss = weight.square().sum() * (math.inf if batch in bad else 1.0)
                scaler.scale(loss).backward()
                scaler.step(optimizer)
                scale = scaler.get_scale()
                scaler.update()
                if not checked or scaler.get_scale() >= scale:
                    scheduler.step()
                own.append(taken)
                planned.append(scheduler.last_epoch)
        said = str(caught[0].message) if caught else ""
        return row(rates), row(own), row(planned), said

    wrong, own, planned, said = used(False)
    right, _, kept, silence = used(True)
    last = batches - 1
    apart = "" if wrong[-1] == right[-1] else f", not {right[-1]:.3g}"
    return CurveMistake(
        mistake=Mistake(
            wrong="scaler.step(optimizer)\nscaler.update()\nscheduler.step()",
            right="scaler.step(optimizer)\nscale = scaler.get_scale()\nscaler.update()\n"
            "if scaler.get_scale() >= scale:\n    scheduler.step()",
            wrong_cost=f"The optimizer took {own[-1]:.0f} steps, the scheduler {planned[-1]:.0f}: "
            f"the last batch's learning rate is {wrong[-1]:.3g}{apart}. "
            + f"{saying.warned(said)}.",
            right_cost=f"The optimizer took {own[-1]:.0f} steps, the scheduler {kept[-1]:.0f}: the "
            f"last batch's learning rate is {right[-1]:.3g}. " + f"{saying.warned(silence)}.",
            lesson="The scheduler cannot see a skipped step; a fallen scale tells. torch "
            "warns only if the first step is skipped.",
            source=("pytorch#67590", f"{_PYTORCH}/issues/67590"),
        ),
        shows="learning rate",
        over="batch",
        wrong=wrong,
        right=right,
        said=said,
        look=min(parameters.first + parameters.count, last),
        others={
            "steps taken by the optimizer": own,
            "steps taken by the scheduler, wrong": planned,
            "steps taken by the scheduler, right": kept,
        },
    )


@dataclasses.dataclass(frozen=True, slots=True)
class _Order:
    """Two orders of calls, as code and as names; `half` for weights in float16."""

    words: str
    wrong: tuple[str, ...]
    right: tuple[str, ...]
    lesson: str
    source: tuple[str, str]
    half: bool = False


_ORDERS: Mapping[str, _Order] = {
    "unscale twice": _Order(
        "unscale_ twice",
        ("unscale_", "unscale_"),
        ("unscale_", "step", "update"),
        "unscale_ divides in place; a second would divide again. Once per optimizer, after "
        "the last micro-batch.",
        ("accelerate#641", "https://github.com/huggingface/accelerate/issues/641"),
    ),
    "update without step": _Order(
        "update without step",
        ("update",),
        ("step", "update"),
        "update reads what step or unscale_ found. If you skip a batch before both, skip update.",
        ("accelerate#357", "https://github.com/huggingface/accelerate/issues/357"),
    ),
    "float16 gradients": _Order(
        "unscale float16 gradients",
        ("unscale_",),
        ("unscale_", "step", "update"),
        "float16 weights have float16 gradients, which unscaling would flush to zero. Keep "
        "the model in float32; autocast casts.",
        ("pytorch-lightning#5140", "https://github.com/Lightning-AI/pytorch-lightning/issues/5140"),
        half=True,
    ),
    "unscale after step": _Order(
        "unscale_ after step",
        ("step", "unscale_"),
        ("unscale_", "step", "update"),
        "step has unscaled and moved the weights: unscale before you clip or look.",
        (
            "torch docs: Working with Unscaled Gradients",
            f"{_EXAMPLES}#working-with-unscaled-gradients",
        ),
    ),
    "step twice": _Order(
        "step twice",
        ("step", "step"),
        ("step", "update"),
        "One step per update: a second needs new gradients, under the scale that update sets.",
        ("MS-AMP PR 45", "https://github.com/Azure/MS-AMP/pull/45"),
    ),
}


@dataclasses.dataclass(frozen=True)
class IllegalOrder(Parameters):
    """Hold an order of calls that torch refuses."""

    order: str = choice(
        "unscale twice",
        tuple(_ORDERS),
        label="order",
        help="The wrong call.",
        words=tuple(order.words for order in _ORDERS.values()),
    )


def illegal_order(parameters: IllegalOrder, *, device: str = "cpu") -> OrderMistake:
    """Make the calls of an order that torch refuses, and of one that it takes.

    Args:
        parameters: The order.
        device: Where torch computes.
    """
    order = _ORDERS[parameters.order]
    where = devices.device(device)

    def made(calls: Sequence[str], dtype: torch.dtype) -> tuple[list[str], list[str], str]:
        """Make calls until one is refused; return them, the states after each, and the error."""
        weight = torch.ones(4, device=where, dtype=dtype, requires_grad=True)
        optimizer = torch.optim.SGD([weight], lr=0.1)
        scaler = torch.amp.GradScaler(where.type, init_scale=1024.0)
        scaler.scale(weight.square().sum()).backward()
        done, states = ["scale", "backward"], ["READY", "READY"]
        for call in calls:
            said = invoke(scaler, call, optimizer)
            done.append(call)
            states.append(state(scaler, optimizer))
            if said:
                return done, states, said
        return done, states, ""

    wrong, states, said = made(order.wrong, torch.float16 if order.half else torch.float32)
    right, right_states, right_said = made(order.right, torch.float32)
    model = "model = Net().half()\n" if order.half else ""
    return OrderMistake(
        mistake=Mistake(
            wrong=f"{model}scaler.scale(loss).backward()\n{_code(order.wrong)}",
            right=("model = Net()\n" if order.half else "")
            + f"scaler.scale(loss).backward()\n{_code(order.right)}",
            wrong_cost=(f"torch raises {said.split(':')[0]} at {wrong[-1]}, in state {states[-2]}.")
            if said
            else "torch takes it.",
            right_cost=f"torch raises {right_said}."
            if right_said
            else f"All {len(order.right)} calls pass: {', '.join(right_states[2:])}.",
            lesson=order.lesson,
            source=order.source,
        ),
        wrong_calls=tuple(wrong),
        wrong_states=tuple(states),
        right_calls=tuple(right),
        right_states=tuple(right_states),
        edge=Edge(states[-2], wrong[-1], states[-1], said),
        right_said=right_said,
    )


def _code(calls: Sequence[str]) -> str:
    return "\n".join(
        "scaler.update()" if call == "update" else f"scaler.{call}(optimizer)" for call in calls
    )


def _final(wrong: Tensor, right: Tensor) -> str:
    words = f"{float(wrong):.2g}", f"{float(right):.2g}"
    if words[0] == words[1]:
        return f"Final loss {words[0]}, as with the right line."
    return f"Final loss {words[0]}, not {words[1]}."


def question(*, device: str = "cpu") -> Question:
    """Ask what three bad batches of ten do to the scale and to the count of steps."""
    trace = run(steps=10, poisoned=(2, 5, 6), device=device)
    taken, end = int(trace.stepped.sum()), float(trace.scale[-1])
    answers = ((7, 8192.0), (10, 8192.0), (7, 65536.0), (7, 32768.0))
    options = tuple(f"{steps} steps, scale {scale:g}" for steps, scale in answers)
    return Question(
        "Ten batches, three with an infinite gradient, torch's defaults. How many steps are "
        "taken, and what becomes of the scale, 65536 at first?",
        options,
        f"{taken} steps, scale {end:g}",
        f"{taken} steps, scale {end:g}: each bad batch skips a step and halves the scale. "
        "Growing takes 2000 clean steps.",
    )
