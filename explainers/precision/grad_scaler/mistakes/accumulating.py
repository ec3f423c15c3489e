"""Mistakes about a scale that changes while gradients are summed."""

import dataclasses
import math

import torch
from torch import Tensor

from explainers import devices
from explainers.evidence import CurveMistake, Mistake, recorded_warnings
from explainers.parameters import Parameters, choice, number
from explainers.precision.grad_scaler.mistakes import saying
from explainers.precision.problem import Problem

_EXAMPLES = "https://docs.pytorch.org/docs/stable/notes/amp_examples.html"
_INIT_SCALE = 65536.0


@dataclasses.dataclass(frozen=True)
class Rescaled(Parameters):
    """Hold an accumulation over micro-batches in whose middle the scale changes."""

    way: str = choice(
        "update",
        ("update", "unscale_"),
        label="midway",
        help="Either spoils the sum; a scale times 1 does not.",
        words=("the scale changes", "unscale_ is called"),
    )
    micro_batches: int = number(
        4,
        label="micro-batches",
        help="Batches a step.",
        minimum=2,
        maximum=8,
        step=1,
    )
    after: int = number(
        2,
        label="after micro-batch",
        help="From 1; never after the last.",
        minimum=1,
        maximum=7,
        step=1,
    )
    factor: int = number(
        2,
        label="scale times 2ⁿ, n",
        help="Used where the scale changes.",
        minimum=-8,
        maximum=8,
        step=1,
    )


def rescaled(parameters: Rescaled, *, device: str = "cpu") -> CurveMistake:
    """Change the scale, or unscale, in the middle of an accumulation, and measure the gradient.

    Args:
        parameters: What happens, and when.
        device: Where torch computes.

    Returns:
        `wrong` and `right` are the gradients that the optimizer is given, weight by weight;
        `others` has those of one large batch in float32.
    """
    count = parameters.micro_batches
    after = min(parameters.after, count - 1)
    where = devices.device(device)

    def accumulated(break_in: bool) -> tuple[Tensor, str]:
        problem = Problem(steps=count, seed=0, where=where)
        optimizer = torch.optim.SGD(problem.parameters, lr=0.1)
        scaler = torch.amp.GradScaler(where.type, init_scale=_INIT_SCALE)
        with recorded_warnings() as caught:
            for index in range(count):
                with torch.autocast(where.type, dtype=torch.float16):
                    loss = problem.loss(problem.forward(index), index) / count
                scaler.scale(loss).backward()
                if break_in and index + 1 == after:
                    if parameters.way == "update":
                        scaler.update(math.ldexp(_INIT_SCALE, parameters.factor))
                    else:
                        scaler.unscale_(optimizer)
            scaler.step(optimizer)
        said = str(caught[0].message) if caught else ""
        return problem.flat_gradients().cpu().double(), said

    whole = Problem(steps=count, seed=0, where=where)
    losses = [whole.loss(whole.forward(index), index) for index in range(count)]
    torch.stack(losses).mean().backward()
    true = whole.flat_gradients().cpu().double()
    (wrong, said), (right, _) = accumulated(True), accumulated(False)
    off, fine = (float((each - true).norm() / true.norm()) for each in (wrong, right))
    new_scale = math.ldexp(_INIT_SCALE, parameters.factor)
    broken = (
        f"    if i == {after}:\n        scaler.update({new_scale:.9g})"
        if parameters.way == "update"
        else f"    if i == {after}:\n        scaler.unscale_(optimizer)"
    )
    start = f"for i in range(1, {count + 1}):\n    scaler.scale(loss(i) / {count}).backward()"
    return CurveMistake(
        mistake=Mistake(
            wrong=f"{start}\n{broken}\nscaler.step(optimizer)\nscaler.update()",
            right=f"{start}\nscaler.step(optimizer)\nscaler.update()",
            wrong_cost=f"The gradient's error is {saying.times(off)} times its true length. "
            f"{saying.warned(said)}.",
            right_cost=f"The gradient's error is {saying.times(fine)} times its length: float16's "
            "rounding.",
            lesson="A sum of gradients under two scales cannot be unscaled. Keep the scale; "
            "unscale once, after the last micro-batch.",
            source=(
                "torch docs: Gradient accumulation",
                f"{_EXAMPLES}#gradient-accumulation",
            ),
        ),
        shows="the optimizer's gradient",
        over="weight",
        wrong=wrong,
        right=right,
        look=int(true.abs().argmax()),
        said=said,
        others={"one batch in float32": true},
    )
