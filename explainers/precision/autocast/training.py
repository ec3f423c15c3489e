"""Time and weigh training in float32 and under autocast, on this device."""

import dataclasses
import statistics
import time
from collections.abc import Iterator, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from explainers import devices
from explainers.parameters import Parameters, number, shown
from explainers.precision.formats import FORMATS


@dataclasses.dataclass(frozen=True)
class Cost(Parameters):
    """Hold the size of the network whose steps are timed."""

    width: int = number(
        128,
        label="width",
        help="In each of three hidden layers.",
        minimum=16,
        maximum=512,
        step=16,
    )
    batch: int = number(
        256,
        label="batch",
        help="Samples a step.",
        minimum=8,
        maximum=512,
        step=8,
    )
    repeats: int = number(
        15,
        label="steps timed",
        help="After three to warm up.",
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


class Trainee:
    """Hold a small network with its optimizer, in one precision."""

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
        """Take one step of training, and keep its time where it counts."""
        cuda = self.where.type == "cuda"
        if cuda:
            torch.cuda.reset_peak_memory_stats(self.where)
        scale = self.scaler.get_scale()
        settle(self.where)
        start = time.perf_counter()
        self.optimizer.zero_grad()
        loss = self._forward()
        self.scaler.scale(loss).backward()
        self.scaler.step(self.optimizer)
        self.scaler.update()
        settle(self.where)
        if timed:
            self.times.append(time.perf_counter() - start)
        self.loss = float(loss.detach())
        self.skipped += self.scaler.get_scale() < scale
        if cuda:
            self.peak = torch.cuda.max_memory_allocated(self.where)


def settle(where: torch.device) -> None:
    """Wait until the device has done what it was asked to."""
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
    trainees = [Trainee(name, parameters, where) for name in _modes(where)]
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


def _progress(done: int, repeats: int, trainees: Sequence[Trainee], *, cut: bool) -> CostProgress:
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
