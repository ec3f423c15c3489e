"""Find the mistakes that a topic's page lets one make, and the settings to make them at."""

import dataclasses
import importlib
import inspect
import typing
from collections.abc import Callable
from typing import Any

import torch

from explainers.evidence import CurveMistake
from explainers.parameters import Choice, Flag, Numbers, Parameters
from figures.curves import Curves
from ui import catalogue


def lessons_of(slug: str) -> dict[str, tuple[Callable[..., Any], type[Parameters]]]:
    """Return by name what runs each of a topic's mistakes, and the class of its parameters."""
    module = importlib.import_module(f"{catalogue.page(slug).topic.__name__}.mistakes")
    found = {
        name: (run, typing.get_type_hints(run)["parameters"])
        for name, run in inspect.getmembers(module, inspect.isfunction)
        # A package offers what its modules hold.
        if run.__module__.startswith(module.__name__)
        and "parameters" in inspect.signature(run).parameters
    }
    assert found, f"{module.__name__} has no mistake"
    return found


def corners(kind: type[Parameters]) -> list[Any]:
    """Return every option, and the least and the most of every number, one change at a time."""
    found = [kind()]
    for name, spec in kind.specs().items():
        if isinstance(spec, Flag):
            ends: tuple[Any, ...] = (True, False)
        elif isinstance(spec, Numbers):
            ends = tuple(
                "; ".join([", ".join([f"{end:g}"] * columns)] * rows)
                for end, rows, columns in (
                    (spec.minimum, spec.rows[0], spec.columns[0]),
                    (spec.maximum, spec.rows[1], spec.columns[1]),
                )
            )
        else:
            ends = spec.options if isinstance(spec, Choice) else (spec.minimum, spec.maximum)
        found += [dataclasses.replace(found[0], **{name: end}) for end in ends]
    return found


def assert_both_lines(
    drawn: Curves, result: CurveMistake, *, wrong: bool, least: float = 0
) -> None:
    """Assert that the right line comes first whichever runs, and that the one that runs is thick.

    Args:
        drawn: The chart of the result.
        result: What both lines of code gave.
        wrong: Whether the wrong line runs.
        least: Of what a logarithmic axis draws.
    """
    first, second, *others = drawn.lines
    assert ("right" in first.name, "wrong" in second.name) == (True, True)
    assert (first.strong, second.strong) == (not wrong, wrong)
    assert [line.name for line in others] == list(result.others)
    for line, row in ((first, result.right), (second, result.wrong)):
        kept = row.clamp(min=least) if result.log and least else row
        seen = kept.abs() < 1e38
        assert torch.equal(line.y[seen], kept[seen])
        assert not line.y[~seen].isfinite().any()
