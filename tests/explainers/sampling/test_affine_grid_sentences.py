"""What the page says of a picture is what torch did to it, over the range of the controls."""

import dataclasses
import functools
import math
import re

import numpy as np
import pytest
import torch
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from torch import Tensor

from explainers.sampling import affine_grid as ag
from explainers.sampling.affine_grid import mistakes
from tests.sentences import EXAMPLES, legal

# A typed entry may be of any size; what is seen of a picture is seen at small ones.
THETA = st.floats(-4, 4) | st.integers(-80, 80).map(lambda n: n / 20) | st.floats(-4096, 4096)
warps = functools.partial(legal, ag.AffineGrid, **dict.fromkeys(ag.THETA_FIELDS, THETA))

NUMBER = r"(-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)"


def pixels_read(view: ag.View) -> np.ndarray:
    """The input pixels (x, y) that torch's own grid names, by the documentation's two rules."""
    grid = view.warp.grid.double().numpy()
    extent = np.array([view.picture.shape[2], view.picture.shape[1]])
    if view.parameters.align_corners:
        return (grid + 1) / 2 * (extent - 1)
    return ((grid + 1) * extent - 1) / 2


@dataclasses.dataclass
class Seen:
    """What became of a horizontal and a vertical edge one pixel long, on screen."""

    across: np.ndarray
    down: np.ndarray

    @property
    def area(self) -> float:
        return float(self.across[0] * self.down[1] - self.across[1] * self.down[0])


def step(view: ag.View) -> np.ndarray:
    """Where the reading goes, in input pixels, one output pixel to the right and one down."""
    reads = pixels_read(view)
    height, width, _ = reads.shape
    right = (reads[0, -1] - reads[0, 0]) / (width - 1)
    return np.stack([right, (reads[-1, 0] - reads[0, 0]) / (height - 1)], axis=1)


def measurable(view: ag.View) -> bool:
    """Whether float32 positions tell the way back to more digits than are said."""
    return min(view.warp.output.shape[1:]) >= 2 and float(np.linalg.cond(step(view))) < 300


def seen(view: ag.View) -> Seen:
    """Follow the edges through the positions that torch read."""
    forward = np.linalg.inv(step(view))
    return Seen(forward[:, 0], forward[:, 1])


def apart(a: float, b: float) -> float:
    """Degrees between two directions."""
    return abs((a - b + 180) % 360 - 180)


def holds(sentence: str, view: ag.View) -> None:
    """Assert that each word and number of a sentence is what torch did."""
    found = seen(view)
    across, down = found.across, found.down
    left_to_right = "left to right" in sentence
    top_to_bottom = "top to bottom" in sentence
    assert not (left_to_right and top_to_bottom)
    assert (left_to_right or top_to_bottom) == (found.area < 0)
    across = -across if left_to_right else across
    down = -down if top_to_bottom else down
    wide = float(np.hypot(*across))
    high = abs(found.area) / wide
    both = re.search(f"(?i)(enlarges|shrinks) .* to {NUMBER} times", sentence)
    each = re.search(f"(?i)scales .* width by {NUMBER} and height by {NUMBER}", sentence)
    said = (
        (float(both[2]),) * 2 if both else (float(each[1]), float(each[2])) if each else (1.0, 1.0)
    )
    assert said == pytest.approx((wide, high), rel=0.011)
    if both:
        assert (both[1].lower() == "enlarges") == (wide > 1)
    # y points down: counter-clockwise on screen is against the angle in pixels.
    turn = -math.degrees(math.atan2(across[1], across[0]))
    turned = re.search(f"(?i)turns .*? {NUMBER}° (counter-clockwise|clockwise)", sentence)
    said_turn = (
        float(turned[1]) * (1 if turned[2][0] == "c" and "r-" in turned[2] else -1)
        if (turned)
        else 0.0
    )
    assert apart(said_turn, turn) < 0.12
    upright = math.degrees(math.atan2(down[0], down[1]))
    leaned = re.search(f"(?i)leans .*? {NUMBER}° to the (right|left)", sentence)
    said_lean = float(leaned[1]) * (1 if leaned[2] == "right" else -1) if leaned else 0.0
    # Down leans left where the top leans right; the turn turns both edges.
    assert apart(said_lean, turn - upright) < 0.2


@given(warps())
@settings(max_examples=max(1, EXAMPLES // 2))
def test_turn_lean_scale_and_mirror_are_those_of_an_edge_that_torch_warped(
    parameters: ag.AffineGrid,
) -> None:
    view = ag.explain(parameters)
    assert bool(view.sentence) != bool(view.problem)
    assume(view.sentence and measurable(view))
    holds(view.sentence, view)


@given(warps(by_hand=st.just(True)))
@settings(max_examples=max(1, EXAMPLES // 2))
def test_a_typed_theta_is_described_as_torch_warps_by_it(parameters: ag.AffineGrid) -> None:
    view = ag.explain(parameters)
    assume(view.sentence and measurable(view))
    holds(view.sentence, view)


@given(warps(by_hand=st.just(False), keep_aspect=st.just(True)))
@settings(max_examples=max(1, EXAMPLES // 2))
def test_corrected_for_aspect_a_turn_and_a_lean_are_those_of_the_sliders(
    parameters: ag.AffineGrid,
) -> None:
    view = ag.explain(parameters)
    assume(measurable(view))
    edges = seen(view)
    turn = -math.degrees(math.atan2(edges.across[1], edges.across[0]))
    upright = math.degrees(math.atan2(edges.down[0], edges.down[1]))
    assert apart(turn, parameters.degrees) < 0.1
    assert apart(turn - upright, parameters.shear) < 0.1


@given(warps())
@settings(max_examples=max(1, EXAMPLES // 2))
def test_moves_are_those_of_the_pictures_middle(parameters: ag.AffineGrid) -> None:
    view = ag.explain(parameters)
    assume(view.sentence and measurable(view))
    edges = seen(view)
    reads = pixels_read(view)
    _, height, width = view.picture.shape
    out_height, out_width, _ = reads.shape
    middle = np.array([(width - 1) / 2, (height - 1) / 2])
    way = np.stack([edges.across, edges.down], axis=1) @ (middle - reads[0, 0])
    right, down = (way + 0.5) / [out_width, out_height] - 0.5
    for moved, words in ((right, ("right", "left")), (down, ("down", "up"))):
        found = re.search(rf"moves .*?\b({'|'.join(words)}) by {NUMBER}%", view.sentence, re.I)
        said = (1 if found[1] == words[0] else -1) * float(found[2]) if found else 0.0
        assert said == pytest.approx(100 * moved, abs=0.3, rel=0.02)


@given(
    *(st.integers(-80, 80).map(lambda n: n * 0.05) for _ in range(2)),
    st.sampled_from([-3, -2, -1, -0.5, 0, 0.5, 1, 2, 3]),
    warps(by_hand=st.just(True), picture=st.sampled_from(["card", "wide"])),
)
@settings(max_examples=max(1, EXAMPLES // 2))
def test_a_theta_of_two_rows_in_one_direction_is_called_singular(
    a: float, b: float, times: float, parameters: ag.AffineGrid
) -> None:
    assume(abs(times * a) <= 4 and abs(times * b) <= 4)
    flat = dataclasses.replace(
        parameters, theta_00=a, theta_01=b, theta_10=times * a, theta_11=times * b
    )
    view = ag.explain(flat)
    assert "theta must be invertible" in view.problem
    assert view.sentence == ""
    for check in ag.view_checks(view):
        assert check.holds, check


@given(warps())
@settings(max_examples=max(1, EXAMPLES // 2))
def test_the_live_checks_hold_at_every_setting(parameters: ag.AffineGrid) -> None:
    for check in ag.view_checks(ag.explain(parameters)):
        assert check.holds, (check, parameters)


def drawn_bar(shape: tuple[int, int], frame: tuple[int, int]) -> Tensor:
    """A horizontal bar over the middle of a picture, that turns without leaving the frame."""
    height, width = shape
    reach = min(frame)
    long, thick = 0.8 * reach / frame[1] * width, 0.15 * reach / frame[0] * height
    y, x = torch.meshgrid(torch.arange(height) + 0.5, torch.arange(width) + 0.5, indexing="ij")
    inside = ((x - width / 2).abs() < long / 2) & ((y - height / 2).abs() < thick / 2)
    return inside[None].float()


@given(
    st.integers(-85, 85),
    st.sampled_from([(64, 256), (256, 64), (0, 0), (96, 200), (200, 96)]),
    st.sampled_from([(128, 128), (96, 192), (192, 96)]),
    st.booleans(),
)
@settings(max_examples=max(1, EXAMPLES // 3))
def test_a_drawn_bar_turns_by_the_degrees_that_are_said(
    degrees: int, size: tuple[int, int], shape: tuple[int, int], align_corners: bool
) -> None:
    parameters = ag.AffineGrid(
        degrees=float(degrees), height=size[0], width=size[1], align_corners=align_corners
    )
    bar = drawn_bar(shape, (size[0] or shape[0], size[1] or shape[1]))
    view = ag.explain(parameters, image=bar)
    found = re.search(r"turns .*? ([\d.]+)° (c\S+)", view.sentence, re.I)
    said = float(found[1]) * (1 if found[2].startswith("counter") else -1) if found else 0.0
    assert said == pytest.approx(degrees, abs=0.06)
    measured = mistakes.bar_angle(view.warp.output[0])
    assert measured == pytest.approx(degrees, abs=1.5)


@given(
    warps(by_hand=st.just(False)),
    st.tuples(st.integers(1, 192), st.integers(1, 192)) | st.sampled_from([(160, 160), (96, 192)]),
)
@example(
    # A reader's own row of pixels, leaned and enlarged: the largest entries there are.
    ag.AffineGrid(degrees=90.0, scale_x=0.25, scale_y=0.25, shear=60.0, height=1, width=256),
    (12, 192),
)
@example(ag.AffineGrid(align_corners=True), (1, 16))
@example(ag.AffineGrid(align_corners=True), (64, 192))
@settings(max_examples=EXAMPLES)
def test_the_theta_that_typing_starts_from_is_the_sliders(
    parameters: ag.AffineGrid, size: tuple[int, int]
) -> None:
    theta = parameters.theta(parameters.aspect(torch.empty(1, *size)))
    typed = ag.typed(parameters, size)
    assert torch.allclose(typed.theta(1.0), theta, atol=6e-4, rtol=1e-6)


# --- examples ---


def test_thirty_degrees_are_thirty_in_a_frame_of_another_shape() -> None:
    view = ag.explain(ag.AffineGrid(height=64, width=256))
    assert view.sentence == (
        "Scales the picture's width by 2 and height by 0.5, then turns it 30° counter-clockwise. "
        "The frame is 256 by 64 pixels."
    )
    edges = seen(view)
    assert -math.degrees(math.atan2(edges.across[1], edges.across[0])) == pytest.approx(30)


def test_the_identity_to_another_shape_does_not_leave_the_picture_as_it_is() -> None:
    view = ag.explain(ag.AffineGrid(by_hand=True, height=64, width=256))
    assert view.sentence.startswith("Scales the picture's width by 2 and height by 0.5. ")


def test_a_crop_enlarges_nothing() -> None:
    crop = ag.AffineGrid(
        by_hand=True,
        theta_00=0.5,
        theta_02=-0.5,
        theta_11=0.5,
        theta_12=-0.5,
        height=64,
        width=64,
    )
    view = ag.explain(crop)
    assert torch.allclose(view.warp.output, view.picture[:, :64, :64], atol=1e-4)
    assert view.sentence == (
        "Moves the picture right by 50% of the frame's width and down by 50% of the frame's "
        "height. The frame is 64 by 64 pixels."
    )
    middle = ag.explain(dataclasses.replace(crop, theta_02=0.0, theta_12=0.0))
    assert torch.allclose(middle.warp.output, view.picture[:, 32:96, 32:96], atol=1e-4)
    assert middle.sentence == "Leaves the picture as it is. The frame is 64 by 64 pixels."


def test_a_wide_picture_turns_by_the_angle_asked_for_under_align_corners_too() -> None:
    view = ag.explain(ag.AffineGrid(degrees=45.0, picture="wide", align_corners=True))
    assert view.sentence == "Turns the picture 45° counter-clockwise."


def test_what_is_moved_by_less_than_words_tell_is_not_called_unmoved() -> None:
    view = ag.explain(ag.AffineGrid(by_hand=True, theta_00=1.004, picture="wide"))
    assert view.sentence == "Moves no pixel of the picture by more than 0.38 pixels."


def test_a_side_of_one_pixel_has_no_length_between_its_corners() -> None:
    view = ag.explain(ag.AffineGrid(height=1, align_corners=True))
    assert "no motion" in view.sentence


@pytest.mark.parametrize(
    ("theta", "words"),
    [
        ((-1.0, 0.0, 0.0, 1.0), "Mirrors the picture left to right."),
        ((1.0, 0.0, 0.0, -1.0), "Mirrors the picture top to bottom."),
        ((-1.0, 0.0, 0.0, -1.0), "Turns the picture 180° counter-clockwise."),
        ((-0.5, 0.0, 0.0, 0.5), "Mirrors the picture left to right, then enlarges it to 2 times"),
    ],
)
def test_a_mirror_is_named_by_the_sides_that_change_places(
    theta: tuple[float, float, float, float], words: str
) -> None:
    assert ag.describe(torch.tensor([[*theta[:2], 0.0], [*theta[2:], 0.0]])).startswith(words)


# --- mistakes, over the range of their controls ---


@pytest.mark.parametrize("degrees", [-170, -45, 0, 1, 30, 45, 90, 120, 180])
def test_a_square_under_a_plain_turn_is_called_what_its_corners_make_it(degrees: int) -> None:
    shown = mistakes.not_square(mistakes.NotSquare(degrees=float(degrees))).mistake
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    # On a picture twice as wide as high, in pixels.
    across, down = 16 * np.array([c, -s / 2]), 16 * np.array([2 * s, c])
    cosine = abs(across @ down) / np.hypot(*across) / np.hypot(*down)
    short, long = sorted([np.hypot(*across), np.hypot(*down)])
    numbers = [float(text) for text in re.findall(NUMBER, shown.wrong_cost)][2:]
    assert numbers[:2] == pytest.approx([short, long], abs=0.06)
    assert ("parallelogram" in shown.wrong_cost) == (cosine > 0.01)
    if cosine > 0.01:
        assert numbers[2] == pytest.approx(math.degrees(math.acos(cosine)), abs=0.6)
    assert shown.right_cost == "A square of 16 by 16 pixels becomes 16 by 16."


@given(legal(mistakes.SameAngle))
@settings(max_examples=max(1, EXAMPLES // 10))
def test_the_one_library_that_turns_the_other_way_is_named_at_any_angle(
    parameters: mistakes.SameAngle,
) -> None:
    assume(abs(parameters.degrees) > 0.1)
    shown = mistakes.libraries(parameters)
    assert shown.mistake.wrong_cost == "1 of 5 turn the other way: torchvision affine."
    for turn in shown.right:
        assert turn.measured == pytest.approx(parameters.degrees, abs=0.05)
    said = re.search(rf"All turn {NUMBER}° (c\S+?)[,.]", shown.mistake.right_cost)
    assert said is not None
    assert float(said[1]) == pytest.approx(abs(parameters.degrees), rel=6e-3)
    assert said[2].startswith("counter") == (parameters.degrees > 0)


@given(legal(ag.Descent, steps=st.just(20)))
@settings(max_examples=max(1, EXAMPLES // 20), deadline=None)
def test_a_turn_is_called_found_only_where_theta_is_the_one_applied(parameters: ag.Descent) -> None:
    found = ag.descend(parameters)
    turn = math.radians(parameters.degrees)
    c, s = math.cos(turn), math.sin(turn)
    off = np.abs(found.theta[-1].numpy() - np.array([[c, -s, 0], [s, c, 0]])).max()
    assert found.sentence.startswith("Found: " if off < 0.05 else "Not found")


def test_no_blur_lets_descent_find_a_turn_of_sixty_or_ninety_degrees() -> None:
    (claim,) = (claim for claim in ag.claims() if claim.says.startswith("A spatial transformer"))
    assert "blur first" not in claim.truth
    _, found = claim.measured.split(": ")
    for degrees in (60.0, 90.0):
        assert f"{degrees:g}°" not in found
        for blur in ("none", "coarse to fine"):
            shown = ag.descend(ag.Descent(degrees=degrees, blur=blur))
            assert shown.sentence.startswith("Not found")


@given(legal(mistakes.Order))
@settings(max_examples=max(1, EXAMPLES // 10))
def test_two_steps_are_said_to_differ_only_where_they_do(parameters: mistakes.Order) -> None:
    shown = mistakes.order(parameters)
    assert ("0.000" in shown.mistake.right_cost) != ("sampling twice" in shown.mistake.right_cost)
    assert f"{shown.right_error:.3f}" in shown.mistake.right_cost
    assert f"{shown.wrong_error:.3f}" in shown.mistake.wrong_cost


@pytest.mark.parametrize("turns", [1, 2, 3, 4, 5, 12, 36, 72])
def test_each_mode_does_what_is_said_of_it_but_in_quarter_turns(turns: int) -> None:
    shown = mistakes.full_turn(mistakes.SmallTurns(turns=turns))
    quarters = 4 % turns == 0
    assert "Off quarter turns" in shown.mistake.lesson
    left = shown.wrong
    assert (left["bilinear"].contrast < 0.99) != quarters
    assert (left["bicubic"].contrast > 1.01) != quarters
    assert (left["nearest"].error > 1e-3) != quarters
    assert f"{left['bilinear'].contrast:.0%} of the variance" in shown.mistake.wrong_cost
