"""Run the mistakes people make with autocast, and what each costs."""

from explainers.precision.autocast.mistakes.borders import (
    BackwardInside,
    Border,
    HalfModel,
    LossOutside,
    Mismatch,
    OtherDevice,
    backward_inside,
    border,
    half_model,
    loss_outside,
    mismatch,
    other_device,
    question,
)
from explainers.precision.autocast.mistakes.flows import FlowMistake, Line
from explainers.precision.autocast.mistakes.operations import (
    InPlace,
    Logits,
    OwnFunction,
    OwnNorm,
    in_place,
    own_function,
    own_norm,
    sigmoid_first,
)

__all__ = [
    "BackwardInside",
    "Border",
    "FlowMistake",
    "HalfModel",
    "InPlace",
    "Line",
    "Logits",
    "LossOutside",
    "Mismatch",
    "OtherDevice",
    "OwnFunction",
    "OwnNorm",
    "backward_inside",
    "border",
    "half_model",
    "in_place",
    "loss_outside",
    "mismatch",
    "other_device",
    "own_function",
    "own_norm",
    "question",
    "sigmoid_first",
]
