"""Train one model in four ways: float32, float16 with and without a scaler, bfloat16."""

import dataclasses
import math
from collections.abc import Iterator, Mapping

import torch
from torch import Tensor

from explainers import devices
from explainers.parameters import Parameters, number
from explainers.precision.arguments import refused
from explainers.precision.problem import Problem

WAYS = (
    "float32",
    "float16, no scaler",
    "float16 with GradScaler",
    "bfloat16, no scaler",
)
"""The ways to train, as the reader sees them."""

_INIT_SCALE = 65536.0


@dataclasses.dataclass(frozen=True)
class Race(Parameters):
    """Hold how small a loss is, and how long it is trained on."""

    exponent: int = number(
        14,
        label="loss divisor, as a power of 2",
        help="The learning rate grows by as much.",
        minimum=0,
        maximum=16,
        step=1,
    )
    steps: int = number(
        200,
        label="steps",
        help="To train on.",
        minimum=20,
        maximum=400,
        step=20,
    )


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Lap:
    """Hold what the four ways have reached.

    Attributes:
        done: Steps taken.
        steps: Steps asked for.
        losses: By way, Tensor ``(done,)`` float64: the loss of each step's batch, undivided.
        zero_share: By way, the mean share of the gradient's elements that were 0.
        skipped: By way, how many steps the scaler skipped.
    """

    done: int
    steps: int
    losses: Mapping[str, Tensor]
    zero_share: Mapping[str, float]
    skipped: Mapping[str, int]

    @property
    def alike(self) -> tuple[str, ...]:
        """The ways whose every loss is float32's to within 5 %, float32 itself among them."""
        true = self.losses["float32"]
        return tuple(
            way for way, row in self.losses.items() if bool(((row / true - 1).abs() < 0.05).all())
        )


class _Runner:
    """One way to train."""

    def __init__(self, way: str, race: Race, where: torch.device) -> None:
        self._divisor = math.ldexp(1.0, race.exponent)
        self._where = where
        self._problem = Problem(steps=race.steps, seed=0, where=where)
        self._optimizer = torch.optim.SGD(self._problem.parameters, lr=0.1 * self._divisor)
        self._dtype = getattr(torch, way.split(",", maxsplit=1)[0].split(" ", maxsplit=1)[0])
        self._scaler = torch.amp.GradScaler(
            where.type, init_scale=_INIT_SCALE, enabled="GradScaler" in way
        )
        self.losses: list[float] = []
        self.zeros: list[float] = []
        self.skipped = 0

    def step(self, index: int) -> None:
        self._optimizer.zero_grad()
        with torch.autocast(
            self._where.type, dtype=self._dtype, enabled=self._dtype is not torch.float32
        ):
            loss = self._problem.loss(self._problem.forward(index), index)
        self._scaler.scale(loss / self._divisor).backward()
        self.zeros.append(float((self._problem.flat_gradients() == 0).double().mean()))
        scale = self._scaler.get_scale()
        self._scaler.step(self._optimizer)
        self._scaler.update()
        self.skipped += self._scaler.get_scale() < scale
        self.losses.append(float(loss.detach()))


def train(race: Race, *, chunk: int = 10, device: str = "cpu") -> Iterator[Lap]:
    """Train all four ways side by side, on the same weights and batches, and report.

    Args:
        race: How small the loss is, and for how long.
        chunk: Steps between two reports.
        device: Where torch computes.

    Raises:
        ValueError: `chunk` is below 1, or `device` is not there.
    """
    if not isinstance(chunk, int) or chunk < 1:
        raise refused("chunk", "a whole number above 0", chunk)
    where = devices.device(device)
    return _laps({way: _Runner(way, race, where) for way in WAYS}, race.steps, chunk)


def _laps(runners: Mapping[str, _Runner], steps: int, chunk: int) -> Iterator[Lap]:
    for index in range(steps):
        for runner in runners.values():
            runner.step(index)
        if (index + 1) % chunk == 0 or index + 1 == steps:
            yield Lap(
                done=index + 1,
                steps=steps,
                losses={
                    way: torch.tensor(runner.losses, dtype=torch.float64)
                    for way, runner in runners.items()
                },
                zero_share={way: sum(r.zeros) / len(r.zeros) for way, r in runners.items()},
                skipped={way: runner.skipped for way, runner in runners.items()},
            )
