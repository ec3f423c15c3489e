"""Train one small network from each initialiser, on the same data and batches."""

import dataclasses
import math
from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from explainers import devices, runs
from explainers.initialization.initialization import schemes, theory
from explainers.initialization.initialization.calls import Call
from explainers.initialization.initialization.propagation import normed, own_bias
from explainers.initialization.initialization.schemes import SCHEMES
from explainers.initialization.initialization.view import Initialization
from explainers.optimizers.schedulers import spirals
from explainers.parameters import Number

HIDDEN = 32
STEPS = 300
_BATCH = 32
_RATE = 0.02
_DEEPEST = 12
_DEPTH = Number("depth", "Hidden layers.", 1, 20, 1, integer=True)


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Progress:
    """Hold a training as far as it has come.

    Attributes:
        steps: Number of steps asked for.
        done: Steps taken.
        loss: Binary cross-entropy over all points now; NaN once it is beyond float32.
        accuracy: Share of all points on the right side now, 0 to 1.
    """

    steps: int
    done: int
    loss: float
    accuracy: float


@dataclasses.dataclass(slots=True, eq=False)
class Run(runs.Run[Progress]):
    """Collect the reports of one training, as they come."""

    @property
    def loss(self) -> Tensor:
        """Loss at each report, float64."""
        return self.row("loss")


def train(
    entry: Call,
    nonlinearity: str,
    *,
    depth: int,
    a: float = 0.01,
    norm: str = "none",
    residual: bool = False,
    bias: bool = False,
    steps: int = STEPS,
    seed: int = 0,
    chunk: int = 10,
    device: str = "cpu",
) -> Iterator[Progress]:
    """Train a stack of layers of 32 units to part two spirals, and report after every chunk.

    Plain SGD with momentum 0.9. The first layer and the last are kaiming's for every scheme, as
    their shapes differ; the hidden ones between are the scheme's. Stop by asking for no more.

    Args:
        entry: The scheme of the hidden layers.
        nonlinearity: One of `NONLINEARITIES`.
        depth: Hidden layers, 1 to 20.
        a: Slope of leaky_relu below zero.
        norm: ``"none"``, ``"batch"`` or ``"layer"``.
        residual: Whether each hidden layer adds to what it reads.
        bias: Whether the hidden layers' biases start as nn.Linear draws them; else at 0.
        steps: Steps of the optimizer.
        seed: Of data, weights and batches.
        chunk: Steps between two reports.
        device: Where torch computes.

    Yields:
        The run so far; the last after every step, or where the loss is no number any more.

    Raises:
        ValueError: `depth` is out of bounds, the scheme does not fill linear layers, or `device` is
            not there. Raised when the first report is asked for.
    """
    try:
        _DEPTH.check(depth)
    except ValueError as error:
        raise ValueError(f"depth must be {error}") from None
    where = devices.device(device)
    if SCHEMES[entry.scheme].least_dimensions > 2:
        raise ValueError(f"scheme must be one for linear layers, got {entry.scheme}")
    points, labels = (part.to(where) for part in spirals(seed=seed))
    generator = torch.Generator().manual_seed(seed)
    order = torch.randint(len(points), (steps, _BATCH), generator=generator).to(where)
    first = schemes.fill(
        torch.empty(HIDDEN, 2), "kaiming_normal", nonlinearity="relu", generator=generator
    )
    last = schemes.fill(torch.empty(1, HIDDEN), "kaiming_normal", generator=generator)
    hidden = [
        schemes.fill(
            torch.empty(HIDDEN, HIDDEN),
            entry.scheme,
            nonlinearity=nonlinearity,
            a=a,
            generator=generator,
            **entry.arguments,
        )
        for _ in range(depth)
    ]
    weights = [part.to(where).requires_grad_() for part in (first, *hidden, last)]
    biases = [torch.zeros(len(part), device=where, requires_grad=True) for part in weights]
    if bias:
        with torch.no_grad():
            for weight, part in zip(hidden, biases[1:-1], strict=True):
                part.copy_(own_bias(weight, HIDDEN, generator))
    optimizer = torch.optim.SGD([*weights, *biases], lr=_RATE, momentum=0.9)

    def logits(x: Tensor) -> Tensor:
        h = torch.tanh(F.linear(x, weights[0], biases[0]))
        for weight, added in zip(weights[1:-1], biases[1:-1], strict=True):
            y = theory.apply(nonlinearity, normed(norm, F.linear(h, weight, added)), a)
            h = h + y if residual else y
        return F.linear(h, weights[-1], biases[-1])

    def report(done: int) -> Progress:
        with torch.no_grad():
            found = logits(points)
            loss = float(F.binary_cross_entropy_with_logits(found, labels))
            right = float(((found > 0) == (labels > 0.5)).float().mean())
        return Progress(steps, done, loss if math.isfinite(loss) else math.nan, right)

    yield report(0)
    for step in range(steps):
        batch = order[step]
        loss = F.binary_cross_entropy_with_logits(logits(points[batch]), labels[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if (step + 1) % chunk == 0 or step + 1 == steps:
            now = report(step + 1)
            yield now
            if math.isnan(now.loss):
                return


def train_as(parameters: Initialization, entry: Call, *, device: str = "cpu") -> Iterator[Progress]:
    """Train under the page's settings: their nonlinearity, norm, bias and seed, at most 12 layers.

    Args:
        parameters: The settings of the page.
        entry: The scheme of the hidden layers.
        device: Where torch computes.

    Yields:
        As `train`.
    """
    yield from train(
        entry,
        parameters.nonlinearity,
        depth=min(parameters.depth, _DEEPEST),
        a=parameters.a,
        norm=parameters.norm,
        residual=parameters.residual,
        bias=parameters.bias,
        seed=parameters.seed,
        device=device,
    )
