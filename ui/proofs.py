"""Run a topic's checks and claims once per device and torch version, and remember them."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import streamlit as st
import torch

from explainers.evidence import Check, Claim
from explainers.parameters import Parameters
from ui import catalogue

Result = TypeVar("Result")


def of(slug: str, device: str) -> tuple[tuple[Check, ...], tuple[Claim, ...]]:
    """Return a topic's checks and its claims of the notes, run on this device by this torch."""
    return _run(slug, device, torch.__version__)


@st.cache_data(max_entries=64, show_spinner=False)
def _run(slug: str, device: str, torch_version: str) -> tuple[tuple[Check, ...], tuple[Claim, ...]]:
    topic = catalogue.page(slug).topic
    return topic.checks(device=device), topic.claims(device=device)


def remembered(run: Callable[..., Result], parameters: Parameters, device: str) -> Result:
    """Return what a longer run gives for these parameters, computed once per setting.

    Args:
        run: Takes parameters and ``device``.
        parameters: Its settings: frozen, and so the key of the memory.
        device: Where torch computes.
    """
    return cast(
        Result,
        _remember(
            f"{run.__module__}.{run.__name__} {parameters!r}",
            run,
            parameters,
            device,
            torch.__version__,
        ),
    )


@st.cache_resource(max_entries=32, show_spinner=False)
def _remember(
    what: str, _run: Callable[..., Any], _parameters: Parameters, device: str, torch_version: str
) -> Any:
    return _run(_parameters, device=device)
