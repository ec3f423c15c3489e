"""Each check of affine_grid sees a small error, in torch or in what torch is compared with."""

import importlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from explainers.evidence import Check, Kind, Verdict
from explainers.sampling import affine_grid as ag
from explainers.sampling.affine_grid import reference
from explainers.sampling.affine_grid.sampling import Warp
from tests.twins import (
    ClaimTwin,
    Twin,
    check_that_a_twin_is_seen,
    check_that_twins_cover,
    check_that_twins_cover_claims,
    check_that_verdicts_turn,
)

# The package's functions of these names hide the modules.
checks = importlib.import_module("explainers.sampling.affine_grid.checks")
claims = importlib.import_module("explainers.sampling.affine_grid.claims")
AFFINE_GRID, GRID_SAMPLE = F.affine_grid, F.grid_sample
Patch = Callable[[pytest.MonkeyPatch], None]


def run() -> tuple[Check, ...]:
    """The page's checks, and those of two views that OpenCV can make."""
    return (
        *ag.checks(),
        *ag.view_checks(ag.explain(ag.AffineGrid(scale_x=1.5, picture="wide", height=64))),
        *ag.view_checks(
            ag.explain(ag.AffineGrid(mode="bicubic", padding_mode="reflection", scale_y=0.8))
        ),
    )


def grid_made(change: Callable[[Tensor], Tensor]) -> Patch:
    def apply(patch: pytest.MonkeyPatch) -> None:
        patch.setattr(F, "affine_grid", lambda *a, **k: change(AFFINE_GRID(*a, **k)))

    return apply


def other_corners(patch: pytest.MonkeyPatch) -> None:
    def wrong(theta: Tensor, size: list[int], align_corners: bool = False) -> Tensor:
        return AFFINE_GRID(theta, size, align_corners=not align_corners)

    patch.setattr(F, "affine_grid", wrong)


def first_theta_for_all(patch: pytest.MonkeyPatch) -> None:
    def wrong(theta: Tensor, *rest: Any, **named: Any) -> Tensor:
        return AFFINE_GRID(theta[:1].expand_as(theta), *rest, **named)

    patch.setattr(F, "affine_grid", wrong)


def sampled_with(**instead: str) -> Patch:
    """Sample under another value of an argument where the first word of it is asked for."""

    def apply(patch: pytest.MonkeyPatch) -> None:
        def wrong(*arguments: Any, **named: Any) -> Tensor:
            for pair, put in instead.items():
                name, _, asked = pair.partition("__")
                if named.get(name) == asked:
                    named[name] = put
            return GRID_SAMPLE(*arguments, **named)

        patch.setattr(F, "grid_sample", wrong)

    return apply


def clockwise(patch: pytest.MonkeyPatch) -> None:
    right = checks.rotation
    patch.setattr(checks, "rotation", lambda degrees, **rest: right(-degrees, **rest))


def swapped(patch: pytest.MonkeyPatch) -> None:
    right = checks.compose
    patch.setattr(checks, "compose", lambda first, then: right(then, first))


def transposed(patch: pytest.MonkeyPatch) -> None:
    def wrong(theta: Tensor) -> Tensor:
        # The inverse of a turn alone.
        return torch.cat([theta[:, :2].T, -theta[:, 2:]], dim=1)

    patch.setattr(checks, "invert", wrong)


def without_half_pixels(patch: pytest.MonkeyPatch) -> None:
    right = checks.pixel_matrix

    def wrong(*arguments: Any, align_corners: bool) -> Any:
        matrix = right(*arguments, align_corners=align_corners)
        matrix[:, 2] += 0.5
        return matrix

    patch.setattr(checks, "pixel_matrix", wrong)


def another_cubic(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(reference, "_A", -0.5)


def turned_back(patch: pytest.MonkeyPatch) -> None:
    """Warp by the inverse for the turns alone."""
    right = checks.warp

    def wrong(image: Tensor, theta: Tensor, **rest: Any) -> Warp:
        return right(image, ag.invert(theta), **rest)

    patch.setattr(checks, "warp", wrong)


LOOPS = ("Bilinear, every padding_mode", "Nearest, every", "Bicubic, every")
OPENCV = (
    "Bilinear and bicubic, zeros and border, align_corners=False",
    "Bilinear and bicubic, zeros and border, align_corners=True",
)
TORCHVISION = ("rotation(30) is torchvision's", "rotation with scale")
PIL = "rotation(30) is PIL's"
VIEW = ("This picture, bilinear", "This picture, bicubic")
TWINS = [
    Twin(
        "affine_grid and grid_sample disagree on align_corners",
        (
            *LOOPS,
            *OPENCV,
            *TORCHVISION,
            PIL,
            *VIEW,
            "The identity changes nothing",
            "Four quarter turns",
            "affine_grid reads where",
        ),
        other_corners,
    ),
    Twin(
        "the grid holds row before column",
        (*LOOPS, *OPENCV, *VIEW, "A quarter turn is", "affine_grid reads where"),
        grid_made(lambda grid: grid.flip(-1)),
    ),
    Twin(
        "every picture of a batch gets the first theta",
        ("A batch equals",),
        first_theta_for_all,
    ),
    Twin(
        "bicubic is sampled as bilinear",
        ("Bicubic, every", *OPENCV, "This picture, bicubic"),
        sampled_with(mode__bicubic="bilinear"),
    ),
    Twin("bilinear is sampled as nearest", LOOPS[:1], sampled_with(mode__bilinear="nearest")),
    Twin("nearest is sampled as bilinear", LOOPS[1:2], sampled_with(mode__nearest="bilinear")),
    Twin(
        "reflection repeats the last pixel",
        LOOPS,
        sampled_with(padding_mode__reflection="border"),
    ),
    Twin("border is black", (*LOOPS, *OPENCV), sampled_with(padding_mode__border="zeros")),
    Twin("angles are clockwise", (*TORCHVISION, PIL, "A quarter turn is"), clockwise),
    Twin("theta is the motion itself", (*TORCHVISION, PIL, "A quarter turn is"), turned_back),
    Twin("B @ A in place of A @ B", ("Warping by A, then B",), swapped),
    Twin("the inverse is the transpose", ("theta times its inverse",), transposed),
    Twin(
        "the pixel matrix puts centres at halves",
        (*LOOPS, *OPENCV, *VIEW, "affine_grid reads where"),
        without_half_pixels,
    ),
    Twin("the loop's cubic is Keys' other one", LOOPS[2:], another_cubic),
]


def test_each_check_has_a_wrong_twin() -> None:
    check_that_twins_cover(run, TWINS)


@pytest.mark.parametrize("twin", TWINS, ids=lambda twin: twin.name)
def test_a_wrong_twin_turns_its_checks_red(twin: Twin, monkeypatch: pytest.MonkeyPatch) -> None:
    check_that_a_twin_is_seen(run, twin, monkeypatch)


def test_a_check_is_called_independent_only_where_torch_does_not_sample_for_it() -> None:
    kinds = {check.reference: check.kind for check in run()}
    assert {name for name, kind in kinds.items() if kind is Kind.INDEPENDENT} == {
        "cv2.warpAffine",
        "a numpy float64 loop",
        "PIL.Image.rotate, 8 bits",
        "pixel_matrix in float64",
    }
    assert {name for name, kind in kinds.items() if kind is Kind.ANOTHER_PATH} == {
        "torchvision.transforms.v2.functional.rotate",
        "torchvision.transforms.v2.functional.affine",
        "torch.rot90",
    }


def theta_read_as(change: Callable[[Tensor], Tensor]) -> Patch:
    def apply(patch: pytest.MonkeyPatch) -> None:
        def wrong(theta: Tensor, *rest: Any, **named: Any) -> Tensor:
            return AFFINE_GRID(change(theta), *rest, **named)

        patch.setattr(F, "affine_grid", wrong)

    return apply


def sampled_at_other_corners(patch: pytest.MonkeyPatch) -> None:
    def wrong(*arguments: Any, align_corners: bool = False, **named: Any) -> Tensor:
        return GRID_SAMPLE(*arguments, align_corners=not align_corners, **named)

    patch.setattr(F, "grid_sample", wrong)


def sampled_by_edges_always(patch: pytest.MonkeyPatch) -> None:
    def wrong(*arguments: Any, align_corners: bool = False, **named: Any) -> Tensor:
        return GRID_SAMPLE(*arguments, align_corners=False, **named)

    patch.setattr(F, "grid_sample", wrong)


def with_a_default_for_bilinear(patch: pytest.MonkeyPatch) -> None:
    def wrong(*arguments: Any, mode: str = "nearest", **named: Any) -> Tensor:
        return GRID_SAMPLE(*arguments, mode=mode, **named)

    patch.setattr(F, "grid_sample", wrong)


def moved_the_other_way(theta: Tensor) -> Tensor:
    return torch.cat([theta[..., :2], -theta[..., 2:]], dim=-1)


def turned_the_other_way(theta: Tensor) -> Tensor:
    return torch.cat([theta[..., :2].mT, theta[..., 2:]], dim=-1)


def short_rows_filled(patch: pytest.MonkeyPatch) -> None:
    """Fill a nested list's short rows with zeros, as other libraries do."""
    tensor = torch.tensor

    def wrong(values: Any, **named: Any) -> Tensor:
        if isinstance(values, list) and all(isinstance(row, list) for row in values):
            longest = max(map(len, values))
            values = [[*row, *[0.0] * (longest - len(row))] for row in values]
        return tensor(values, **named)

    patch.setattr(torch, "tensor", wrong)


CLAIM_TWINS = [
    ClaimTwin("short rows are filled", {"The first example's": Verdict.HOLDS}, short_rows_filled),
    ClaimTwin(
        "theta is read as the turn itself",
        {"theta = [[0.707": Verdict.WRONG},
        theta_read_as(turned_the_other_way),
    ),
    ClaimTwin(
        "theta is read as the move itself",
        {"grid_sample samples backward": Verdict.WRONG, "The offsets in theta": Verdict.WRONG},
        theta_read_as(moved_the_other_way),
    ),
    ClaimTwin(
        "grid_sample takes the other corners",
        {"In the grid, x = -1": Verdict.WRONG},
        sampled_at_other_corners,
    ),
    ClaimTwin(
        "grid_sample passes over align_corners",
        {"align_corners chooses how": Verdict.HOLDS},
        sampled_by_edges_always,
    ),
    ClaimTwin(
        "affine_grid takes the other corners",
        {"align_corners must be the same": Verdict.WRONG},
        other_corners,
    ),
    ClaimTwin(
        "the grid's axes are swapped",
        {"affine_grid takes theta": Verdict.WRONG},
        grid_made(lambda grid: grid.transpose(1, 2)),
    ),
    ClaimTwin(
        "nearest is the default",
        {"Both functions are called": Verdict.WRONG},
        with_a_default_for_bilinear,
    ),
    ClaimTwin(
        "the grid ends at a quarter",
        {"theta is [[scale_x": Verdict.HOLDS},
        grid_made(lambda grid: grid / 4),
    ),
    ClaimTwin(
        "the grid's gradient leads away",
        {"A spatial transformer": Verdict.WRONG},
        grid_made(lambda grid: 2 * grid.detach() - grid),
    ),
]


@pytest.fixture(scope="module", autouse=True)
def one_turn_to_learn() -> Iterator[None]:
    """Learn one turn in place of six: enough to see whether gradients lead there."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(claims, "_TURNS", (20,))
        yield


def test_each_statement_of_the_notes_has_a_wrong_twin() -> None:
    check_that_twins_cover_claims(claims, CLAIM_TWINS)


@pytest.mark.filterwarnings("ignore:Default grid_sample and affine_grid behavior")
@pytest.mark.parametrize("twin", CLAIM_TWINS, ids=lambda twin: twin.name)
def test_verdicts_follow_what_torch_does(twin: ClaimTwin, monkeypatch: pytest.MonkeyPatch) -> None:
    check_that_verdicts_turn(claims, twin, monkeypatch)
