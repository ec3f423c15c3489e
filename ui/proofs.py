"""Run a topic's proof once per device and torch version, and remember it."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import streamlit as st
import torch

from explainers.evidence import Agreement, Check, Claim
from explainers.parameters import Parameters
from ui import catalogue

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Proof:
    """Hold what a topic proves: its checks, its claims of the notes, and libraries compared."""

    checks: tuple[Check, ...]
    claims: tuple[Claim, ...]
    agreements: tuple[Agreement, ...]


def of(slug: str, device: str) -> Proof:
    """Return what a topic proves, run on this device by this torch."""
    key = slug, device, torch.__version__
    proof = _run(*key)
    # A busy machine may end a run; of that one nothing is known, and the next may know.
    if any(math.isinf(check.error) for check in proof.checks):
        _run.clear(*key)
    return proof


@st.cache_data(max_entries=64, show_spinner=False)
def _run(slug: str, device: str, torch_version: str) -> Proof:
    topic = catalogue.page(slug).topic
    agreements = topic.agreements(device=device) if hasattr(topic, "agreements") else ()
    return Proof(topic.checks(device=device), topic.claims(device=device), agreements)


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
