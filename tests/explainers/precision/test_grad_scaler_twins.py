"""Every check of the GradScaler's page turns red when torch or a reference is wrong."""

import dataclasses
import importlib
import sys
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch.amp.grad_scaler import OptState

from explainers.evidence import Check, Verdict
from explainers.precision import float_formats
from explainers.precision import grad_scaler as gs
from explainers.precision.grad_scaler.loop import state as state_of
from tests.twins import (
    ClaimTwin,
    Twin,
    check_that_a_twin_is_seen,
    check_that_twins_cover,
    check_that_twins_cover_claims,
    check_that_verdicts_turn,
)

Patch = pytest.MonkeyPatch
# The package offers functions by the names of these modules.
topic_checks, topic_claims = (
    importlib.import_module(f"explainers.precision.grad_scaler.{name}")
    for name in ("checks", "claims")
)
Scaler = torch.amp.GradScaler
CLIPPED = gs.AmpRun(steps=40, clip=True, unscale_first=False, growth_interval=3)


def on_show() -> tuple[Check, ...]:
    """The checks of a run whose updates are near 1e-9."""
    return gs.view_checks(gs.explain(CLIPPED))


def kernel(change: Callable[..., Any]) -> Callable[[Patch], None]:
    return lambda patch: patch.setattr(torch, "_amp_update_scale_", change)


def late(true: Callable[..., Any]) -> Callable[..., Any]:
    """Grow one clean step too late."""
    return lambda scale, tracker, found, up, down, every: true(
        scale, tracker, found, up, down, every + 1
    )


def counts_on(true: Callable[..., Any]) -> Callable[..., Any]:
    """Leave the count as it is after a bad step."""

    def update(scale, tracker, found, up, down, every):
        kept = tracker.clone()
        true(scale, tracker, found, up, down, every)
        if found:
            tracker.copy_(kept)

    return update


def unscaled(patch: Patch) -> None:
    """Neither scale the loss nor unscale the gradients."""
    true = Scaler._unscale_grads_

    def unscale(self, optimizer, inverse, found, allow):
        return true(self, optimizer, torch.ones_like(inverse), found, allow)

    patch.setattr(Scaler, "_unscale_grads_", unscale)
    given = Scaler.scale

    def scale(self, loss):
        given(self, loss)  # for the scale that it makes
        return loss

    patch.setattr(Scaler, "scale", scale)


def wrong_inverse(patch: Patch) -> None:
    true = Scaler._unscale_grads_

    def unscale(self, optimizer, inverse, found, allow):
        return true(self, optimizer, inverse * 1.25, found, allow)

    patch.setattr(Scaler, "_unscale_grads_", unscale)


def steps_anyway(patch: Patch) -> None:
    def step(self, optimizer, state, *args, **kwargs):
        return optimizer.step(*args, **kwargs)

    patch.setattr(Scaler, "_maybe_opt_step", step)


def never_steps(patch: Patch) -> None:
    """Run the hooks of a step that moves nothing."""
    patch.setattr(sys.modules["torch.optim.sgd"], "sgd", lambda *args, **kwargs: None)


def weight_decays(patch: Patch) -> None:
    """Move weights at a skipped step."""

    def step(self, optimizer, state, *args, **kwargs):
        if any(bool(found) for found in state["found_inf_per_device"].values()):
            with torch.no_grad():
                for weight in optimizer.param_groups[0]["params"]:
                    weight.mul_(0.999)
            return None
        return optimizer.step(*args, **kwargs)

    patch.setattr(Scaler, "_maybe_opt_step", step)


def keeps_gradients_scaled(patch: Patch) -> None:
    """Let step forget to unscale where unscale_ was not called."""
    true = Scaler.step

    def step(self, optimizer, *args, **kwargs):
        if self.is_enabled() and state_of(self, optimizer) == "READY":
            self.unscale_(optimizer)
            with torch.no_grad():
                for weight in optimizer.param_groups[0]["params"]:
                    weight.grad.mul_(self.get_scale())
        return true(self, optimizer, *args, **kwargs)

    patch.setattr(Scaler, "step", step)


def allows_a_second_step(patch: Patch) -> None:
    true = Scaler.step

    def step(self, optimizer, *args, **kwargs):
        if self.is_enabled() and state_of(self, optimizer) == "STEPPED":
            return None
        return true(self, optimizer, *args, **kwargs)

    patch.setattr(Scaler, "step", step)


def forgets_the_count(patch: Patch) -> None:
    true = Scaler.state_dict
    patch.setattr(Scaler, "state_dict", lambda self: {**true(self), "_growth_tracker": 0})


def counts_twice(patch: Patch) -> None:
    true = topic_checks.histogram

    def histogram(*args):
        found = true(*args)
        return dataclasses.replace(found, counts=2 * found.counts)

    patch.setattr(topic_checks, "histogram", histogram)


def clips_to_twice_the_norm(patch: Patch) -> None:
    true = torch.nn.utils.clip_grad_norm_
    patch.setattr(
        torch.nn.utils, "clip_grad_norm_", lambda parameters, norm: true(parameters, 2 * norm)
    )


PATH = "The scale follows the rule, whichever"
KERNEL = "From near 2**128 down to 0"
TRACKER = "The growth tracker counts"
SKIPS = "Only poisoned steps are skipped"
POWERS = "In float32, scaling by powers of two"
ROUNDING = ("In float16, unscaled", "In bfloat16, unscaled")
ADDED = "4 scaled micro-batches"
CLIPS = "Clipped after unscale_, SGD moves"

TWINS = [
    Twin("growing a step late", (PATH, KERNEL), kernel(late(torch._amp_update_scale_))),
    Twin("a count that a bad step leaves", (TRACKER,), kernel(counts_on(torch._amp_update_scale_))),
    Twin("steps taken whatever was found", (SKIPS, "Of two optimizers"), steps_anyway),
    Twin("weights that shrink at a skipped step", (SKIPS,), weight_decays),
    Twin("no scaling at all", (POWERS, *ROUNDING, ADDED), unscaled),
    Twin(
        "an inverse a quarter too large",
        (POWERS, *ROUNDING, ADDED, CLIPS, "In float32, 20 steps"),
        wrong_inverse,
    ),
    Twin("SGD that moves nothing", (CLIPS, SKIPS), never_steps),
    Twin("clipping at twice the norm", (CLIPS,), clips_to_twice_the_norm),
    Twin("a second step that passes", ("Three states, three calls",), allows_a_second_step),
    Twin("step that does not unscale", ("step unscales by itself",), keeps_gradients_scaled),
    Twin("a saved scaler without its count", ("A scaler saved",), forgets_the_count),
    Twin("gradients counted twice", ("The histogram counts",), counts_twice),
]

SHOWN = [
    Twin(
        "growing a step late",
        ("The scale follows the rule",),
        kernel(late(torch._amp_update_scale_)),
    ),
    Twin(
        "steps taken whatever was found",
        ("A step is skipped where",),
        steps_anyway,
    ),
    Twin("weights that shrink at a skipped step", ("A skipped step moves",), weight_decays),
    Twin("SGD that moves nothing", ("A step moves the weights",), never_steps),
    Twin("an inverse a quarter too large", ("A step moves the weights",), wrong_inverse),
    Twin("clipping at twice the norm", ("A step moves the weights",), clips_to_twice_the_norm),
]


def test_every_check_has_a_wrong_twin() -> None:
    check_that_twins_cover(gs.checks, TWINS)
    check_that_twins_cover(on_show, SHOWN)


@pytest.mark.parametrize("twin", TWINS, ids=lambda twin: twin.name)
def test_a_wrong_twin_is_seen(twin: Twin, monkeypatch: Patch) -> None:
    check_that_a_twin_is_seen(gs.checks, twin, monkeypatch)


@pytest.mark.parametrize("twin", SHOWN, ids=lambda twin: twin.name)
def test_a_wrong_twin_is_seen_in_the_run_on_show(twin: Twin, monkeypatch: Patch) -> None:
    check_that_a_twin_is_seen(on_show, twin, monkeypatch)


def wide_products(patch: Patch) -> None:
    true = torch.Tensor.__matmul__
    patch.setattr(torch.Tensor, "__matmul__", lambda a, b: true(a.float(), b.float()))


def bfloat16s_range(patch: Patch) -> None:
    true = float_formats.representable
    patch.setattr(float_formats, "representable", lambda values, _: true(values, "bfloat16"))


def unscales_again(patch: Patch) -> None:
    """Let step unscale, whatever unscale_ has done."""
    true = Scaler.step

    def step(self, optimizer, *args, **kwargs):
        if state_of(self, optimizer) == "UNSCALED":
            self._per_optimizer_states[id(optimizer)]["stage"] = OptState.READY
        return true(self, optimizer, *args, **kwargs)

    patch.setattr(Scaler, "step", step)


def scale_grows(patch: Patch) -> None:
    """Grow at every call of scale, as if update were called."""
    true = Scaler.scale

    def scale(self, loss):
        scaled = true(self, loss)
        self._scale = 2 * self._scale
        return scaled

    patch.setattr(Scaler, "scale", scale)


def mean_gradients(patch: Patch) -> None:
    """Give a weight the mean of its gradients over the batch."""
    true = torch.nn.functional.linear

    def linear(inputs, weight, bias=None):
        part = weight / len(inputs)
        return true(inputs, part + (weight - part).detach(), bias)

    patch.setattr(torch.nn.functional, "linear", linear)


CLAIM_TWINS = [
    ClaimTwin(
        "an inverse a quarter too large",
        {"The GradScaler scales the loss": Verdict.WRONG},
        wrong_inverse,
    ),
    ClaimTwin(
        "steps taken whatever was found",
        {
            "scaler.step checks for inf": Verdict.WRONG,
            "What changes gradients": Verdict.WRONG,
        },
        steps_anyway,
    ),
    ClaimTwin(
        "growing a step late",
        {"If growth_interval steps": Verdict.WRONG},
        kernel(late(torch._amp_update_scale_)),
    ),
    ClaimTwin(
        "float16 with bfloat16's range",
        {"The scale should be large": Verdict.WRONG},
        bfloat16s_range,
    ),
    ClaimTwin(
        "no scaling at all",
        {
            "Gradients from scaler.scale": Verdict.WRONG,
            "Parameters of another optimizer": Verdict.WRONG,
            "While gradients are accumulated": Verdict.WRONG,
        },
        unscaled,
    ),
    ClaimTwin(
        "step unscales again after unscale_",
        {"After unscale_, scaler.step": Verdict.WRONG},
        unscales_again,
    ),
    ClaimTwin(
        "a scale that grows with every loss",
        {"Accumulating loss / iters": Verdict.WRONG},
        scale_grows,
    ),
    ClaimTwin(
        "weights' gradients are means over the batch",
        {"Gradients of activations": Verdict.WRONG},
        mean_gradients,
    ),
    ClaimTwin(
        "float16 products come out in float32",
        {"Check whether the GPU": Verdict.HOLDS},
        wide_products,
    ),
]


def test_every_statement_of_the_notes_has_a_wrong_twin() -> None:
    check_that_twins_cover_claims(topic_claims, CLAIM_TWINS)


@pytest.mark.parametrize("twin", CLAIM_TWINS, ids=lambda twin: twin.name)
def test_a_verdict_turns_with_its_twin(twin: ClaimTwin, monkeypatch: Patch) -> None:
    check_that_verdicts_turn(topic_claims, twin, monkeypatch)
