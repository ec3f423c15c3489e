"""Find the mistakes that a topic's page lets one make, and the settings to make them at."""

import dataclasses
import importlib
import inspect
import typing
from collections.abc import Callable
from typing import Any

from explainers.parameters import Choice, Flag, Parameters


def lessons_of(slug: str) -> dict[str, tuple[Callable[..., Any], type[Parameters]]]:
    """Return by name what runs each of a topic's mistakes, and the class of its parameters."""
    module = importlib.import_module(f"explainers.{slug}.mistakes")
    return {
        name: (run, typing.get_type_hints(run)["parameters"])
        for name, run in inspect.getmembers(module, inspect.isfunction)
        if run.__module__ == module.__name__ and "parameters" in inspect.signature(run).parameters
    }


def corners(kind: type[Parameters]) -> list[Any]:
    """Return every option, and the least and the most of every number, one change at a time."""
    found = [kind()]
    for name, spec in kind.specs().items():
        if isinstance(spec, Flag):
            ends: tuple[Any, ...] = (True, False)
        else:
            ends = spec.options if isinstance(spec, Choice) else (spec.minimum, spec.maximum)
        found += [dataclasses.replace(found[0], **{name: end}) for end in ends]
    return found
