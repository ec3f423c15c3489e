"""Try every call in every state of torch's GradScaler, and see which it allows."""

import dataclasses

import torch

from explainers import devices
from explainers.precision.grad_scaler.loop import state

STATES = ("READY", "UNSCALED", "STEPPED")
CALLS = ("unscale_", "step", "update")
# How to come from READY to each state.
_WAY = {"READY": (), "UNSCALED": ("unscale_",), "STEPPED": ("step",)}


@dataclasses.dataclass(frozen=True, slots=True)
class Edge:
    """Hold what a call does in a state.

    Attributes:
        state: Where the scaler is: READY, UNSCALED or STEPPED.
        call: What is called: unscale_, step or update.
        then: Where the scaler is after it; the same state where torch raised.
        said: What torch raised, or "" where it allows the call.
    """

    state: str
    call: str
    then: str
    said: str

    @property
    def legal(self) -> bool:
        """Whether torch allows the call."""
        return not self.said


def machine(*, device: str = "cpu") -> tuple[Edge, ...]:
    """Make every call in every state on scalers of torch, and return what each did.

    Args:
        device: Where torch computes.

    Raises:
        ValueError: `device` is not there.
    """
    where = devices.device(device)
    return tuple(_tried(before, call, where) for before in STATES for call in CALLS)


def _tried(before: str, call: str, where: torch.device) -> Edge:
    weight = torch.zeros(1, device=where, requires_grad=True)
    optimizer = torch.optim.SGD([weight], lr=0.1)
    scaler = torch.amp.GradScaler(where.type)
    scaler.scale((3 * weight).sum()).backward()
    for each in _WAY[before]:
        invoke(scaler, each, optimizer)
    said = invoke(scaler, call, optimizer)
    return Edge(before, call, state(scaler, optimizer), said)


def invoke(scaler: torch.amp.GradScaler, call: str, optimizer: torch.optim.Optimizer) -> str:
    """Call a scaler's method, and return the error it raised in words, or ""."""
    try:
        if call == "update":
            scaler.update()
        else:
            getattr(scaler, call)(optimizer)
    except (RuntimeError, ValueError, AssertionError) as error:
        return f"{type(error).__name__}: {str(error).splitlines()[0]}"
    return ""
