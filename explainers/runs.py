"""Collect the reports of trainings that run one after the other."""

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from typing import Generic, Protocol, TypeVar

import torch
from torch import Tensor


class Report(Protocol):
    """What a training says now and then: at least how far it has come."""

    @property
    def done(self) -> int:
        """Steps taken."""

    @property
    def steps(self) -> int:
        """Steps asked for."""


AnyReport = TypeVar("AnyReport", bound=Report)


@dataclasses.dataclass(slots=True, eq=False)
class Run(Generic[AnyReport]):
    """Collect the reports of one training, as they come."""

    reports: list[AnyReport] = dataclasses.field(default_factory=list, kw_only=True)

    @property
    def last(self) -> AnyReport:
        """The newest report."""
        return self.reports[-1]

    @property
    def done(self) -> Tensor:
        """Steps taken at each report, float64."""
        return self.row("done")

    def row(self, name: str) -> Tensor:
        """Return a number of each report, by its name, float64."""
        numbers = [float(getattr(report, name)) for report in self.reports]
        return torch.tensor(numbers, dtype=torch.float64)


AnyRun = TypeVar("AnyRun", bound=Run)  # type: ignore[type-arg]


def in_turn(
    runs: Sequence[AnyRun], trainings: Iterable[Iterable[Report]]
) -> Iterator[tuple[float, list[AnyRun]]]:
    """Go through trainings one after the other, report by report.

    Args:
        runs: Where the reports of each are collected.
        trainings: As many, each of which yields its reports.

    Yields:
        How much of all is done, 0 to 1, and the runs that have begun.
    """
    for index, (run, training) in enumerate(zip(runs, trainings, strict=True)):
        for report in training:
            run.reports.append(report)
            yield (index + report.done / report.steps) / len(runs), list(runs[: index + 1])
