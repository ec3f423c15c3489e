"""Theta, warp and the rules of affine_grid, against libraries and loops that share no code."""

import itertools
import math
import runpy

import cv2
import numpy as np
import pytest
import torch
import torch.nn.functional as F
import torchvision.transforms.v2.functional as tv
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torch import Tensor
from torchvision.transforms import InterpolationMode

from explainers.pictures import picture
from explainers.sampling import affine_grid as ag
from explainers.sampling.affine_grid.reference import slow_warp

angles = st.floats(-180, 180)
scales = st.floats(0.3, 3)
shears = st.floats(-50, 50)
moves = st.floats(-1, 1)
aspects = st.sampled_from([0.5, 1.0, 1.5, 2.0])
thetas = st.builds(
    lambda degrees, sx, sy, shear, tx, ty, aspect: ag.rotation(
        degrees, scale=(sx, sy), shear=shear, translate=(tx, ty), aspect=aspect
    ),
    angles,
    scales,
    scales,
    shears,
    moves,
    moves,
    aspects,
)
sides = st.integers(1, 12)
sizes = st.tuples(sides, sides)


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def dot(height: int, width: int, row: int, column: int) -> Tensor:
    image = torch.zeros(1, height, width)
    image[0, row, column] = 1
    return image


def where(image: Tensor) -> tuple[int, int]:
    """Row and column of the brightest pixel."""
    flat = int(image[0].argmax())
    return flat // image.shape[2], flat % image.shape[2]


# --- what theta does on screen ---


def test_a_positive_angle_turns_counter_clockwise_on_screen() -> None:
    right_of_centre = dot(65, 65, 32, 52)
    assert where(ag.warp(right_of_centre, ag.rotation(90.0)).output) == (12, 32)


def test_a_positive_translate_moves_right_and_down_by_half_sizes() -> None:
    theta = ag.rotation(0.0, translate=(0.5, 0.25))
    assert where(ag.warp(dot(40, 80, 10, 20), theta).output) == (15, 40)


def test_scale_two_enlarges_twice() -> None:
    square = torch.zeros(1, 64, 64)
    square[:, 24:40, 24:40] = 1
    grown = ag.warp(square, ag.rotation(0.0, scale=(2.0, 2.0))).output
    assert grown.sum() / square.sum() == pytest.approx(4.0, rel=1e-4)


def test_a_positive_shear_leans_the_top_edge_right() -> None:
    top = dot(65, 65, 12, 32)
    row, column = where(ag.warp(top, ag.rotation(0.0, shear=45.0)).output)
    assert (row, column) == (12, 52)


def test_the_order_is_scale_then_shear_then_turn_then_move() -> None:
    at_once = ag.rotation(30.0, scale=(1.5, 0.8), shear=20.0, translate=(0.3, -0.2))
    stepwise = ag.rotation(0.0, scale=(1.5, 0.8))
    for step in (
        ag.rotation(0.0, shear=20.0),
        ag.rotation(30.0),
        ag.rotation(0.0, translate=(0.3, -0.2)),
    ):
        stepwise = ag.compose(stepwise, step)
    torch.testing.assert_close(at_once, stepwise, atol=1e-6, rtol=0)


@pytest.mark.parametrize("aspect", [0.5, 1.0, 2.0])
def test_rotation_agrees_with_torchvision_affine_up_to_the_angles_sign(aspect: float) -> None:
    image = picture("card") if aspect == 1 else picture("wide")
    image = image.mT.contiguous() if aspect < 1 else image
    _, height, width = image.shape
    theta = ag.rotation(
        25.0,
        scale=(1.2, 1.2),
        shear=-15.0,
        translate=(16 / (width / 2), 8 / (height / 2)),
        aspect=aspect,
    )
    expected = tv.affine(
        image,
        angle=-25.0,
        translate=[16, 8],
        scale=1.2,
        shear=[-15.0, 0.0],
        interpolation=InterpolationMode.BILINEAR,
    )
    assert (ag.warp(image, theta).output - expected).abs().max() < 1e-4


def test_a_quarter_turn_of_a_wide_picture_keeps_squares_square() -> None:
    square = torch.zeros(1, 64, 128)
    square[:, 24:40, 56:72] = 1
    kept = ag.warp(square, ag.rotation(90.0, aspect=2.0)).output[0] > 0.5
    squeezed = ag.warp(square, ag.rotation(90.0)).output[0] > 0.5
    extent = lambda mask: (int(mask.any(1).sum()), int(mask.any(0).sum()))  # noqa: E731
    assert extent(kept) == (16, 16)
    assert extent(squeezed) == (8, 32)


def test_four_quarter_turns_give_the_picture_back() -> None:
    card = picture("card")
    turned = card
    for _ in range(4):
        turned = ag.warp(turned, ag.rotation(90.0)).output
    assert (turned - card).abs().max() < 1e-4


@given(angles, scales, scales, shears, moves, moves, aspects)
def test_decompose_reads_back_what_rotation_was_given(
    degrees: float, sx: float, sy: float, shear: float, tx: float, ty: float, aspect: float
) -> None:
    theta = ag.rotation(degrees, scale=(sx, sy), shear=shear, translate=(tx, ty), aspect=aspect)
    motion = ag.decompose(theta, aspect=aspect)
    assert motion.scale == pytest.approx((sx, sy), rel=1e-3)
    assert motion.shear == pytest.approx(shear, abs=0.05)
    assert motion.translate == pytest.approx((tx, ty), abs=1e-3)
    turned = (motion.degrees - degrees + 180) % 360 - 180
    assert turned == pytest.approx(0, abs=0.05)


def test_the_sentence_names_every_motion_and_only_those() -> None:
    assert ag.describe(torch.eye(2, 3)) == "Leaves the picture as it is."
    assert ag.describe(ag.rotation(30.0)) == "Turns the picture 30° counter-clockwise."
    assert ag.describe(ag.rotation(-12.5)) == "Turns the picture 12.5° clockwise."
    whole = ag.describe(ag.rotation(30.0, scale=(2.0, 2.0), shear=10.0, translate=(-0.5, 0.25)))
    assert whole == (
        "Enlarges the picture to 2 times its size, then leans its top edge 10° to the right, "
        "then turns it 30° counter-clockwise, then moves it left by 25% of the width and "
        "down by 12.5% of the height."
    )
    assert "mirrors" in ag.describe(torch.tensor([[1.0, 0, 0], [0, -1, 0]])).lower()
    assert "width by 2 and height by 0.5" in ag.describe(ag.rotation(0.0, scale=(2.0, 0.5)))


# --- laws ---


@given(thetas, thetas)
def test_compose_is_the_grid_of_a_grid(first: Tensor, then: Tensor) -> None:
    points = noise(5, 2) * 2 - 1
    apply = lambda theta, p: p @ theta[:, :2].double().T + theta[:, 2].double()  # noqa: E731
    torch.testing.assert_close(
        apply(ag.compose(first, then), points),
        apply(first, apply(then, points)),
        atol=1e-4,
        rtol=1e-4,
    )


def test_warping_by_a_then_b_is_one_warp_by_a_at_b_and_not_b_at_a() -> None:
    y, x = torch.meshgrid(torch.linspace(-1, 1, 96), torch.linspace(-1, 1, 96), indexing="ij")
    smooth = torch.exp(-6 * ((x - 0.2) ** 2 + (y + 0.1) ** 2))[None]
    a, b = ag.rotation(30.0), ag.rotation(0.0, translate=(0.3, 0.0))
    two_steps = ag.warp(ag.warp(smooth, a).output, b).output
    assert (ag.warp(smooth, ag.compose(a, b)).output - two_steps).abs().max() < 0.02
    assert (ag.warp(smooth, ag.compose(b, a)).output - two_steps).abs().max() > 0.1


@given(thetas)
def test_a_theta_and_its_inverse_compose_to_the_identity(theta: Tensor) -> None:
    inverse = ag.invert(theta)
    size = 1 + float(theta.abs().sum() * inverse.abs().sum())
    for product in (ag.compose(theta, inverse), ag.compose(inverse, theta)):
        assert (product - torch.eye(2, 3)).abs().max() < 1e-6 * size


@pytest.mark.filterwarnings("ignore:Since version 1.3.0")
@given(sizes, st.booleans(), thetas)
@settings(max_examples=60)
def test_pixel_matrix_says_where_affine_grid_reads(
    size: tuple[int, int], align_corners: bool, theta: Tensor
) -> None:
    in_size = (9, 14)
    matrix = ag.pixel_matrix(theta, in_size, size, align_corners=align_corners)
    grid = F.affine_grid(theta[None].double(), [1, 1, *size], align_corners=align_corners)[0]
    extent = torch.tensor([in_size[1], in_size[0]], dtype=torch.float64)
    pixels = (grid + 1) / 2 * (extent - 1) if align_corners else ((grid + 1) * extent - 1) / 2
    y, x = np.meshgrid(np.arange(size[0]), np.arange(size[1]), indexing="ij")
    expected = np.stack([x, y, np.ones_like(x)], axis=-1) @ matrix.T
    np.testing.assert_allclose(pixels.numpy(), expected, atol=1e-9)
    assert matrix.dtype == np.float64
    assert matrix.shape == (2, 3)


# --- warp against references ---


@given(
    thetas,
    st.tuples(st.integers(1, 7), st.integers(1, 7)),
    st.tuples(st.integers(1, 7), st.integers(1, 7)),
    st.sampled_from(ag.MODES),
    st.sampled_from(ag.PADDING_MODES),
    st.booleans(),
)
@settings(max_examples=120)
def test_warp_equals_a_loop_over_pixels(
    theta: Tensor,
    in_size: tuple[int, int],
    out_size: tuple[int, int],
    mode: str,
    padding_mode: str,
    align_corners: bool,
) -> None:
    image = noise(2, *in_size)
    theta = theta.double()
    matrix = ag.pixel_matrix(theta, in_size, out_size, align_corners=align_corners)
    if mode == "nearest":
        # A read half-way between two pixels may go either way in another order of additions.
        y, x = np.meshgrid(np.arange(out_size[0]), np.arange(out_size[1]), indexing="ij")
        reads = np.stack([x, y, np.ones_like(x)], axis=-1) @ matrix.T
        tied = (np.abs(reads % 1 - 0.5) < 1e-6).any(axis=-1)
    else:
        tied = np.zeros(out_size, dtype=bool)
    options = {"mode": mode, "padding_mode": padding_mode, "align_corners": align_corners}
    slow = slow_warp(image.numpy(), matrix, out_size, **options)
    fast = ag.warp(image, theta, size=out_size, **options).output.numpy()
    np.testing.assert_allclose(fast[:, ~tied], slow[:, ~tied], atol=1e-9)


@given(thetas, st.sampled_from(["bilinear", "bicubic"]), st.booleans())
@settings(max_examples=40)
def test_warp_equals_opencv_through_the_pixel_matrix(
    theta: Tensor, mode: str, align_corners: bool
) -> None:
    image = picture("wide")
    out_size = (70, 110)
    matrix = ag.pixel_matrix(theta, (96, 192), out_size, align_corners=align_corners)
    flag = {"bilinear": cv2.INTER_LINEAR, "bicubic": cv2.INTER_CUBIC}[mode]
    expected = cv2.warpAffine(
        np.ascontiguousarray(image.permute(1, 2, 0).numpy()),
        matrix,
        (110, 70),
        flags=flag | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_CONSTANT,
    )
    got = ag.warp(image, theta, size=out_size, mode=mode, align_corners=align_corners).output
    slope = max(1.0, float(np.abs(matrix).max()) / 192)
    assert np.abs(got.permute(1, 2, 0).numpy() - expected).max() < 3e-4 * slope


@pytest.mark.parametrize("mode", ag.MODES)
@pytest.mark.parametrize("align_corners", [False, True])
def test_the_identity_gives_the_picture_back(mode: str, align_corners: bool) -> None:
    image = noise(3, 11, 7)
    same = ag.warp(image, torch.eye(2, 3), mode=mode, align_corners=align_corners)
    torch.testing.assert_close(same.output, image, atol=1e-6, rtol=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16, torch.bfloat16])
def test_warp_keeps_the_images_dtype_and_leaves_its_arguments_alone(dtype: torch.dtype) -> None:
    image, theta = noise(2, 6, 5).to(dtype), ag.rotation(20.0)
    before = image.clone(), theta.clone()
    result = ag.warp(image, theta, size=(4, 9))
    assert result.output.dtype == dtype
    assert result.output.shape == (2, 4, 9)
    assert result.grid.shape == (4, 9, 2)
    assert torch.equal(image, before[0])
    assert torch.equal(theta, before[1])


def test_gradients_reach_image_and_theta() -> None:
    image = noise(1, 6, 6).requires_grad_()
    theta = ag.rotation(20.0).double().requires_grad_()
    assert torch.autograd.gradcheck(lambda i, t: ag.warp(i, t).output, (image, theta))


# --- bad input ---

IMAGE = torch.zeros(1, 4, 4)
EYE = torch.eye(2, 3)
BAD = [
    (lambda: ag.rotation(math.nan), "degrees must be a finite number, got nan"),
    (lambda: ag.rotation(math.inf), "degrees must be a finite number, got inf"),
    (lambda: ag.rotation(True), "degrees must be a finite number, got True"),
    (lambda: ag.rotation("30"), "degrees must be a finite number, got 30"),
    (lambda: ag.rotation(0.0, scale=(0.0, 1.0)), "scale must be two numbers other than 0"),
    (lambda: ag.rotation(0.0, scale=(1.0,)), "scale must be two finite numbers"),
    (lambda: ag.rotation(0.0, scale=2.0), "scale must be two finite numbers"),
    (lambda: ag.rotation(0.0, scale=(math.nan, 1.0)), "scale must be two finite numbers"),
    (lambda: ag.rotation(0.0, scale=(1e-60, 1.0)), "scale must be such that theta stays"),
    (lambda: ag.rotation(0.0, scale=(1e60, 1.0)), "scale must be such that theta stays"),
    (lambda: ag.rotation(0.0, shear=90.0), "shear must be between -90 and 90 degrees, got 90.0"),
    (lambda: ag.rotation(0.0, shear=math.nan), "shear must be a finite number, got nan"),
    (lambda: ag.rotation(0.0, translate=(math.inf, 0.0)), "translate must be two finite numbers"),
    (lambda: ag.rotation(0.0, aspect=0.0), "aspect must be positive, got 0.0"),
    (lambda: ag.rotation(0.0, aspect=-2.0), "aspect must be positive, got -2.0"),
    (lambda: ag.compose(torch.eye(3), EYE), r"first must have shape \(2, 3\), got \(3, 3\)"),
    (lambda: ag.compose(EYE, EYE * math.nan), "then must be finite"),
    (lambda: ag.compose(EYE, EYE.long()), "then must be floating point, got torch.int64"),
    (lambda: ag.compose(EYE * 1e30, EYE * 1e30), "first must be small enough"),
    (lambda: ag.invert(torch.zeros(2, 3)), "theta must be invertible, got a matrix with det"),
    (lambda: ag.invert(torch.tensor([[0.1, 0.3, 0], [0.3, 0.9, 0]])), "theta must be invertible"),
    (lambda: ag.invert([[1, 0, 0], [0, 1, 0]]), "theta must be a Tensor"),
    (lambda: ag.decompose(EYE, aspect=0.0), "aspect must be positive"),
    (lambda: ag.pixel_matrix(EYE, (0, 4), (4, 4), align_corners=False), "in_size must be a height"),
    (lambda: ag.pixel_matrix(EYE, (4, 4), (4, 9999), align_corners=False), "out_size must be a"),
    (lambda: ag.pixel_matrix(EYE, (4, 4), (4.0, 4), align_corners=False), "out_size must be a"),
    (lambda: ag.warp(torch.zeros(4, 4), EYE), r"image must be a Tensor of shape \(C, H, W\)"),
    (lambda: ag.warp(torch.zeros(1, 0, 4), EYE), "image must have a channel and sides from 1"),
    (lambda: ag.warp(torch.zeros(0, 4, 4), EYE), "image must have a channel and sides from 1"),
    (lambda: ag.warp(IMAGE.byte(), EYE), "image must be floating point, got torch.uint8"),
    (lambda: ag.warp(IMAGE / 0, EYE), "image must be finite"),
    (lambda: ag.warp(IMAGE, torch.zeros(3, 3)), "theta must have shape"),
    (lambda: ag.warp(IMAGE, EYE * math.inf), "theta must be finite"),
    (lambda: ag.warp(IMAGE, EYE, mode="../../etc/passwd"), "mode must be one of bilinear, nearest"),
    (lambda: ag.warp(IMAGE, EYE, mode=None), "mode must be one of"),
    (lambda: ag.warp(IMAGE, EYE, padding_mode="wrap"), "padding_mode must be one of zeros, bord"),
    (lambda: ag.warp(IMAGE, EYE, size=(0, 4)), "size must be a height and a width from 1 to"),
    (lambda: ag.warp(IMAGE, EYE, size=(4, 10**6)), "size must be a height and a width from 1 to"),
    (lambda: ag.warp(IMAGE, EYE, size=4), "size must be a height and a width from 1 to"),
    (lambda: ag.warp(IMAGE, EYE, align_corners=None), "align_corners must be True or False"),
    (lambda: ag.warp(IMAGE, EYE, device="cuda:99"), "device must be one of cpu"),
    (lambda: ag.warp(IMAGE, EYE, device="meta"), "device must be one of cpu"),
]


@pytest.mark.parametrize(("call", "sentence"), BAD)
def test_bad_input_gets_a_sentence_that_names_rule_and_value(call, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        call()


def test_a_matrix_that_squeezes_but_does_not_flatten_can_be_inverted() -> None:
    thin = ag.rotation(45.0, scale=(1e-4, 1.0))
    product = ag.compose(thin, ag.invert(thin))
    assert (product - EYE).abs().max() < 1e-2


def test_a_mirror_is_a_legal_scale() -> None:
    assert where(ag.warp(dot(9, 9, 4, 1), ag.rotation(0.0, scale=(-1.0, 1.0))).output) == (4, 7)


# --- the page's checks, claims, snippet, settings ---


@pytest.mark.parametrize("check", ag.checks(), ids=lambda check: check.statement[:60])
def test_every_check_of_the_page_holds(check) -> None:
    assert check.holds, f"{check.error} > {check.tolerance}"


@pytest.mark.parametrize("preset", ag.PRESETS, ids=lambda preset: preset.name)
def test_every_check_of_every_presets_view_holds(preset) -> None:
    for check in ag.view_checks(ag.explain(preset.parameters)):
        assert check.holds, check


VERDICTS = {
    "The first example's theta": "wrong",
    "theta = [[0.707, 0.707, 0]": "holds with a condition",
    "grid_sample samples backward": "holds",
    "The offsets in theta": "holds with a condition",
    "In the grid, x = -1": "holds with a condition",
    "align_corners chooses": "wrong",
    "align_corners must be the same": "holds",
    "affine_grid takes theta": "holds",
    "Both functions are called": "obsolete",
    "theta is [[scale_x": "holds with a condition",
    "A spatial transformer": "holds with a condition",
}


def test_the_notes_get_their_verdicts_from_what_torch_does_now() -> None:
    found = {claim.says: str(claim.verdict) for claim in ag.claims()}
    assert len(found) == len(VERDICTS)
    for beginning, verdict in VERDICTS.items():
        (says,) = (says for says in found if says.startswith(beginning))
        assert found[says] == verdict, says


def test_the_notes_45_degrees_come_out_as_13_on_a_wide_picture() -> None:
    (claim,) = (c for c in ag.claims() if c.says.startswith("theta = [[0.707"))
    assert "45.0° clockwise on 101x101, 13." in claim.measured


SNIPPETS = [preset.parameters for preset in ag.PRESETS] + [
    ag.AffineGrid(
        degrees=-70.0,
        scale_x=1.5,
        scale_y=0.5,
        shear=25.0,
        translate_x=0.35,
        translate_y=-0.6,
        mode=mode,
        padding_mode=padding_mode,
        align_corners=align_corners,
        picture=name,
        height=height,
    )
    for (mode, padding_mode), align_corners, name, height in zip(
        itertools.product(ag.MODES, ag.PADDING_MODES),
        itertools.cycle([True, False]),
        itertools.cycle(["wide", "card", "zone_plate"]),
        itertools.cycle([0, 48]),
        strict=False,
    )
]


@pytest.mark.parametrize("parameters", SNIPPETS)
def test_the_snippet_makes_exactly_the_view(parameters, monkeypatch, tmp_path) -> None:
    monkeypatch.chdir("assets/pictures")
    (tmp_path / "snippet.py").write_text(ag.snippet(parameters))
    made = runpy.run_path(str(tmp_path / "snippet.py"))
    view = ag.explain(parameters)
    torch.testing.assert_close(made["theta"], view.theta, atol=1e-6, rtol=1e-6)
    assert made["output"].shape == view.warp.output.shape
    if parameters.mode == "nearest":
        # A theta that differs in its last bit may read the neighbour on a tie.
        assert (made["output"] != view.warp.output).float().mean() < 0.01
    else:
        assert (made["output"] - view.warp.output).abs().max() < 1e-4


@pytest.mark.filterwarnings("ignore:Since version 1.3.0, affine_grid behavior has changed")
@pytest.mark.parametrize("align_corners", [True, False])
@pytest.mark.parametrize(
    ("size", "frame"), [((1, 16), {}), ((12, 1), {}), ((1, 16), {"height": 8}), ((9, 16), {})]
)
def test_the_snippet_takes_a_picture_one_pixel_high(
    size: tuple[int, int], frame: dict[str, int], align_corners: bool, monkeypatch, tmp_path
) -> None:
    parameters = ag.AffineGrid(align_corners=align_corners, **frame)
    values = torch.randint(256, (*size, 3), generator=torch.Generator().manual_seed(0))
    Image.fromarray(values.byte().numpy()).save(tmp_path / "mine.png")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "snippet.py").write_text(ag.snippet(parameters, file="mine.png"))
    made = runpy.run_path("snippet.py")
    view = ag.explain(parameters, image=values.permute(2, 0, 1) / 255)
    torch.testing.assert_close(made["theta"], view.theta, atol=1e-6, rtol=1e-6)
    torch.testing.assert_close(made["output"], view.warp.output, atol=1e-4, rtol=1e-4)


def test_the_table_holds_every_output_pixel() -> None:
    view = ag.explain(ag.AffineGrid(height=8, width=16))
    header, *rows = ag.table(view).splitlines()
    assert header == "row,column,x,y,channel_0,channel_1,channel_2"
    assert len(rows) == 8 * 16
    row, column, x, y, *colours = map(float, rows[37].split(","))
    assert (row, column) == (2, 5)
    assert [x, y] == pytest.approx(view.warp.grid[2, 5].tolist(), abs=1e-6)
    assert colours == pytest.approx(view.warp.output[:, 2, 5].tolist(), abs=1e-6)


def test_typing_theta_starts_from_what_the_sliders_made() -> None:
    sliders = ag.AffineGrid(degrees=40.0, scale_x=1.5, shear=10.0, translate_y=0.3)
    typed = ag.typed(sliders, (160, 160))
    assert typed.by_hand
    assert (typed.theta(1.0) - sliders.theta(1.0)).abs().max() < 6e-4


def test_a_turn_of_a_wide_picture_is_called_one_only_with_its_aspect() -> None:
    settings = {"degrees": 45.0, "picture": "wide"}
    corrected = ag.explain(ag.AffineGrid(**settings))
    assert corrected.sentence == "Turns the picture 45° counter-clockwise."
    sheared = ag.explain(ag.AffineGrid(**settings, keep_aspect=False))
    assert "leans its top edge" in sheared.sentence
    assert "turns it 26.6° counter-clockwise" in sheared.sentence


def test_theta_of_all_zeros_shows_a_sentence_and_still_a_picture() -> None:
    zeros = dict.fromkeys(ag.THETA_FIELDS, 0.0)
    view = ag.explain(ag.AffineGrid(by_hand=True, **zeros))
    assert "theta must be invertible" in view.problem
    assert view.sentence == ""
    assert float(view.warp.output.std(dim=(1, 2)).max()) < 1e-6
    for check in ag.view_checks(view):
        assert check.holds


def test_the_lattice_is_drawn_where_torch_reads() -> None:
    view = ag.explain(ag.AffineGrid(degrees=20.0, picture="wide", width=64, height=32))
    matrix = ag.pixel_matrix(view.theta, (96, 192), (32, 64), align_corners=False)
    for ends, reads in zip(
        view.output_lines.reshape(-1, 2), view.lines.reshape(-1, 2), strict=True
    ):
        np.testing.assert_allclose(reads.numpy(), matrix @ [*ends.tolist(), 1.0], atol=1e-3)


def test_the_loupe_shows_the_same_warp_and_its_sums_come_out() -> None:
    view = ag.explain(ag.AffineGrid(mode="bicubic", align_corners=True))
    flat = view.tiny.flatten()
    links = view.links
    sums = (links.weights * flat[links.indices.clamp(min=0)]).sum(-1)
    assert (sums - view.tiny_output).abs().max() < 1e-5
    assert links.remainder.max() < 1e-6


# --- descent ---


def test_descent_finds_a_turn_of_thirty_degrees() -> None:
    found = ag.descend(ag.Descent())
    assert found.error < 0.02
    assert found.loss[-1] < 0.01 * found.loss[0]
    assert ag.decompose(found.theta[-1]).degrees == pytest.approx(30, abs=1)
    assert found.frames.shape == (61, 64, 64)


def test_descent_without_blur_is_trapped_where_a_blurred_start_is_not() -> None:
    assert ag.descend(ag.Descent(blur="none")).error > 0.2


def test_descent_is_the_same_twice() -> None:
    once, again = (ag.descend(ag.Descent(steps=10)) for _ in range(2))
    assert torch.equal(once.theta, again.theta)


def test_the_loupe_shows_the_warp_of_the_chosen_picture_in_its_own_shape() -> None:
    view = ag.explain(ag.AffineGrid(degrees=45.0, picture="wide", keep_aspect=False))
    assert view.tiny_name == "Input, reduced"
    assert view.tiny.shape == (11, 23)
    grid = F.affine_grid(view.theta[None], [1, 1, 11, 23], align_corners=False)
    warped = F.grid_sample(view.tiny[None, None], grid, align_corners=False)[0, 0]
    assert torch.equal(view.tiny_output, warped)


def test_a_picture_that_is_flat_when_reduced_leaves_the_loupe_to_a_letter() -> None:
    view = ag.explain(ag.AffineGrid(picture="zone_plate"))
    assert view.tiny_name == "A small letter"
    assert torch.equal(view.tiny, picture("tiny")[0])


@pytest.mark.parametrize("shape", [(1, 300, 20), (3, 20, 300), (1, 2, 2), (3, 5, 1000)])
def test_a_readers_picture_of_any_shape_has_a_loupe(shape: tuple[int, int, int]) -> None:
    image = torch.rand(shape, generator=torch.Generator().manual_seed(0))
    view = ag.explain(ag.AffineGrid(height=256, width=256), image=image)
    assert max(*view.tiny.shape, *view.tiny_output.shape) <= 32
    assert min(*view.tiny.shape, *view.tiny_output.shape) >= 2
