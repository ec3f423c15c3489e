"""The mistakes of the affine_grid page: each costs what public threads say it costs."""

import ast
import re

import pytest
import torch

from explainers.sampling.affine_grid import mistakes
from explainers.sampling.affine_grid.geometry import compose, rotation
from explainers.sampling.affine_grid.sampling import warp


def test_the_motion_itself_as_theta_moves_the_picture_the_other_way() -> None:
    result = mistakes.direction(mistakes.Direction())
    assert result.mistake.wrong_cost == "A square moves 32 pixels left; asked for 32 right."
    assert "moves 32 pixels right" in result.mistake.right_cost
    assert result.right_error < 1e-4
    assert result.wrong_error > 0.1


def test_scale_two_as_theta_shrinks_to_a_quarter_of_the_area() -> None:
    result = mistakes.direction(mistakes.Direction(motion="enlarge"))
    assert "0.25 times" in result.mistake.wrong_cost
    assert " 4 times" in result.mistake.right_cost
    assert result.right_error < 1e-4


def test_the_textbook_rotation_looks_right_because_two_errors_cancel() -> None:
    result = mistakes.direction(mistakes.Direction(motion="turn"))
    assert result.wrong_error < 1e-4
    assert result.right_error < 1e-4
    assert "turns 30° counter-clockwise" in result.mistake.wrong_cost


def test_the_arrows_show_where_torch_reads() -> None:
    result = mistakes.direction(mistakes.Direction())
    shift = result.wrong_reads - result.lattice
    torch.testing.assert_close(shift[..., 0], torch.full((5, 5), 32.0), atol=1e-3, rtol=0)
    torch.testing.assert_close(shift[..., 1], torch.zeros(5, 5), atol=1e-3, rtol=0)


def test_the_wrong_order_costs_a_quarter_of_full_scale() -> None:
    result = mistakes.order(mistakes.Order())
    assert result.wrong_error == pytest.approx(0.25, abs=0.05)
    assert result.right_error < 0.05


def test_the_order_does_not_matter_when_nothing_turns() -> None:
    result = mistakes.order(mistakes.Order(degrees=0.0))
    assert result.wrong_error == pytest.approx(result.right_error, abs=1e-6)


def test_a_quarter_turn_without_aspect_squeezes_16_by_16_to_8_by_32() -> None:
    result = mistakes.not_square(mistakes.NotSquare())
    assert "8 by 32" in result.mistake.wrong_cost
    assert "16 by 16" in result.mistake.right_cost
    assert result.right_error < 1e-4


def test_row_before_column_transposes_the_picture() -> None:
    result = mistakes.x_before_y(mistakes.XBeforeY())
    assert torch.equal(result.wrong, result.source.mT)
    assert result.mistake.wrong_cost == "The input transposed, exactly."
    assert result.right_error < 1e-6


@pytest.mark.parametrize("size", [2, 8, 31])
def test_equal_flags_keep_the_identity_and_mixed_flags_do_not(size: int) -> None:
    errors = mistakes.mixed_flags(mistakes.MixedFlags(size=size)).errors.amax(dim=(2, 3))
    assert errors.diagonal().max() < 1e-5
    assert errors[0, 1] > 0.02
    assert errors[1, 0] > 0.02


def test_the_two_conventions_put_the_first_pixel_apart() -> None:
    centres = mistakes.mixed_flags(mistakes.MixedFlags()).centres
    assert centres[0, 0] == pytest.approx(-1 + 1 / 8)
    assert centres[1, 0] == pytest.approx(-1)


def test_one_of_five_libraries_turns_the_other_way() -> None:
    result = mistakes.libraries(mistakes.SameAngle())
    wrong = {turn.library: round(turn.measured) for turn in result.wrong}
    assert wrong == {
        "torch, textbook theta": 30,
        "torchvision rotate": 30,
        "torchvision affine": -30,
        "OpenCV": 30,
        "PIL": 30,
    }
    assert {round(turn.measured) for turn in result.right} == {30}


def test_no_library_disagrees_about_zero_degrees() -> None:
    assert "0 of 5" in mistakes.libraries(mistakes.SameAngle(degrees=0.0)).mistake.wrong_cost


def test_reflection_of_minus_three_and_a_half_lands_at_plus_a_half() -> None:
    for align_corners in (False, True):
        ruler = mistakes.padding_ruler(mistakes.Padding(align_corners=align_corners))
        assert ruler.probe_landing["reflection"] == pytest.approx(0.5, abs=1e-3)
        assert ruler.probe_landing["border"] == pytest.approx(-1, abs=1e-3)
        assert ruler.probe_value["zeros"] == 0
    documentation = torch.nn.functional.grid_sample.__doc__
    assert documentation is not None
    assert "x'' = -0.5" in documentation


def test_inside_the_row_all_paddings_read_the_same() -> None:
    ruler = mistakes.padding_ruler(mistakes.Padding(probe=0.3))
    assert len({round(value, 6) for value in ruler.probe_value.values()}) == 1


def test_many_small_bilinear_turns_blur_and_one_warp_does_not() -> None:
    few, many = (mistakes.full_turn(mistakes.SmallTurns(turns=turns)) for turns in (4, 36))
    assert few.wrong["bilinear"].error < 1e-4
    assert many.wrong["bilinear"].contrast < 0.8
    assert many.wrong["bicubic"].contrast > 1.1
    for mode in many.right:
        assert many.right[mode].error < 1e-3


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: mistakes.Direction(motion="spin"), "motion must be one of move, enlarge, turn"),
        (lambda: mistakes.MixedFlags(size=1), "size must be a whole number from 2 to 32, got 1"),
        (lambda: mistakes.MixedFlags(size=8.5), "size must be a whole number from 2 to 32"),
        (lambda: mistakes.SameAngle(degrees=90.0), "degrees must be a number from -80 to 80"),
        (lambda: mistakes.SameAngle(degrees=float("nan")), "degrees must be a number from -80"),
        (lambda: mistakes.Padding(probe=5.0), "probe must be a number from -4 to 4, got 5.0"),
        (lambda: mistakes.Padding(align_corners=None), "align_corners must be true or false"),
        (lambda: mistakes.SmallTurns(turns=0), "turns must be a whole number from 1 to 72"),
        (lambda: mistakes.SmallTurns(turns=73), "turns must be a whole number from 1 to 72"),
        (lambda: mistakes.Order(degrees=float("inf")), "degrees must be a number from -90 to 90"),
        (lambda: mistakes.NotSquare(degrees=float("nan")), "degrees must be a number from -180"),
        (
            lambda: mistakes.direction(mistakes.Direction(), device="cuda:9"),
            "device must be one of cpu",
        ),
    ],
)
def test_bad_input_gets_its_sentence(call, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        call()


def test_the_question_is_answered_by_torch() -> None:
    question = mistakes.question()
    assert question.answer == "8 pixels to the left"
    assert question.answer in question.options
    # What the first mistake shows is not what is asked.
    assert question.answer not in mistakes.direction(mistakes.Direction()).mistake.wrong_cost
    assert "0.25" in question.text


@pytest.mark.parametrize(
    "mistake",
    [
        *(mistakes.direction(mistakes.Direction(motion=m)).mistake for m in ("move", "turn")),
        mistakes.order(mistakes.Order()).mistake,
        mistakes.mixed_flags(mistakes.MixedFlags()).mistake,
        mistakes.not_square(mistakes.NotSquare()).mistake,
        mistakes.libraries(mistakes.SameAngle(degrees=-80.0)).mistake,
        mistakes.padding_ruler(mistakes.Padding()).mistake,
        mistakes.x_before_y(mistakes.XBeforeY()).mistake,
        mistakes.full_turn(mistakes.SmallTurns()).mistake,
    ],
    ids=lambda mistake: mistake.right,
)
def test_shown_lines_are_python_that_fits_a_narrow_column(mistake) -> None:
    for code in (mistake.wrong, mistake.right):
        ast.parse(code)
        assert max(map(len, code.splitlines())) <= 43


def test_the_order_that_is_shown_as_wrong_is_the_one_that_is_run() -> None:
    move = rotation(0.0, translate=(0.5, 0.0))
    turn = rotation(30.0)
    shown = mistakes.order(mistakes.Order())
    for code, made in (
        (shown.mistake.wrong, shown.wrong),
        (shown.mistake.right, shown.right),
    ):
        arguments = re.search(r"compose\((\w+), (\w+)\)", code)
        assert arguments is not None
        thetas = [{"move": move, "turn": turn}[name] for name in arguments.groups()]
        assert torch.equal(warp(shown.source, compose(*thetas)).output, made)
