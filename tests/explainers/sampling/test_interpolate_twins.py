"""Each check of interpolate fails when torch or the reference errs in one small way."""

import dataclasses
import functools
import importlib
import inspect
from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from explainers.evidence import Check, Kind, Verdict
from explainers.linkage import Linkage
from explainers.sampling import interpolate as ip
from explainers.sampling.interpolate import kernels
from tests.twins import (
    ClaimTwin,
    Twin,
    check_that_a_twin_is_seen,
    check_that_twins_cover,
    check_that_twins_cover_claims,
    check_that_verdicts_turn,
)

PLAIN = F.interpolate
VIEW, CLAIMS = (
    importlib.import_module(f"explainers.sampling.interpolate.{name}")
    for name in ("view", "claims")
)
Arguments = dict[str, Any]


def calling(change: Callable[[Arguments], None]) -> Callable[[pytest.MonkeyPatch], None]:
    """Let torch resize with other arguments than it was given."""

    @functools.wraps(PLAIN)
    def resized(*given: Any, **call: Any) -> Tensor:
        bound = inspect.signature(PLAIN).bind(*given, **call)
        bound.apply_defaults()
        change(bound.arguments)
        return PLAIN(**bound.arguments)

    return lambda patch: patch.setattr(F, "interpolate", resized)


def giving(change: Callable[[Tensor], Tensor]) -> Callable[[pytest.MonkeyPatch], None]:
    """Let torch give other values than it made."""
    return lambda patch: patch.setattr(
        F, "interpolate", lambda *given, **call: change(PLAIN(*given, **call))
    )


def renamed(one: str, other: str) -> Callable[[pytest.MonkeyPatch], None]:
    def change(call: Arguments) -> None:
        call["mode"] = other if call["mode"] == one else call["mode"]

    return calling(change)


def without_corners(call: Arguments) -> None:
    if call["align_corners"]:
        call["align_corners"] = False


def recomputed(call: Arguments) -> None:
    if call["scale_factor"] is not None:
        call["recompute_scale_factor"] = True


def unsmoothed_cubic(call: Arguments) -> None:
    if call["mode"] == "bicubic":
        call["antialias"] = False


def aligned_depth(call: Arguments) -> None:
    if call["mode"] == "trilinear":
        call["align_corners"] = True


def upsample_recomputes(patch: pytest.MonkeyPatch) -> None:
    def forward(self: nn.Upsample, image: Tensor) -> Tensor:
        again = True if self.scale_factor is not None else None
        return PLAIN(image, self.size, self.scale_factor, self.mode, None, again)

    patch.setattr(nn.Upsample, "forward", forward)


def swapped_slopes(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(kernels, "cubic_a", lambda *, antialias: -0.75 if antialias else -0.5)


TWINS = [
    Twin(
        "nearest reads under the centre",
        (
            "nearest and nearest-exact turn a ramp",
            "So do all three",
            "Every mode",
            "nearest takes cv2.INTER_NEAREST's pixel",
        ),
        renamed("nearest", "nearest-exact"),
    ),
    Twin(
        "nearest-exact reads under the left edge",
        ("nearest and nearest-exact turn a ramp", "So do all three", "Every mode"),
        renamed("nearest-exact", "nearest"),
    ),
    Twin(
        "align_corners is passed over",
        ("So does linear", "Every mode", "Resizing samples"),
        calling(without_corners),
    ),
    Twin("every factor is recomputed", ("So do all three", "Every mode"), calling(recomputed)),
    Twin(
        "the cubic kernels' slopes are swapped",
        (
            "bicubic (a = -0.75)",
            "A single 1 spreads",
            "With antialias: linear",
            "Every mode",
            "On uint8 bicubic",
        ),
        swapped_slopes,
    ),
    Twin(
        "bicubic passes over antialias",
        (
            "So does bicubic with antialias",
            "With antialias: linear",
            "Every mode",
            "bilinear, bicubic and lanczos with antialias equal PIL",
            "uint8 with antialias",
        ),
        calling(unsmoothed_cubic),
    ),
    Twin(
        "bicubic is bilinear",
        (
            "bilinear and bicubic without antialias equal OpenCV",
            "Resizing samples",
            "A single 1 spreads",
        ),
        renamed("bicubic", "bilinear"),
    ),
    Twin("trilinear aligns corners", ("trilinear is linear",), calling(aligned_depth)),
    Twin("area picks one value", ("area is adaptive",), renamed("area", "nearest-exact")),
    Twin("nn.Upsample recomputes its factor", ("nn.Upsample is",), upsample_recomputes),
]

VIEWS = (
    ip.Interpolate(),
    ip.Interpolate(input="row", mode="bicubic", scale_factor=4.0),
    ip.Interpolate(input="table", mode="bilinear", align_corners="True"),
    ip.Interpolate(input="picture", mode="bilinear", antialias=True, given="size", size=40),
    ip.Interpolate(input="picture", mode="nearest", given="size", size=40),
    ip.Interpolate(input="volume", mode="area", given="size", size=8),
    ip.Interpolate(input="volume", mode="nearest", given="size", size=8),
    ip.Interpolate(
        input="table", table="1, 2, 3, 4, 5, 6", mode="bilinear", antialias=True, scale_factor=7.3
    ),
)


def view_checks() -> list[Check]:
    return [check for settings in VIEWS for check in ip.view_checks(ip.explain(settings))]


def next_sample_weighs(patch: pytest.MonkeyPatch) -> None:
    response, linked = VIEW._response, VIEW.linked

    def moved(*arguments: Any) -> Linkage:
        links = linked(*arguments)
        count = links.in_shape[0] * links.in_shape[1]
        indices = torch.where(links.indices < 0, links.indices, (links.indices + 1) % count)
        return dataclasses.replace(links, indices=indices)

    patch.setattr(VIEW, "_response", lambda *arguments: response(*arguments).roll(1, dims=1))
    patch.setattr(VIEW, "linked", moved)


def backward_mirrored(patch: pytest.MonkeyPatch) -> None:
    def resized(image: Tensor, **call: Any) -> Tensor:
        made = PLAIN(image, **call)
        if not image.requires_grad:
            return made
        other = PLAIN(image.flip(-1), **call)
        return made.detach() + (other - other.detach())

    patch.setattr(F, "interpolate", resized)


VIEW_TWINS = [
    Twin(
        "outputs come one place late",
        (
            "This ",
            "linear: torch equals numpy",
            "bicubic: torch equals OpenCV",
            "nearest: torch equals OpenCV",
            "bilinear with antialias: torch equals PIL",
            "bicubic equals grid_sample",
            "bilinear equals grid_sample",
            "align_corners=True keeps",
            "area is adaptive",
        ),
        giving(lambda made: made.roll(1, dims=-1)),
    ),
    Twin("weights belong to the next sample", ("Weights shown",), next_sample_weighs),
    Twin("backward reads the mirror image", ("torch's backward",), backward_mirrored),
    Twin(
        "weights sum to 1.01",
        ("area stays within", "nearest stays within", "A constant", "nearest makes no new values"),
        giving(lambda made: 1.01 * made),
    ),
    Twin("values above 7 are clamped", ("Linear:",), giving(lambda made: made.clamp(max=7))),
]


@functools.cache
def unbroken(run: Callable[[], Sequence[Check]]) -> Sequence[Check]:
    return run()


def once_unbroken(run: Callable[[], Sequence[Check]]) -> Callable[[], Sequence[Check]]:
    """Run checks from the second time on; what they give without a twin is found once for all."""
    again = iter((False,))
    return lambda: run() if next(again, True) else unbroken(run)


def test_every_check_has_a_twin() -> None:
    check_that_twins_cover(lambda: unbroken(ip.checks), TWINS)
    check_that_twins_cover(lambda: unbroken(view_checks), VIEW_TWINS)


@pytest.mark.parametrize("twin", TWINS, ids=lambda twin: twin.name)
def test_a_check_sees_its_twin(twin: Twin, monkeypatch: pytest.MonkeyPatch) -> None:
    check_that_a_twin_is_seen(once_unbroken(ip.checks), twin, monkeypatch)


@pytest.mark.parametrize("twin", VIEW_TWINS, ids=lambda twin: twin.name)
def test_a_check_of_a_view_sees_its_twin(twin: Twin, monkeypatch: pytest.MonkeyPatch) -> None:
    check_that_a_twin_is_seen(once_unbroken(view_checks), twin, monkeypatch)


def test_references_that_are_torch_too_are_not_called_independent() -> None:
    kinds = {
        check.reference: check.kind for check in [*unbroken(ip.checks), *unbroken(view_checks)]
    }
    for reference, kind in kinds.items():
        by_torch = reference.startswith(("F.", "nn."))
        assert (kind == Kind.ANOTHER_PATH) >= by_torch, reference
        if reference.startswith(("cv2.", "PIL.", "np.")):
            assert kind == Kind.INDEPENDENT, reference


def five_arguments(patch: pytest.MonkeyPatch) -> None:
    """Offer what releases before 1.5 took."""

    def old(
        input: Tensor,
        size: Any = None,
        scale_factor: Any = None,
        mode: str = "nearest",
        align_corners: bool | None = None,
    ) -> Tensor:
        return PLAIN(input, size, scale_factor, mode, align_corners)

    patch.setattr(F, "interpolate", old)


def refuses_new_modes(call: Arguments) -> None:
    if call["antialias"] or call["mode"] in ("nearest-exact", "lanczos"):
        raise NotImplementedError


def bilinear_by_default(patch: pytest.MonkeyPatch) -> None:
    def wrong(input: Tensor, size: Any = None, mode: str = "bilinear", **call: Any) -> Tensor:
        return PLAIN(input, size, mode=mode, **call)

    patch.setattr(F, "interpolate", wrong)


def tuple_for_tuple(patch: pytest.MonkeyPatch) -> None:
    """Take several pictures at once, and one factor for each axis alone."""

    def wrong(image: Any, *, scale_factor: Any, **call: Any) -> Any:
        if not isinstance(scale_factor, tuple):
            raise ValueError
        if isinstance(image, tuple):
            return tuple(PLAIN(each, scale_factor=scale_factor, **call) for each in image)
        return PLAIN(image, scale_factor=scale_factor, **call)

    patch.setattr(F, "interpolate", wrong)


def cubic_refuses_corners(call: Arguments) -> None:
    if call["mode"] == "bicubic" and call["align_corners"]:
        raise ValueError


def corners_by_default(call: Arguments) -> None:
    if call["align_corners"] is None and "linear" in call["mode"]:
        call["align_corners"] = True


def corners_always(call: Arguments) -> None:
    if call["mode"] in ("bilinear", "bicubic"):
        call["align_corners"] = True


def never_shrinks(call: Arguments) -> None:
    if call["scale_factor"] is not None:
        call["scale_factor"] = max(call["scale_factor"], 1.0)


CLAIM_TWINS = [
    ClaimTwin("five arguments", {"The signature is": Verdict.HOLDS}, five_arguments),
    ClaimTwin("no newer mode", {"The modes are": Verdict.HOLDS}, calling(refuses_new_modes)),
    ClaimTwin("bilinear is the default", {"The default mode": Verdict.WRONG}, bilinear_by_default),
    ClaimTwin(
        "tuples of pictures are taken", {"If the input is a tuple": Verdict.HOLDS}, tuple_for_tuple
    ),
    ClaimTwin(
        "bicubic refuses align_corners",
        {"align_corners can be used": Verdict.HOLDS},
        calling(cubic_refuses_corners),
    ),
    ClaimTwin(
        "align_corners is True by default",
        {"align_corners is False by default": Verdict.WRONG},
        calling(corners_by_default),
    ),
    ClaimTwin(
        "align_corners is passed over",
        {
            "align_corners=True aligns": Verdict.WRONG,
            "bilinear with align_corners=True doubles": Verdict.WRONG,
        },
        calling(without_corners),
    ),
    ClaimTwin(
        "corners are always aligned",
        {"align_corners=False aligns": Verdict.WRONG},
        calling(corners_always),
    ),
    ClaimTwin(
        "every factor is recomputed",
        {"With align_corners=False and the same": Verdict.WRONG},
        calling(recomputed),
    ),
    ClaimTwin(
        "bicubic is bilinear",
        {"bicubic can overshoot": Verdict.WRONG},
        renamed("bicubic", "bilinear"),
    ),
    ClaimTwin(
        "a factor below 1 is taken for 1",
        {"interpolate is upsampling": Verdict.HOLDS},
        calling(never_shrinks),
    ),
    ClaimTwin(
        "nearest is bilinear",
        {"nearest doubles": Verdict.WRONG, "Darknet's upsample layer": Verdict.WRONG},
        renamed("nearest", "bilinear"),
    ),
]


def test_every_statement_of_the_notes_has_a_twin() -> None:
    check_that_twins_cover_claims(CLAIMS, CLAIM_TWINS)


@pytest.mark.parametrize("twin", CLAIM_TWINS, ids=lambda twin: twin.name)
def test_a_verdict_turns_with_what_torch_does(
    twin: ClaimTwin, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_that_verdicts_turn(CLAIMS, twin, monkeypatch)
