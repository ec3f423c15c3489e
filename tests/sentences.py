"""Draw legal settings at random: what a page says must hold over the range of its controls."""

import math
import os
from typing import Any, TypeVar

from hypothesis import strategies as st

from explainers.parameters import Choice, Flag, Number, Numbers, Parameters, Spec, Text

EXAMPLES = int(os.environ.get("TORCH_LOUPE_SENTENCES", "200"))
"""Settings that each test of a page's sentences draws; thousands behind this switch."""

Settings = TypeVar("Settings", bound=Parameters)


def legal(kind: type[Settings], **texts: st.SearchStrategy[Any]) -> st.SearchStrategy[Settings]:
    """Return settings of a page, each control anywhere in its range.

    Args:
        kind: The page's parameters.
        texts: By name of a parameter, what it is drawn from instead; a `Text` left out keeps its
            default.
    """
    fields = {
        name: texts.get(name, values(spec, kind.defaults()[name]))
        for name, spec in kind.specs().items()
    }
    return st.builds(kind, **fields)


def values(spec: Spec, default: Any) -> st.SearchStrategy[Any]:
    """Return the legal values of one parameter."""
    match spec:
        case Number(integer=True, log=True):
            powers = st.floats(math.log10(max(spec.minimum, 1)), math.log10(spec.maximum))
            return powers.map(
                lambda power: min(max(round(10**power), int(spec.minimum)), int(spec.maximum))
            )
        case Number(log=True):
            stops = spec.stops()
            low, high = (math.log10(max(bound, stops[1])) for bound in (spec.minimum, spec.maximum))
            powers = st.floats(low, high).map(lambda power: min(10**power, spec.maximum))
            return st.sampled_from(stops) | powers
        case Number(integer=True):
            return st.integers(int(spec.minimum), int(spec.maximum))
        case Number():
            # What a slider gives, and what an address may.
            steps = int((spec.maximum - spec.minimum) / spec.step)
            on_slider = st.integers(0, steps).map(
                lambda n: min(spec.minimum + n * spec.step, spec.maximum)
            )
            return on_slider | st.floats(spec.minimum, spec.maximum)
        case Choice():
            return st.sampled_from(spec.options)
        case Flag():
            return st.booleans()
        case Numbers():
            return _tables(spec)
        case Text():
            return st.just(default)


def _tables(spec: Numbers) -> st.SearchStrategy[str]:
    whole = st.integers(math.ceil(spec.minimum), math.floor(spec.maximum))
    # Whole numbers too where others may stand: people type them.
    number = whole if spec.integer else st.floats(spec.minimum, spec.maximum) | whole

    def spelled(table: list[list[float]]) -> str:
        return "; ".join(", ".join(map(repr, row)) for row in table)

    return st.tuples(st.integers(*spec.rows), st.integers(*spec.columns)).flatmap(
        lambda shape: st.lists(
            st.lists(number, min_size=shape[1], max_size=shape[1]),
            min_size=shape[0],
            max_size=shape[0],
        ).map(spelled)
    )
