"""Train one small classifier on unbalanced data under three losses."""

import dataclasses
import math
from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from explainers import devices
from explainers.losses.focal_loss.loss import binary_focal_loss
from explainers.parameters import Parameters, choice, number
from explainers.runs import Run, in_turn

LOSSES = ("BCE", "weighted BCE", "focal")
GRID = 48
"""Cells of a side of the map of probabilities."""

SIDE = 4.0
"""The map reaches from -SIDE to SIDE in both directions."""

NEGATIVES = 2000
"""Of the points to train on."""

_HIDDEN = 16
_TEST_NEGATIVES = 20_000
_BINS = 20
_FEWEST = 5


@dataclasses.dataclass(frozen=True)
class Training(Parameters):
    """Hold the data, the start and the length of a training."""

    imbalance: str = choice(
        "100",
        ("1", "10", "100", "400"),
        label="negatives per positive",
        help="Of 2,000 negatives: 100 leaves 20 positives.",
    )
    separation: float = number(
        3.0,
        label="separation",
        help="Between the classes, in standard deviations.",
        minimum=0.5,
        maximum=4.0,
        step=0.1,
    )
    bias: float = number(
        -4.6,
        label="prior bias",
        help="The last layer's, at first; 0 says one half.",
        minimum=-7.0,
        maximum=0.0,
        step=0.1,
    )
    steps: int = number(
        200, label="steps", help="Of Adam, on all data.", minimum=50, maximum=600, step=50
    )
    seed: int = number(0, label="seed", help="Of data and weights.", minimum=0, maximum=99, step=1)


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Data:
    """Hold points of two classes; what made them is known.

    Attributes:
        points: Tensor ``(n, 2)`` float32, positives first.
        labels: Tensor ``(n,)`` float32, 0 or 1.
        posterior: Tensor ``(n,)`` float32: the true probability of a positive at each point.
    """

    points: Tensor
    labels: Tensor
    posterior: Tensor


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Report:
    """Hold a training as far as it has come, on the CPU.

    Attributes:
        loss_name: One of `LOSSES`.
        steps: Number of steps asked for.
        done: Steps taken.
        probability: Tensor ``(GRID, GRID)`` float32: the model's output over the map, row 0 at the
            top, where the second coordinate is SIDE.
        recall: Tensor ``(m,)`` float64, rising from 0 to 1.
        precision: Tensor ``(m,)`` float64, on points that were not trained on.
        average_precision: Area under precision over recall.
        predicted: Tensor ``(bins,)`` float64: mean output of the points whose output lies in the
            same twentieth of 0 to 1; twentieths with fewer than five points are left out.
        observed: Tensor ``(bins,)`` float64: their mean true probability of a positive.
        recall_at_half: Share of the positives above a threshold of 0.5.
        precision_at_half: Share of positives among the points above it; NaN where there is none.
        calibration_error: Mean |output - true probability|.
    """

    loss_name: str
    steps: int
    done: int
    probability: Tensor
    recall: Tensor
    precision: Tensor
    average_precision: float
    predicted: Tensor
    observed: Tensor
    recall_at_half: float
    precision_at_half: float
    calibration_error: float

    @property
    def finished(self) -> bool:
        """Whether no step is left."""
        return self.done == self.steps


def blobs(negatives: int, parameters: Training, *, test: bool = False) -> Data:
    """Return two overlapping normal clouds, many negatives and few positives.

    Args:
        negatives: How many; the positives follow from the imbalance.
        parameters: Imbalance, separation and seed.
        test: Another draw than the one to train on.
    """
    ratio = int(parameters.imbalance)
    positives = negatives // ratio
    generator = torch.Generator().manual_seed(2 * parameters.seed + test)
    noise = torch.randn(positives + negatives, 2, generator=generator)
    labels = (torch.arange(positives + negatives) < positives).float()
    # Diagonal, so that no axis tells the classes apart.
    middle = parameters.separation / 2 / math.sqrt(2)
    points = noise + middle * (2 * labels - 1)[:, None]
    return Data(points, labels, _posterior(points, parameters))


def _posterior(points: Tensor, parameters: Training) -> Tensor:
    """Return the true probability of a positive: that of two normal clouds of known weight."""
    middle = parameters.separation / 2 / math.sqrt(2)
    return (2 * middle * points.sum(dim=1) - math.log(int(parameters.imbalance))).sigmoid()


def map_points() -> Tensor:
    """Return the middle of every cell of the map, ``(GRID * GRID, 2)``, row by row from the top."""
    side = (torch.arange(GRID) + 0.5) / GRID * 2 * SIDE - SIDE
    down, across = torch.meshgrid(-side, side, indexing="ij")
    return torch.stack([across.flatten(), down.flatten()], dim=1)


def train(
    parameters: Training,
    loss_name: str,
    *,
    gamma: float = 2.0,
    alpha: float | None = None,
    chunk: int = 20,
    device: str = "cpu",
) -> Iterator[Report]:
    """Train a small network with Adam on all data at each step, and report after every chunk.

    The same seed gives the same data and weights, whatever the loss. Losses are summed and divided
    by the positives. Stop by asking for no further report.

    Args:
        parameters: Data, start and length.
        loss_name: One of `LOSSES`; ``"weighted BCE"`` has the imbalance as its pos_weight.
        gamma: Of the focal loss.
        alpha: Of the focal loss.
        chunk: Steps between two reports.
        device: Where torch computes.

    Yields:
        The training so far; the last report has every step.

    Raises:
        ValueError: `loss_name` is none of `LOSSES`; `device` is not there.
    """
    where = devices.device(device)
    if loss_name not in LOSSES:
        raise ValueError(f"loss_name must be one of {', '.join(LOSSES)}, got {loss_name}")
    data = blobs(NEGATIVES, parameters)
    test = blobs(_TEST_NEGATIVES, parameters, test=True)
    points, labels = data.points.to(where), data.labels.to(where)
    generator = torch.Generator().manual_seed(parameters.seed)
    # Drawn here and not by nn.Linear, which would draw from the global generator.
    shapes = ((_HIDDEN, 2), (1, _HIDDEN))
    weights = [
        (torch.randn(shape, generator=generator) / math.sqrt(shape[1])).to(where)
        for shape in shapes
    ]
    # The last layer starts small: the first output is the prior's.
    weights[1] = weights[1] * 0.1
    biases = [torch.zeros(_HIDDEN), torch.full((1,), parameters.bias)]
    leaves = [part.to(where).requires_grad_() for part in (*weights, *biases)]
    optimizer = torch.optim.Adam(leaves, lr=0.03)
    ratio = float(parameters.imbalance)
    count = max(1.0, float(labels.sum()))

    def logits_of(at: Tensor) -> Tensor:
        hidden = torch.tanh(F.linear(at, leaves[0], leaves[2]))
        return F.linear(hidden, leaves[1], leaves[3])[:, 0]

    for step in range(1, parameters.steps + 1):
        logits = logits_of(points)
        if loss_name == "focal":
            loss = binary_focal_loss(logits, labels, gamma=gamma, alpha=alpha, reduction="sum")
        else:
            weight = logits.new_tensor(ratio if loss_name == "weighted BCE" else 1.0)
            loss = F.binary_cross_entropy_with_logits(
                logits, labels, pos_weight=weight, reduction="sum"
            )
        optimizer.zero_grad()
        (loss / count).backward()
        optimizer.step()
        if step % chunk == 0 or step == parameters.steps:
            with torch.no_grad():
                output = logits_of(test.points.to(where)).sigmoid().cpu()
                over_map = logits_of(map_points().to(where)).sigmoid().cpu()
            yield _report(loss_name, parameters.steps, step, output, over_map, test)


def compare(
    parameters: Training,
    *,
    gamma: float = 2.0,
    alpha: float | None = None,
    device: str = "cpu",
) -> Iterator[tuple[float, dict[str, Report]]]:
    """Train under one loss after the other.

    Args:
        parameters: As `train` takes them.
        gamma: Of focal loss.
        alpha: Of focal loss, or None.
        device: Where torch computes.

    Yields:
        How much of all steps is done, 0 to 1, and the newest report of each loss that has begun.
    """
    chunk = max(10, parameters.steps // 8)
    trainings = (
        train(parameters, name, gamma=gamma, alpha=alpha, chunk=chunk, device=device)
        for name in LOSSES
    )
    collected: list[Run[Report]] = [Run() for _ in LOSSES]
    for share, begun in in_turn(collected, trainings):
        yield share, {name: run.last for name, run in zip(LOSSES, begun, strict=False)}


def best(parameters: Training) -> Report:
    """Return the report of a model that knows the true probabilities.

    Args:
        parameters: Imbalance, separation and seed.
    """
    test = blobs(_TEST_NEGATIVES, parameters, test=True)
    over_map = _posterior(map_points(), parameters)
    return _report("true probabilities", 0, 0, test.posterior, over_map, test)


def _report(
    name: str, steps: int, done: int, output: Tensor, over_map: Tensor, test: Data
) -> Report:
    recall, precision = precision_recall(output, test.labels)
    bins = (output * _BINS).long().clamp(max=_BINS - 1)
    counts = bins.bincount(minlength=_BINS)
    filled = counts >= _FEWEST
    predicted, observed = (
        (torch.bincount(bins, part.double(), _BINS) / counts)[filled]
        for part in (output, test.posterior)
    )
    called, positive = output > 0.5, test.labels > 0.5
    hits = float((called & positive).sum())
    steps_of_recall = recall.diff(prepend=recall.new_zeros(1))
    return Report(
        loss_name=name,
        steps=steps,
        done=done,
        probability=over_map.reshape(GRID, GRID),
        recall=recall,
        precision=precision,
        average_precision=float((precision * steps_of_recall).sum()),
        predicted=predicted,
        observed=observed,
        recall_at_half=hits / float(positive.sum()),
        precision_at_half=hits / float(called.sum()) if called.any() else math.nan,
        calibration_error=float((output - test.posterior).abs().double().mean()),
    )


def precision_recall(output: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Return recall and precision at the threshold of every positive, from the highest down.

    Args:
        output: ``(n,)``: the higher, the more positive.
        labels: ``(n,)``: 0 or 1, at least one of them 1.

    Returns:
        Two tensors ``(positives,)`` float64; points of one output count together.
    """
    order = output.sort(descending=True, stable=True)
    hits = labels[order.indices].double().cumsum(0)
    taken = torch.arange(1, len(output) + 1, dtype=torch.float64)
    # A threshold takes all points of the same output, or none.
    last = torch.searchsorted(-order.values, -order.values, right=True) - 1
    positive = labels[order.indices] > 0.5
    ends = last[positive]
    return hits[ends] / hits[-1], hits[ends] / taken[ends]
