"""One affine map in the words of every library: each leads to every other and back."""

import math
import runpy
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
import torch.nn.functional as F
import torchvision.transforms.functional as tvf
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from PIL import Image

from explainers.evidence import Check, Kind
from explainers.sampling.affine_grid import Asked, convert, explain, of_view, pixel_matrix, prove
from explainers.sampling.affine_grid import matrices as topic
from explainers.sampling.affine_grid.view import AffineGrid
from tests import sentences
from tests.twins import Twin, check_that_a_twin_is_seen, check_that_twins_cover

EXAMPLES = sentences.EXAMPLES // 3
sides = st.integers(2, 80)
entries = st.floats(-2.0, 2.0).map(lambda value: round(value, 4))
offsets = st.floats(-30.0, 30.0).map(lambda value: round(value, 4))


def spelled(numbers: topic.Rows) -> str:
    return "; ".join(", ".join(repr(value) for value in row) for row in numbers)


def corners(pixels: topic.Array, size: topic.Size) -> topic.Array:
    """Where a pixel matrix reads for the corners of an output."""
    x, y = size[1] - 1.0, size[0] - 1.0
    ends = np.array([[0.0, x, 0.0, x], [0.0, 0.0, y, y], [1.0, 1.0, 1.0, 1.0]])
    return np.asarray(pixels @ ends)


@st.composite
def asked(draw: st.DrawFn, kind: str | None = None) -> Asked:
    kind = kind or draw(st.sampled_from(topic.KINDS))
    in_size = draw(sides), draw(sides)
    out_size = in_size if kind == topic.TORCHVISION else (draw(sides), draw(sides))
    if kind == topic.BOX:
        x0, y0 = draw(offsets), draw(offsets)
        rows: topic.Rows = ((x0, y0, x0 + draw(st.floats(1, 90)), y0 + draw(st.floats(1, 90))),)
    else:
        a, b, d, e = (draw(entries) for _ in range(4))
        assume(abs(a * e - b * d) > 0.05)
        far = 1.0 if kind in (topic.THETA, topic.CORNERS) else 20.0
        shift = st.floats(-far, far).map(lambda value: round(value, 4))
        rows = ((a, b, draw(shift)), (d, e, draw(shift)))
    return Asked(kind, spelled(rows), *in_size, *out_size)


@given(asked())
@settings(max_examples=EXAMPLES)
def test_every_convention_leads_to_every_other_and_back(one: Asked) -> None:
    found = convert(one)
    assert {found.spelling(kind).numbers != () for kind in topic.KINDS[:5]} == {True}
    assert (found.spelling(topic.TORCHVISION).numbers != ()) == (one.in_size == one.out_size)
    for other in found.spellings:
        if other.numbers:
            again = convert(Asked(other.kind, spelled(other.numbers), *one.in_size, *one.out_size))
            back = corners(again.pixels, one.out_size)
            assert back == pytest.approx(corners(found.pixels, one.out_size), abs=1e-7), other.kind


@given(asked(), st.booleans())
@settings(max_examples=EXAMPLES)
def test_torch_reads_where_the_pixel_matrix_says_with_either_flag(one: Asked, flag: bool) -> None:
    found = convert(one)
    numbers = found.spelling(topic.CORNERS if flag else topic.THETA).numbers
    theta = torch.tensor([numbers], dtype=torch.float64)
    grid = F.affine_grid(theta, [1, 1, *one.out_size], align_corners=flag)[0].numpy()
    extent = np.array(one.in_size[::-1], dtype=np.float64)
    reads = (grid + 1) / 2 * (extent - 1) if flag else ((grid + 1) * extent - 1) / 2
    ends = reads[[0, 0, -1, -1], [0, -1, 0, -1]].T
    assert ends == pytest.approx(corners(found.pixels, one.out_size), abs=1e-7)
    by_geometry = pixel_matrix(theta[0], one.in_size, one.out_size, align_corners=flag)
    assert by_geometry == pytest.approx(found.pixels, abs=1e-7)


@given(asked())
@settings(max_examples=EXAMPLES)
def test_opencv_s_two_matrices_are_each_other_s_inverse(one: Asked) -> None:
    found = convert(one)
    forward = np.array(found.spelling(topic.OPENCV).numbers)
    inverse = np.array(found.spelling(topic.INVERSE).numbers)
    assert cv2.invertAffineTransform(forward) == pytest.approx(inverse, rel=1e-7, abs=1e-7)
    assert inverse == pytest.approx(found.pixels, rel=1e-11, abs=1e-9)


@given(
    st.floats(-180, 180),
    st.tuples(st.integers(-9, 9), st.integers(-9, 9)),
    st.floats(0.3, 3),
    st.tuples(st.floats(-40, 40), st.floats(-40, 40)),
    st.tuples(sides, sides),
)
@settings(max_examples=EXAMPLES)
def test_torchvision_s_own_function_gives_both_torchvision_s_and_pil_s_numbers(
    angle: float,
    translate: tuple[int, int],
    scale: float,
    shear: tuple[float, float],
    size: tuple[int, int],
) -> None:
    move = [float(value) for value in translate]
    about_middle, about_corner = (
        tvf._get_inverse_affine_matrix(centre, angle, move, scale, list(shear))
        for centre in ([0.0, 0.0], [size[1] / 2, size[0] / 2])
    )
    assume(abs(about_middle[0] * about_middle[4] - about_middle[1] * about_middle[3]) > 0.01)
    found = convert(Asked(topic.TORCHVISION, spelled((tuple(about_middle),)), *size, *size))
    (by_pil,) = found.spelling(topic.PIL).numbers
    assert by_pil == pytest.approx(about_corner, abs=1e-7)


def test_torchvision_s_affine_is_what_its_numbers_warp() -> None:
    size = 40, 64
    numbers = tvf._get_inverse_affine_matrix([0.0, 0.0], 20.0, [5.0, -3.0], 1.2, [10.0, 0.0])
    proof = prove(convert(Asked(topic.TORCHVISION, spelled((tuple(numbers),)), *size, *size)))
    public = tvf.affine(
        proof.source[None],
        20.0,
        [5, -3],
        1.2,
        [10.0, 0.0],
        interpolation=tvf.InterpolationMode.BILINEAR,
    )[0]
    for output in proof.outputs.values():
        inside = (output > 0) & (public > 0)
        assert inside.float().mean() > 0.5
        assert (output - public)[inside].abs().median() < 1e-5
    assert torch.equal(proof.outputs[topic.TORCHVISION], public)


def test_a_crop_box_enlarged_is_pil_s_crop_and_resize() -> None:
    proof = prove(convert(Asked(topic.BOX, "10, 20, 40, 44", 64, 80, 96, 90)))
    source = Image.fromarray(proof.source.numpy())
    resized = source.crop((10, 20, 40, 44)).resize((90, 96), Image.Resampling.BILINEAR)
    # Near its edges a crop has lost what lies beyond them.
    inner = slice(4, -4), slice(4, -4)
    for kind in (topic.THETA, topic.CORNERS, topic.OPENCV, topic.PIL, topic.BOX):
        ours = proof.outputs[kind].numpy()
        assert np.abs(ours - np.asarray(resized))[inner].max() < 1e-4, kind


def test_textbook_numbers() -> None:
    # OpenCV's documented use: move right by 7 and down by 3, input to output.
    found = convert(Asked(topic.OPENCV, "np.array([[1, 0, 7], [0, 1, 3]])", 20, 28, 20, 28))
    assert found.spelling(topic.INVERSE).numbers == ((1, 0, -7), (0, 1, -3))
    assert found.spelling(topic.PIL).numbers == ((1, 0, -7, 0, 1, -3),)
    assert found.spelling(topic.THETA).numbers == ((1, 0, -0.5), (0, 1, -0.3))
    assert found.spelling(topic.TORCHVISION).numbers == ((1, 0, -7, 0, 1, -3),)
    assert found.spelling(topic.BOX).numbers == ((-7, -3, 21, 17),)
    # The whole picture is the identity, but with align_corners=True at another size too.
    whole = convert(Asked(topic.BOX, "0 0 28 20", 20, 28, 50, 70))
    assert whole.spelling(topic.THETA).numbers == ((1, 0, 0), (0, 1, 0))
    assert whole.spelling(topic.CORNERS).numbers != ((1, 0, 0), (0, 1, 0))


@given(asked())
@settings(max_examples=EXAMPLES)
def test_every_library_warps_the_picture_alike_by_its_own_numbers(one: Asked) -> None:
    found = convert(one)
    proof = prove(found)
    assert set(proof.outputs) == {each.kind for each in found.spellings if each.numbers}
    for check in proof.checks.values():
        assert check.holds, check
        assert check.kind == Kind.INDEPENDENT


@pytest.mark.parametrize("kind", topic.KINDS)
def test_the_code_shown_runs_and_is_what_was_proved(kind: str, tmp_path: Path) -> None:
    found = convert(Asked(topic.BOX, "3, 5, 50, 33", 40, 64, 40, 64))
    proof = prove(found)
    np.save(tmp_path / "source.npy", proof.source.numpy())
    lines = found.spelling(kind).code.split("\n")
    (at,) = [n for n, line in enumerate(lines) if line.startswith("image = ")]
    for image in (lines[at], _own(kind, tmp_path)):
        code = tmp_path / "code.py"
        code.write_text("\n".join([*lines[:at], image, *lines[at + 1 :]]))
        output = runpy.run_path(str(code))["output"]
    assert np.array_equal(np.squeeze(np.asarray(output)), proof.outputs[kind].numpy())


def _own(kind: str, folder: Path) -> str:
    """The line that reads the proof's picture in place of noise."""
    loaded = f'__import__("numpy").load("{folder / "source.npy"}")'
    if kind in (topic.THETA, topic.CORNERS):
        return f"image = torch.from_numpy({loaded})[None, None]"
    if kind == topic.TORCHVISION:
        return f"image = torch.from_numpy({loaded})[None]"
    return f"image = {loaded if 'opencv' in kind else f'Image.fromarray({loaded})'}"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"matrix": "1 0 0 0 1"}, "matrix must be 2 by 3, 3 by 3, or six numbers, got 5 numbers"),
        (
            {"matrix": "[[1,0],[0,1]]"},
            "matrix must be 2 by 3, 3 by 3, or six numbers, got 2 by 2 numbers",
        ),
        (
            {"matrix": "1,0,0;0,1,0;0.1,0,1"},
            "matrix must have 0, 0, 1 as its last row, got (0.1, 0.0, 1.0)",
        ),
        ({"matrix": "1,0,inf,0,1,0"}, "matrix must hold numbers from -1e+06 to 1e+06, got inf"),
        ({"matrix": "1,0,nan,0,1,0"}, "matrix must hold numbers from -1e+06 to 1e+06, got nan"),
        (
            {"kind": topic.OPENCV, "matrix": "0.1,0.2,0;0.3,0.6,1"},
            "matrix must be invertible to lead from input to output and back, "
            "got [0.1, 0.2], [0.3, 0.6]",
        ),
        (
            {"kind": topic.BOX, "matrix": "5,5,5,9"},
            "matrix must be a box with x0 < x1 and y0 < y1, got (5.0, 5.0, 5.0, 9.0)",
        ),
        (
            {"kind": topic.BOX, "matrix": "1,0,0;0,1,0"},
            "matrix must be four numbers x0, y0, x1, y1 for a box, got 2 by 3 numbers",
        ),
        (
            {"kind": topic.TORCHVISION, "out_width": 64},
            "output size must equal input size for torchvision's affine, which keeps it, "
            "got 128 by 64 from 128 by 128",
        ),
        (
            {"kind": topic.CORNERS, "out_height": 1},
            "sides must be 2 pixels or more for align_corners=True, which puts -1 and 1 on two "
            "pixels, got 1",
        ),
    ],
)
def test_bad_input_is_refused_with_the_rule_and_the_value(
    changes: dict[str, str | int], says: str
) -> None:
    with pytest.raises(ValueError) as caught:
        convert(Asked(**changes))  # type: ignore[arg-type]
    assert str(caught.value) == says


def test_a_singular_theta_is_said_by_all_but_the_way_from_input_to_output() -> None:
    found = convert(Asked(matrix="1, 1, 0; 1, 1, 0"))
    assert found.spelling(topic.OPENCV).why_not.startswith("The matrix from output to input must")
    assert found.spelling(topic.OPENCV).code == ""
    assert all(check.holds for check in prove(found).checks.values())


def test_what_cannot_be_compared_is_not_said_to_hold() -> None:
    outside = prove(convert(Asked(topic.BOX, "500, 500, 600, 600")))
    assert outside.checks == {}
    assert outside.sentence.startswith("No output pixel reads inside the input")
    large = prove(convert(Asked(in_height=4000, in_width=3000)))
    assert large.checks == large.outputs == {}
    assert large.sentence == "Pictures above a million pixels are not warped here."


def test_rounding_that_could_hide_a_shift_is_not_called_agreement() -> None:
    # Terms of half a million pixels cancel: float32 has no tenths of a pixel left there.
    proof = prove(convert(Asked(topic.INVERSE, "9000, -9000, 0; 0, 1, 0")))
    assert set(proof.checks) == {topic.PIL}
    assert proof.checks[topic.PIL].holds
    assert "Left out, for too much rounding: theta, align_corners=False;" in proof.sentence


def test_how_much_was_compared_is_counted() -> None:
    half = convert(Asked(topic.BOX, "-4, 0, 4, 8", 8, 8, 8, 8))
    assert prove(half).sentence.startswith("Compared: 32 of 64 output pixels, those that read")
    whole = convert(Asked(topic.BOX, "2, 2, 6, 6", 8, 8, 8, 8))
    assert prove(whole).sentence == "Compared: all 64 output pixels."


@pytest.mark.parametrize(
    ("matrix", "says"),
    [
        ("1, 0.1, 0; 0, 1, 0", "It turns, leans or mirrors the picture, which no crop does."),
        ("-1, 0, 9; 0, 1, 0", "It turns, leans or mirrors the picture, which no crop does."),
        ("0, 0, 9; 0, 1, 0", "It reads from a single line or point, which is no box."),
    ],
)
def test_a_map_that_is_no_crop_says_why(matrix: str, says: str) -> None:
    assert convert(Asked(topic.INVERSE, matrix)).spelling(topic.BOX).why_not == says


def test_the_theta_of_a_view_keeps_its_flag_and_sizes() -> None:
    view = AffineGrid(degrees=90.0, align_corners=True, width=50)
    one = of_view(view, (96, 192))
    shown = explain(view, image=torch.zeros(3, 96, 192)).theta
    numbers = convert(one).spelling(topic.CORNERS).numbers
    assert np.array(numbers) == pytest.approx(shown.numpy(), rel=1e-6, abs=1e-7)
    assert (one.kind, one.in_size, one.out_size) == (topic.CORNERS, (96, 192), (96, 50))


# A map that every convention can say, on a picture that is not square.
ALL = Asked(topic.BOX, "3, 5, 50, 33", 40, 64, 40, 64)


def run() -> tuple[Check, ...]:
    return tuple(prove(convert(ALL)).checks.values())


def frames(monkeypatch: pytest.MonkeyPatch, change: object) -> None:
    """Lead positions to pixels by a changed call of the right function."""
    right = topic._frames
    monkeypatch.setattr(topic, "_frames", lambda *given: right(*change(*given)))  # type: ignore[operator]


def other_numbers(monkeypatch: pytest.MonkeyPatch, kind: str, change: object) -> None:
    """Change what one convention's numbers come out as."""
    right = topic.from_pixels

    def wrong(which: str, *rest: object) -> topic.Rows:
        if which != kind:
            return right(which, *rest)  # type: ignore[arg-type]
        return change(right, *rest)  # type: ignore[operator, no-any-return]

    monkeypatch.setattr(topic, "from_pixels", wrong)


def without_half(monkeypatch: pytest.MonkeyPatch) -> None:
    frames(
        monkeypatch,
        lambda kind, *sizes: (topic.INVERSE if kind == topic.PIL else kind, *sizes),
    )


def flags_swapped(monkeypatch: pytest.MonkeyPatch) -> None:
    swap = {topic.THETA: topic.CORNERS, topic.CORNERS: topic.THETA}
    frames(monkeypatch, lambda kind, *sizes: (swap.get(kind, kind), *sizes))


def sides_swapped(monkeypatch: pytest.MonkeyPatch) -> None:
    frames(monkeypatch, lambda kind, ins, outs: (kind, ins[::-1], outs[::-1]))


def middle_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    frames(
        monkeypatch,
        lambda kind, *sizes: (topic.INVERSE if kind == topic.TORCHVISION else kind, *sizes),
    )


def not_inverted(monkeypatch: pytest.MonkeyPatch) -> None:
    other_numbers(monkeypatch, topic.OPENCV, lambda right, *rest: right(topic.INVERSE, *rest))


def y_before_x(monkeypatch: pytest.MonkeyPatch) -> None:
    other_numbers(
        monkeypatch, topic.INVERSE, lambda right, *rest: right(topic.INVERSE, *rest)[::-1]
    )


def flag_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cv2, "WARP_INVERSE_MAP", 0)


def last_pixel_included(monkeypatch: pytest.MonkeyPatch) -> None:
    right = topic.to_pixels

    def wrong(kind: str, numbers: topic.Rows, *sizes: topic.Size) -> topic.Array:
        if kind == topic.BOX:
            x0, y0, x1, y1 = numbers[0]
            numbers = ((x0, y0, x1 + 1, y1 + 1),)
        return right(kind, numbers, *sizes)

    monkeypatch.setattr(topic, "to_pixels", wrong)


NAMES = topic.NAMES
TWINS = [
    Twin("PIL's half pixel is forgotten", (f"{NAMES[topic.PIL]}:",), without_half),
    Twin(
        "align_corners is swapped",
        (f"{NAMES[topic.THETA]}:", f"{NAMES[topic.CORNERS]}:"),
        flags_swapped,
    ),
    Twin(
        "height and width are swapped",
        (f"{NAMES[topic.THETA]}:", f"{NAMES[topic.CORNERS]}:", f"{NAMES[topic.TORCHVISION]}:"),
        sides_swapped,
    ),
    Twin("the middle is the first pixel", (f"{NAMES[topic.TORCHVISION]}:",), middle_forgotten),
    Twin("the forward matrix is the one back", (f"{NAMES[topic.OPENCV]}:",), not_inverted),
    Twin("y comes before x", (f"{NAMES[topic.INVERSE]}:",), y_before_x),
    Twin("WARP_INVERSE_MAP is forgotten", (f"{NAMES[topic.INVERSE]}:",), flag_forgotten),
    Twin("the box includes x1 and y1", (f"{NAMES[topic.BOX]}:",), last_pixel_included),
]


def test_every_check_has_a_wrong_twin() -> None:
    check_that_twins_cover(run, TWINS)
    assert len(run()) == len(topic.KINDS)


@pytest.mark.parametrize("twin", TWINS, ids=lambda twin: twin.name)
def test_a_wrong_twin_is_seen(twin: Twin, monkeypatch: pytest.MonkeyPatch) -> None:
    check_that_a_twin_is_seen(run, twin, monkeypatch)


def test_a_turn_by_hand_meets_opencv_s_own_rotation_matrix() -> None:
    # cv2's angle is counter-clockwise about a point, input to output.
    matrix = cv2.getRotationMatrix2D((31.5, 19.5), 30.0, 1.0)
    found = convert(
        Asked(topic.OPENCV, spelled(tuple(map(tuple, matrix.tolist()))), 40, 64, 40, 64)
    )
    (theta_x, theta_y), aspect = found.spelling(topic.THETA).numbers, 64 / 40
    cos, sin = math.cos(math.pi / 6), math.sin(math.pi / 6)
    assert theta_x == pytest.approx((cos, -sin / aspect, 0), abs=1e-9)
    assert theta_y == pytest.approx((sin * aspect, cos, 0), abs=1e-9)
