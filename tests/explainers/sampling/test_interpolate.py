"""Resizing and its rules, against libraries, formulas and matrices that share no code."""

import csv
import importlib
import itertools
import math
import re
import runpy
import shutil
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from PIL import Image
from torch import Tensor

from explainers.evidence import Verdict
from explainers.pictures import picture
from explainers.sampling import interpolate as ip
from explainers.sampling.interpolate.kernels import RADIUS
from explainers.sampling.interpolate.reference import OPENCV, PIL, axis_weights
from explainers.sampling.interpolate.sampling import (
    ANTIALIASED,
    MODES_OF,
    WITHOUT_CORNERS,
    output_size,
    torch_says,
)

FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


def ways() -> list[tuple[int, str, bool | None, bool]]:
    """Every (axes, mode, align_corners, antialias) that torch takes."""
    found = []
    for axes, modes in MODES_OF.items():
        for mode in modes:
            corners = {"lanczos": (False,)}.get(mode, (False, True))
            corners = (None,) if mode in WITHOUT_CORNERS else corners
            smooth = (False, True) if axes == 2 and mode in ANTIALIASED else (False,)
            smooth = (True,) if mode == "lanczos" else smooth
            found += [(axes, mode, *flags) for flags in itertools.product(corners, smooth)]
    return found


WAYS = ways()
PLAIN = [way for way in WAYS if not way[3]]


def noise(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def levels(*shape: int) -> Tensor:
    return (noise(*shape) * 255).round().to(torch.uint8)


def call(way: tuple[int, str, bool | None, bool]) -> dict[str, Any]:
    _, mode, align_corners, antialias = way
    return {"mode": mode, "align_corners": align_corners, "antialias": antialias}


def narrow(in_size: tuple[int, ...], out_size: tuple[int, ...], antialias: bool) -> bool:
    """Where torch errs on the CPU; a test below shows it."""
    return antialias and out_size[-1] == 1 and out_size[0] != in_size[0]


def has_tie(n: int, m: int) -> bool:
    """Whether the centre of any of m outputs falls exactly between two of n inputs."""
    return any((2 * i + 1) * n % (2 * m) == 0 for i in range(m))


@st.composite
def requests(draw: st.DrawFn, ways: list[tuple[int, str, bool | None, bool]] = WAYS) -> Any:
    """A way, the sides of an input, and how its output is asked for."""
    way = draw(st.sampled_from(ways))
    sides = tuple(draw(st.lists(st.integers(1, 8), min_size=way[0], max_size=way[0])))
    if draw(st.booleans()):
        asked = {"size": draw(st.tuples(*[st.integers(1, 13)] * way[0]))}
    else:
        factors = st.sampled_from([0.5, 1.0, 1.1, 1.3, 2.0, 2.5, 3.0]) | st.floats(0.25, 3.5)
        asked = {
            "scale_factor": tuple(max(draw(factors), 1 / side) for side in sides),
            "recompute_scale_factor": draw(st.sampled_from([None, False, True])),
        }
    return way, sides, asked


# --- resize: what the notes print, and what people meet ---


def test_the_notes_tables_come_out_to_the_digit() -> None:
    table = torch.tensor([[[1.0, 2.0], [3.0, 4.0]]])
    assert ip.resize(table, scale_factor=2, mode="nearest").tolist() == [
        [[1, 1, 2, 2], [1, 1, 2, 2], [3, 3, 4, 4], [3, 3, 4, 4]]
    ]
    aligned = ip.resize(table, scale_factor=2, align_corners=True)
    assert [[f"{value:.4f}" for value in row] for row in aligned[0].tolist()] == [
        ["1.0000", "1.3333", "1.6667", "2.0000"],
        ["1.6667", "2.0000", "2.3333", "2.6667"],
        ["2.3333", "2.6667", "3.0000", "3.3333"],
        ["3.0000", "3.3333", "3.6667", "4.0000"],
    ]


def test_nearest_drifts_to_the_left_and_nearest_exact_does_not() -> None:
    five = torch.arange(5.0)[None]
    assert ip.resize(five, size=3, mode="nearest").tolist() == [[0, 1, 3]]
    assert ip.resize(five, size=3, mode="nearest-exact").tolist() == [[0, 2, 4]]


def test_align_corners_true_moves_earlier_outputs_when_a_sample_is_added() -> None:
    two, three = torch.tensor([[0.0, 1.0]]), torch.tensor([[0.0, 1.0, 0.0]])
    double = {"scale_factor": 2, "mode": "linear"}
    firsts = [ip.resize(line, align_corners=True, **double)[0, 1] for line in (two, three)]
    assert [round(float(value), 4) for value in firsts] == [0.3333, 0.4]
    shared = [ip.resize(line, align_corners=False, **double)[0, :3] for line in (two, three)]
    assert torch.equal(*shared)
    assert shared[0].tolist() == [0, 0.25, 0.75]


def test_recompute_scale_factor_reads_at_the_ratio_of_the_rounded_sides() -> None:
    ramp = torch.arange(4.0)[None]
    asked = {"scale_factor": 1.3, "mode": "linear"}
    given_scale = ip.resize(ramp, **asked)[0, 1]
    recomputed = ip.resize(ramp, recompute_scale_factor=True, **asked)[0, 1]
    assert float(given_scale) == pytest.approx(1.5 / 1.3 - 0.5, abs=1e-6)
    assert float(recomputed) == pytest.approx(1.5 * 4 / 5 - 0.5, abs=1e-6)


def test_bicubic_leaves_the_range_of_a_step_by_eleven_percent() -> None:
    step = torch.tensor([[[0.0, 0, 0, 0, 255, 255, 255, 255]]])
    made = ip.resize(step, size=(1, 32), mode="bicubic")
    assert float(made.min()) == pytest.approx(-28.0, abs=0.1)
    assert float(made.max()) == pytest.approx(283.0, abs=0.1)
    saturated = ip.resize(step.to(torch.uint8), size=(1, 32), mode="bicubic")
    assert (int(saturated.min()), int(saturated.max())) == (0, 255)


def test_bilinear_shrinking_skips_pixels_unless_antialias_is_on() -> None:
    dot = torch.zeros(1, 1, 8)
    dot[..., 1] = 1
    plain, smooth = (ip.resize(dot, size=(1, 2), antialias=flag) for flag in (False, True))
    assert plain.flatten().tolist() == [0.5, 0.0]
    assert smooth.flatten().tolist() == [0.25, 0.0]
    dot = dot.roll(-1, -1)
    assert ip.resize(dot, size=(1, 2)).flatten().tolist() == [0.0, 0.0]


def test_a_scale_factor_rounds_the_side_down() -> None:
    assert output_size((5, 7), scale_factor=1.5) == (7, 10)
    assert output_size((5, 7), scale_factor=(0.2, 3)) == (1, 21)
    assert output_size((5, 7), size=9) == (9, 9)


# --- resize: how it treats its caller ---


@pytest.mark.parametrize(
    ("way", "dtype"),
    [
        (way, dtype)
        for way, dtype in itertools.product(WAYS, FLOATS)
        # There is no kernel for these; the message is tested below.
        if not (way[3] and dtype in (torch.float16, torch.bfloat16))
    ],
    ids=str,
)
def test_resize_keeps_dtype_and_leaves_its_input_alone(way, dtype: torch.dtype) -> None:
    image = noise(2, *(5, 6, 4)[: way[0]]).to(dtype)
    before = image.clone()
    made = ip.resize(image, size=7, **call(way))
    assert (made.dtype, made.device.type) == (dtype, "cpu")
    assert made.shape == (2, *[7] * way[0])
    assert torch.equal(image, before)


@pytest.mark.parametrize("mode", ["nearest", "nearest-exact", "bilinear", "bicubic"])
def test_resize_keeps_uint8(mode: str) -> None:
    assert ip.resize(levels(3, 5, 6), size=(4, 9), mode=mode).dtype == torch.uint8


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_channels_together_equal_channels_one_by_one(way) -> None:
    image = noise(4, *(5, 6, 4)[: way[0]])
    together = ip.resize(image, size=7, **call(way))
    single = torch.cat([ip.resize(channel[None], size=7, **call(way)) for channel in image])
    torch.testing.assert_close(together, single, atol=1e-14, rtol=0)


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_gradients_reach_the_image(way) -> None:
    image = noise(1, *(4, 3, 3)[: way[0]]).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: ip.resize(x, size=5, **call(way)), (image,))


def test_a_picture_in_any_memory_order_gives_the_same() -> None:
    image = noise(3, 7, 9)
    turned = image.permute(1, 2, 0).contiguous().permute(2, 0, 1)
    for mode in ("bilinear", "bicubic"):
        for antialias in (False, True):
            arguments = {"size": (4, 12), "mode": mode, "antialias": antialias}
            torch.testing.assert_close(
                ip.resize(turned, **arguments), ip.resize(image, **arguments), atol=1e-14, rtol=0
            )


# --- laws ---


@given(requests())
def test_torch_equals_a_matrix_per_axis(request) -> None:
    way, sides, asked = request
    image = noise(2, *sides)
    out = output_size(sides, **asked)
    assume(not narrow(sides, out, way[3]))
    scale = None if asked.get("recompute_scale_factor") else asked.get("scale_factor")
    slow = ip.slow_resize(
        image,
        out,
        mode=way[1],
        align_corners=bool(way[2]),
        antialias=way[3],
        scale_factor=scale,
    )
    fast = ip.resize(image, **asked, **call(way))
    torch.testing.assert_close(fast, slow, atol=1e-11, rtol=0)


@given(requests())
def test_a_constant_stays_constant(request) -> None:
    way, sides, asked = request
    made = ip.resize(torch.full((1, *sides), 0.7, dtype=torch.float64), **asked, **call(way))
    assert (made - 0.7).abs().max() < 1e-12


@given(requests([way for way in WAYS if way[1] not in ("bicubic", "lanczos")]))
def test_all_but_bicubic_and_lanczos_stay_within_the_range_of_the_input(request) -> None:
    way, sides, asked = request
    image = noise(1, *sides)
    made = ip.resize(image, **asked, **call(way))
    assert float(made.min()) >= float(image.min()) - 1e-12
    assert float(made.max()) <= float(image.max()) + 1e-12


@given(
    # With antialias, align_corners=True reads off centre; nearest does always: it drifts.
    way=st.sampled_from([way for way in WAYS if way[1] != "nearest" and not (way[2] and way[3])]),
    sides=st.tuples(*[st.integers(1, 8)] * 3),
    size=st.tuples(*[st.integers(1, 13)] * 3),
)
def test_resizing_a_mirror_image_mirrors_the_result(way, sides, size) -> None:
    sides, size = sides[: way[0]], size[: way[0]]
    assume(not narrow(sides, size, way[3]))
    # A single output takes the first value, and a read between two pixels the right one.
    assume(not way[2] or min(size) > 1)
    assume(way[1] != "nearest-exact" or not any(map(has_tie, sides, size)))
    image = noise(1, *sides)
    axes = tuple(range(1, way[0] + 1))
    mirrored = ip.resize(image.flip(axes), size=size, **call(way)).flip(axes)
    torch.testing.assert_close(
        mirrored, ip.resize(image, size=size, **call(way)), atol=1e-11, rtol=0
    )


def test_nearest_is_not_its_own_mirror_image() -> None:
    five = torch.arange(5.0)[None]
    mirrored = ip.resize(five.flip(1), size=3, mode="nearest").flip(1)
    assert mirrored.tolist() == [[1, 3, 4]]


@given(
    way=st.sampled_from([way for way in PLAIN if way[2]]),
    sides=st.tuples(*[st.integers(1, 8)] * 3),
    size=st.tuples(*[st.integers(2, 13)] * 3),
)
def test_align_corners_true_keeps_every_corner(way, sides, size) -> None:
    image = noise(2, *sides[: way[0]])
    made = ip.resize(image, size=size[: way[0]], **call(way))
    for corner in itertools.product((0, -1), repeat=way[0]):
        assert (made[:, *corner] - image[:, *corner]).abs().max() < 1e-12


@given(st.integers(1, 12), st.integers(1, 12), st.integers(1, 14), st.integers(1, 14))
def test_bilinear_equals_opencv_and_antialias_equals_pil_at_any_size(
    height: int, width: int, rows: int, columns: int
) -> None:
    image = noise(1, height, width, dtype=torch.float32)
    size = (rows, columns)
    for mode in ("bilinear", "bicubic"):
        made = ip.resize(image, size=size, mode=mode)
        assert (made - ip.opencv_resize(image, size, mode=mode)).abs().max() < 2e-5
    if narrow((height, width), size, True):
        return
    for mode in ANTIALIASED:
        made = ip.resize(image, size=size, mode=mode, antialias=True)
        assert (made - ip.pil_resize(image, size, mode=mode)).abs().max() < 2e-5


def test_area_takes_whole_pixels_where_opencv_weighs_them_by_what_is_covered() -> None:
    ramp = torch.tensor([[[0.0, 1.0, 2.0]]])
    assert ip.resize(ramp, size=(1, 2), mode="area").flatten().tolist() == [0.5, 1.5]
    covered = ip.opencv_resize(ramp, (1, 2), mode="area").flatten()
    assert covered.tolist() == pytest.approx([0.5 / 1.5, 2.5 / 1.5])


def test_bicubic_on_uint8_clamps_between_the_axes() -> None:
    image, size = levels(1, 60, 90), (131, 203)
    ours = ip.resize(image, size=size, mode="bicubic").double()
    once = ip.slow_resize(image, size, mode="bicubic").round().clamp(0, 255)
    rows, columns = (
        torch.from_numpy(axis_weights(n, m, mode="bicubic", axes=2))
        for n, m in zip((60, 90), size, strict=True)
    )
    twice = (rows @ (image.double() @ columns.T).round().clamp(0, 255)).round().clamp(0, 255)
    assert (ours - twice).abs().max() <= 1
    assert (ours - once).abs().max() > 20
    by_opencv = ip.opencv_resize(image, size, mode="bicubic").double()
    assert (by_opencv - once).abs().max() <= 1


# --- what torch itself gets wrong; when one of these fails, torch has mended it: the remark in
# view_checks, the note in resize, and this test can go ---


def test_torch_gives_an_antialiased_column_its_first_rows_weights_everywhere() -> None:
    column = torch.arange(8.0).view(1, 8, 1)
    made = ip.resize(column, size=(4, 1), antialias=True).flatten()
    assert made.tolist() == [made[0]] * 4
    assert ip.pil_resize(column, (4, 1), mode="bilinear").flatten().tolist() == pytest.approx(
        ip.resize(column.expand(1, 8, 2), size=(4, 2), antialias=True)[0, :, 0].tolist()
    )
    eight = "; ".join(str(value) for value in range(6))
    view = ip.explain(
        ip.Interpolate(
            input="table",
            table=eight,
            mode="bilinear",
            antialias=True,
            given="size",
            size=3,
            width=1,
        )
    )
    failed = [check for check in ip.view_checks(view) if not check.holds]
    assert failed
    assert all("first row's weights" in check.remark for check in failed)


def test_torchs_backward_pass_reads_elsewhere_where_a_scale_factor_leaves_the_side() -> None:
    view = ip.explain(ip.Interpolate(mode="nearest", scale_factor=1.3, samples="1, 2, 3"))
    assert view.output is not None
    assert view.output.tolist() == [[1, 1, 2]]
    samples = view.source.clone().requires_grad_()
    third = ip.resize(samples, scale_factor=1.3, mode="nearest")[0, 2]
    assert torch.autograd.grad(third, samples)[0].tolist() == [[0, 0, 1]]


def test_torch_fails_inside_on_a_uint8_picture_that_becomes_one_pixel() -> None:
    with pytest.raises(ValueError, match="image must be floating point where torch fails inside"):
        ip.resize(levels(3, 4, 4), size=1)


# --- bad input ---

IMAGE = torch.zeros(1, 4, 4)
RESIZE = [
    ({}, "size must be given when scale_factor is not, got None for both"),
    (
        {"size": 3, "scale_factor": 2.0},
        "size must be None when scale_factor is given, got size=3 and scale_factor=2.0",
    ),
    ({"size": 0}, "size must be a whole number from 1 to 512, or 2 of them, got 0"),
    ({"size": -3}, "size must be a whole number from 1 to 512, or 2 of them, got -3"),
    ({"size": 513}, "size must be a whole number from 1 to 512, or 2 of them, got 513"),
    ({"size": 10**12}, "size must be a whole number from 1 to 512, or 2 of them, got 10"),
    ({"size": 4.0}, "size must be a whole number from 1 to 512, or 2 of them, got 4.0"),
    ({"size": math.nan}, "size must be a whole number from 1 to 512, or 2 of them, got nan"),
    ({"size": math.inf}, "size must be a whole number from 1 to 512, or 2 of them, got inf"),
    ({"size": True}, "size must be a whole number from 1 to 512, or 2 of them, got True"),
    ({"size": "44"}, "size must be a whole number from 1 to 512, or 2 of them, got 44"),
    ({"size": b"44"}, "size must be a whole number from 1 to 512, or 2 of them, got b'44'"),
    ({"size": (4,)}, "size must be a whole number from 1 to 512, or 2 of them, got (4,)"),
    ({"size": (4, 4, 4)}, "size must be a whole number from 1 to 512, or 2 of them, got (4, 4, 4)"),
    ({"size": (4, 0)}, "size must be a whole number from 1 to 512, or 2 of them, got (4, 0)"),
    ({"size": ()}, "size must be a whole number from 1 to 512, or 2 of them, got ()"),
    ({"scale_factor": 0}, "scale_factor must be a number above 0, or 2 of them, got 0"),
    ({"scale_factor": -2.0}, "scale_factor must be a number above 0, or 2 of them, got -2.0"),
    ({"scale_factor": math.nan}, "scale_factor must be a number above 0, or 2 of them, got nan"),
    ({"scale_factor": math.inf}, "scale_factor must be a number above 0, or 2 of them, got inf"),
    ({"scale_factor": True}, "scale_factor must be a number above 0, or 2 of them, got True"),
    ({"scale_factor": "2"}, "scale_factor must be a number above 0, or 2 of them, got 2"),
    ({"scale_factor": (2,)}, "scale_factor must be a number above 0, or 2 of them, got (2,)"),
    ({"scale_factor": (2, -1)}, "scale_factor must be a number above 0, or 2 of them, got (2, -1)"),
    ({"scale_factor": 0.1}, "scale_factor must give sides from 1 to 512, got 0.1 for 4x4"),
    ({"scale_factor": 129.0}, "scale_factor must give sides from 1 to 512, got 129.0 for 4x4"),
    ({"scale_factor": 1e308}, "scale_factor must give sides from 1 to 512, got 1e+308 for 4x4"),
    ({"scale_factor": 10**400}, "scale_factor must give sides from 1 to 512, got 1000"),
    (
        {"size": 3, "recompute_scale_factor": True},
        "recompute_scale_factor must be None or False when size is given, got True",
    ),
    (
        {"size": 3, "recompute_scale_factor": 1},
        "recompute_scale_factor must be None, True or False, got 1",
    ),
    ({"size": 3, "align_corners": 1}, "align_corners must be None, True or False, got 1"),
    ({"size": 3, "align_corners": "no"}, "align_corners must be None, True or False, got no"),
    ({"size": 3, "antialias": None}, "antialias must be True or False, got None"),
    (
        {"size": 3, "mode": "nearest", "antialias": True},
        "antialias must be False unless mode is one of bilinear, bicubic, lanczos, got True with "
        "mode='nearest'",
    ),
    (
        {"size": 3, "mode": "area", "antialias": True},
        "antialias must be False unless mode is one of bilinear, bicubic, lanczos, got True with",
    ),
    ({"size": 3, "mode": "lanczos"}, "antialias must be True for mode='lanczos', got False"),
    (
        {"size": 3, "mode": "lanczos", "antialias": True, "align_corners": True},
        "align_corners must be None or False for mode='lanczos', got True",
    ),
    *(
        (
            {"size": 3, "mode": mode, "align_corners": flag},
            f"align_corners must be None for mode={mode!r}, got {flag}",
        )
        for mode in WITHOUT_CORNERS
        for flag in (True, False)
    ),
    *(
        (
            {"size": 3, "mode": mode},
            "mode must be one of nearest, nearest-exact, bilinear, bicubic, area, lanczos for an "
            f"input (C, H, W), got {mode}",
        )
        for mode in ("linear", "trilinear", "../../etc/passwd", "Nearest", "", None)
    ),
    ({"size": 3, "device": "cuda:99"}, "device must be one of cpu"),
    ({"size": 3, "device": None}, "device must be one of cpu"),
]


@pytest.mark.parametrize(("arguments", "sentence"), RESIZE, ids=str)
def test_resize_refuses_bad_arguments_with_a_sentence(arguments, sentence: str) -> None:
    with pytest.raises(ValueError) as refusal:
        ip.resize(IMAGE, **arguments)
    assert str(refusal.value).startswith(sentence)
    assert len(str(refusal.value)) < 200


@pytest.mark.parametrize(
    ("axes", "mode", "antialias", "sentence"),
    [
        (1, "bilinear", False, "mode must be one of nearest, nearest-exact, linear, area for an"),
        (1, "bicubic", False, "mode must be one of nearest, nearest-exact, linear, area for an"),
        (3, "bicubic", False, "mode must be one of nearest, nearest-exact, trilinear, area for"),
        (1, "linear", True, "antialias must be False unless mode is one of bilinear, bicubic"),
        (3, "trilinear", True, "antialias must be False unless mode is one of bilinear, bicubic"),
    ],
)
def test_a_mode_that_does_not_fit_the_dimensions_is_refused(
    axes, mode, antialias, sentence
) -> None:
    with pytest.raises(ValueError, match=sentence):
        ip.resize(torch.zeros(1, *[4] * axes), size=3, mode=mode, antialias=antialias)


@pytest.mark.parametrize(
    ("image", "sentence"),
    [
        (None, "image must be a Tensor of shape (C, L), (C, H, W) or (C, D, H, W), got NoneType"),
        ([[0.0]], "image must be a Tensor of shape (C, L), (C, H, W) or (C, D, H, W), got list"),
        (np.zeros((1, 4)), "image must be a Tensor of shape (C, L), (C, H, W) or (C, D, H, W)"),
        (torch.zeros(4), "image must be a Tensor of shape (C, L), (C, H, W) or (C, D, H, W), got"),
        (torch.zeros(1, 1, 2, 2, 2), "image must be a Tensor of shape (C, L), (C, H, W) or (C"),
        (torch.zeros(0, 4), "image must have a channel and sides from 1 to 512, got (0, 4)"),
        (torch.zeros(1, 0), "image must have a channel and sides from 1 to 512, got (1, 0)"),
        (torch.zeros(1, 513), "image must have a channel and sides from 1 to 512, got (1, 513)"),
        (
            torch.zeros(1).expand(2**16, 257),
            "image must have at most 4194304 values, got 16842752",
        ),
        (torch.tensor([[0.0, math.nan]]), "image must be finite, got NaN or infinity in it"),
        (torch.tensor([[0.0, -math.inf]]), "image must be finite, got NaN or infinity in it"),
        (torch.tensor([[complex(0, math.nan)]]), "image must be finite, got NaN or infinity in it"),
        (torch.zeros(1, 4, device="meta"), "image must be dense and hold values, got"),
        (torch.zeros(1, 4).to_sparse(), "image must be dense and hold values, got torch.sparse"),
        (
            torch.zeros(1, 4).to(torch.float8_e4m3fn),
            "image must be of a dtype that torch computes with, got torch.float8_e4m3fn",
        ),
    ],
    ids=str,
)
def test_resize_refuses_bad_images_with_a_sentence(image, sentence: str) -> None:
    with pytest.raises(ValueError) as refusal:
        ip.resize(image, size=3, mode="linear")
    assert str(refusal.value).startswith(sentence)


@pytest.mark.parametrize(
    ("dtype", "mode", "antialias"),
    [
        (torch.int64, "nearest", False),
        (torch.int64, "bilinear", False),
        (torch.int32, "bicubic", False),
        (torch.bool, "nearest", False),
        (torch.complex64, "bilinear", False),
        (torch.uint8, "area", False),
        (torch.float16, "bilinear", True),
        (torch.bfloat16, "bicubic", True),
        (torch.float16, "lanczos", True),
    ],
    ids=str,
)
def test_a_dtype_without_a_kernel_is_refused_by_name(dtype, mode: str, antialias: bool) -> None:
    with pytest.raises(ValueError) as refusal:
        ip.resize(torch.zeros(1, 4, 4).to(dtype), size=3, mode=mode, antialias=antialias)
    shown = " with antialias=True" if antialias else ""
    assert str(refusal.value) == (
        f"image must be of a dtype for which torch has a kernel of mode={mode!r}{shown} on cpu, "
        f"got {dtype}"
    )


def test_too_many_values_are_refused_before_they_are_made() -> None:
    with pytest.raises(ValueError, match="size must give at most 4194304 values, got 512"):
        ip.resize(torch.zeros(1, 2, 2, 2), size=512, mode="trilinear")
    with pytest.raises(ValueError, match="scale_factor must give at most 4194304 values, got 2"):
        ip.resize(torch.zeros(1, 120, 120, 120), scale_factor=2, mode="nearest")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"size": 3}, ""),
        ({"size": 3, "mode": "linear"}, "Got 4D input, but linear mode needs 3D input"),
        ({"size": 3, "scale_factor": 2}, "only one of size or scale_factor should be defined"),
        ({}, "either size or scale_factor should be defined"),
        ({"size": 3, "mode": "lanczos"}, "Lanczos mode requires antialias=True"),
        ({"scale_factor": 0.1}, "Input and output sizes should be greater than 0"),
        ({"size": (3,)}, "Input and output must have the same number of spatial dimensions"),
        ({"size": 10**6}, ""),
        ({"scale_factor": 10**6}, ""),
        ({"size": 10**6, "scale_factor": 10**6}, ""),
    ],
    ids=str,
)
def test_torch_is_quoted_only_where_it_refuses_and_never_asked_for_too_much(
    arguments, words: str
) -> None:
    said = torch_says(IMAGE, **arguments)
    assert said.startswith(words)
    assert bool(said) == bool(words)
    assert "\n" not in said


# --- positions ---


@pytest.mark.parametrize("mode", ["nearest", "nearest-exact"])
def test_nearest_positions_are_what_a_ramp_becomes_for_all_lengths_to_64(mode: str) -> None:
    others = [90, 100, 128, 200, 255, 256, 300, 500, 511, 512]
    for n in [*range(1, 65), *others]:
        ramp = torch.arange(float(n))[None]
        for m in [*range(1, 65), *others]:
            read = ip.sample_positions(n, m, mode=mode)
            assert torch.equal(ip.resize(ramp, size=m, mode=mode)[0].double(), read), (n, m)


@pytest.mark.parametrize("align_corners", [False, True])
def test_linear_positions_are_what_a_ramp_becomes_for_all_lengths_to_64(
    align_corners: bool,
) -> None:
    others = [100, 255, 256, 500, 511, 512]
    for n in [*range(1, 65), *others]:
        ramp = torch.arange(float(n))[None]
        for m in [*range(1, 65), *others]:
            made = ip.resize(ramp, size=m, mode="linear", align_corners=align_corners)[0]
            read = ip.sample_positions(n, m, align_corners=align_corners)
            assert read.dtype == torch.float64
            assert (made - read.clamp(0, n - 1)).abs().max() <= 2.5e-7 * n, (n, m)


@given(
    n=st.integers(1, 40),
    factor=st.sampled_from([0.5, 1.0, 1.1, 1.3, 2.0, 2.2, 2.5, 3.0, 7.9]) | st.floats(0.05, 8.0),
    mode=st.sampled_from(["nearest", "nearest-exact", "linear"]),
    axes=st.sampled_from([1, 2, 3]),
    recompute=st.booleans(),
)
def test_positions_at_a_scale_factor_are_what_a_ramp_becomes(
    n: int, factor: float, mode: str, axes: int, recompute: bool
) -> None:
    assume(n * factor >= 1)
    ramp = torch.arange(float(n)).reshape(1, *[1] * (axes - 1), n)
    named = ip.renamed(mode, axes)
    made = ip.resize(
        ramp,
        scale_factor=(1.0,) * (axes - 1) + (factor,),
        mode=named,
        recompute_scale_factor=recompute,
    ).flatten()
    read = ip.sample_positions(
        n, len(made), mode=named, scale_factor=None if recompute else factor, axes=axes
    )
    assert (made - read.clamp(0, n - 1)).abs().max() <= (2.5e-7 * n if mode == "linear" else 0)


@given(n=st.integers(1, 30), m=st.integers(1, 60), antialias=st.booleans())
def test_row_pictures_read_where_the_positions_say(n: int, m: int, antialias: bool) -> None:
    ramp = torch.arange(float(n), dtype=torch.float64)[None, None]
    read = ip.sample_positions(n, m, mode="bilinear", antialias=antialias, axes=2)
    made = ip.resize(ramp, size=(1, m), antialias=antialias)[0, 0]
    # A widened kernel is cut at the ends; inside it is symmetric about the position, and keeps a
    # ramp if it is wider by a whole number.
    assume(not antialias or m >= n or n % m == 0)
    stretch = max(n / m, 1.0) if antialias else 0.0
    inside = (read >= stretch) & (read <= n - 1 - stretch)
    torch.testing.assert_close(made[inside], read[inside], atol=1e-9, rtol=0)


def test_only_half_of_a_cubic_keeps_a_ramp_straight() -> None:
    ramp = torch.arange(12.0)[None, None]
    read = ip.sample_positions(12, 40, mode="bicubic", axes=2)
    inside = (read >= 1) & (read <= 10)
    plain, smooth = (
        (ip.resize(ramp, size=(1, 40), mode="bicubic", antialias=flag)[0, 0] - read)[inside]
        for flag in (False, True)
    )
    assert plain.abs().max() > 0.04
    assert smooth.abs().max() < 1e-5


def test_area_positions_are_the_middles_of_its_windows() -> None:
    ramp = torch.arange(7.0, dtype=torch.float64)[None]
    for m in range(1, 15):
        made = ip.resize(ramp, size=m, mode="area")[0]
        torch.testing.assert_close(made, ip.sample_positions(7, m, mode="area"))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"in_size": 0}, "in_size must be a whole number from 1 to 512, got 0"),
        ({"in_size": 2.0}, "in_size must be a whole number from 1 to 512, got 2.0"),
        ({"out_size": 513}, "out_size must be a whole number from 1 to 512, got 513"),
        ({"out_size": True}, "out_size must be a whole number from 1 to 512, got True"),
        ({"mode": "cubic"}, "mode must be one of nearest, nearest-exact, linear, bilinear"),
        ({"align_corners": None}, "align_corners must be True or False, got None"),
        ({"mode": "nearest", "align_corners": True}, "align_corners must be False for mode='nea"),
        ({"scale_factor": 0.0}, "scale_factor must be a number above 0, got 0.0"),
        ({"scale_factor": math.nan}, "scale_factor must be a number above 0, got nan"),
        ({"antialias": 1}, "antialias must be True or False, got 1"),
        ({"axes": 4}, "axes must be 1, 2 or 3, got 4"),
        ({"axes": True}, "axes must be 1, 2 or 3, got True"),
    ],
    ids=str,
)
def test_positions_refuse_bad_arguments_with_a_sentence(arguments, sentence: str) -> None:
    with pytest.raises(ValueError) as refusal:
        ip.sample_positions(**{"in_size": 4, "out_size": 8, **arguments})
    assert str(refusal.value).startswith(sentence)


# --- kernels ---


@pytest.mark.parametrize("antialias", [False, True])
@pytest.mark.parametrize("mode", ["linear", "cubic", "lanczos"])
def test_a_kernel_is_one_in_the_middle_zero_at_other_samples_even_and_bounded(
    mode: str, antialias: bool
) -> None:
    x = torch.linspace(-5, 5, 1001, dtype=torch.float64)
    weight = ip.kernel(mode, x, antialias=antialias)
    torch.testing.assert_close(weight, weight.flip(0), atol=1e-12, rtol=0)
    assert (weight[x.abs() >= RADIUS[mode]] == 0).all()
    whole = ip.kernel(mode, torch.arange(-4.0, 5, dtype=torch.float64), antialias=antialias)
    torch.testing.assert_close(whole, torch.eye(9, dtype=torch.float64)[4], atol=1e-15, rtol=0)


@given(st.floats(0, 1), st.sampled_from(["linear", "cubic"]), st.booleans())
def test_linear_and_cubic_weights_sum_to_one_wherever_they_read(
    offset: float, mode: str, antialias: bool
) -> None:
    distance = offset - torch.arange(-3, 5, dtype=torch.float64)
    weights = ip.kernel(mode, distance, antialias=antialias)
    assert float(weights.sum()) == pytest.approx(1, abs=1e-14)


def test_lanczos_weights_do_not_sum_to_one_so_torch_divides() -> None:
    half = ip.kernel("lanczos", torch.arange(-2.5, 3, dtype=torch.float64))
    assert float(half.sum()) == pytest.approx(0.9934, abs=1e-3)


def test_the_cubics_slope_at_one_is_a() -> None:
    for antialias, a in ((False, -0.75), (True, -0.5)):
        one = torch.tensor(1.0, dtype=torch.float64, requires_grad=True)
        (slope,) = torch.autograd.grad(ip.kernel("cubic", one, antialias=antialias), one)
        assert float(slope) == pytest.approx(a)


def test_the_cubic_has_a_negative_lobe_and_the_deeper_one_without_antialias() -> None:
    x = torch.linspace(1, 2, 101)
    plain, smooth = (ip.kernel("cubic", x, antialias=flag).min() for flag in (False, True))
    assert plain < smooth < 0
    assert float(plain) == pytest.approx(-0.75 * 4 / 27, abs=1e-4)


@pytest.mark.parametrize(
    ("mode", "kernel", "antialias"),
    [
        ("bilinear", "linear", False),
        ("bicubic", "cubic", False),
        ("bicubic", "cubic", True),
        ("lanczos", "lanczos", True),
    ],
)
def test_torchs_answer_to_an_impulse_is_the_kernel(mode: str, kernel: str, antialias: bool) -> None:
    impulse = torch.zeros(1, 1, 15, dtype=torch.float64)
    impulse[..., 7] = 1
    made = ip.resize(impulse, size=(1, 15 * 8), mode=mode, antialias=antialias)[0, 0]
    x = (torch.arange(120, dtype=torch.float64) + 0.5) / 8 - 0.5
    weights = ip.kernel(kernel, x[:, None] - torch.arange(15), antialias=antialias)
    inside = (x > 3) & (x < 11)
    expected = weights[:, 7] / weights.sum(dim=1)
    torch.testing.assert_close(made[inside], expected[inside], atol=1e-12, rtol=0)


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize("mode", ["linear", "cubic", "lanczos"])
def test_a_kernel_keeps_dtype_and_shape(mode: str, dtype: torch.dtype) -> None:
    weight = ip.kernel(mode, torch.full((2, 3), 0.5, dtype=dtype))
    assert (weight.dtype, weight.shape) == (dtype, (2, 3))


@pytest.mark.parametrize(
    ("mode", "x", "sentence"),
    [
        ("bicubic", torch.zeros(1), "mode must be one of linear, cubic, lanczos, got bicubic"),
        (None, torch.zeros(1), "mode must be one of linear, cubic, lanczos, got None"),
        ("cubic", torch.zeros(1).long(), "x must be a floating point Tensor, got torch.int64"),
        ("cubic", 0.5, "x must be a floating point Tensor, got float"),
    ],
)
def test_a_kernel_refuses_bad_arguments_with_a_sentence(mode, x, sentence: str) -> None:
    with pytest.raises(ValueError) as refusal:
        ip.kernel(mode, x)
    assert str(refusal.value) == sentence


# --- OpenCV and PIL ---


@pytest.mark.parametrize("mode", MODES_OF[2])
@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32, torch.float64], ids=str)
def test_opencv_resize_is_cv2_resize_of_the_whole_picture(mode: str, dtype: torch.dtype) -> None:
    image = (levels(3, 11, 17) if dtype == torch.uint8 else noise(3, 11, 17)).to(dtype)
    array = np.ascontiguousarray(image.permute(1, 2, 0).numpy())
    # cv2 takes width before height.
    expected = cv2.resize(array, (23, 7), interpolation=OPENCV[mode][1])
    made = ip.opencv_resize(image, (7, 23), mode=mode)
    assert made.dtype == dtype
    torch.testing.assert_close(made, torch.from_numpy(expected).permute(2, 0, 1), atol=1e-6, rtol=0)


@pytest.mark.parametrize("mode", MODES_OF[2])
def test_pil_resize_is_pils_resize_of_the_whole_picture(mode: str) -> None:
    image = levels(3, 11, 17)
    whole = Image.fromarray(image.permute(1, 2, 0).numpy()).resize((23, 7), PIL[mode])
    made = ip.pil_resize(image, (7, 23), mode=mode)
    assert torch.equal(made, torch.from_numpy(np.array(whole)).permute(2, 0, 1))
    line = noise(1, 11, 17, dtype=torch.float32)
    single = Image.fromarray(line[0].numpy()).resize((23, 7), PIL[mode])
    made = ip.pil_resize(line, (7, 23), mode=mode)
    assert torch.equal(made[0], torch.from_numpy(np.array(single)))


@pytest.mark.parametrize("theirs", [ip.opencv_resize, ip.pil_resize])
@pytest.mark.parametrize("dtype", [torch.uint8, *FLOATS], ids=str)
def test_the_other_libraries_keep_dtype_and_leave_the_image_alone(theirs, dtype) -> None:
    image = levels(2, 5, 6).to(dtype).requires_grad_(dtype.is_floating_point)
    before = image.detach().clone()
    made = theirs(image, [4, 9], mode="bilinear")
    assert (made.dtype, made.shape) == (dtype, (2, 4, 9))
    assert torch.equal(image.detach(), before)
    assert not made.requires_grad


@pytest.mark.parametrize("theirs", [ip.opencv_resize, ip.pil_resize])
@pytest.mark.parametrize(
    ("image", "size", "mode", "sentence"),
    [
        (torch.zeros(4, 4), (2, 2), "bilinear", "image must be a Tensor of shape (C, H, W), got"),
        (torch.zeros(0, 4, 4), (2, 2), "area", "image must be a Tensor of shape (C, H, W), got"),
        ([[[0.0]]], (2, 2), "area", "image must be a Tensor of shape (C, H, W), got list"),
        (IMAGE.long(), (2, 2), "area", "image must be uint8 or floating point, got torch.int64"),
        (IMAGE.bool(), (2, 2), "area", "image must be uint8 or floating point, got torch.bool"),
        (torch.zeros(1, 513, 4), (2, 2), "area", "image must have sides from 1 to 512, got"),
        (IMAGE, (2, 2), "linear", "mode must be one of nearest, nearest-exact, bilinear, bicubic"),
        (IMAGE, (2, 2), None, "mode must be one of nearest, nearest-exact, bilinear, bicubic"),
        (IMAGE, 2, "area", "size must be two whole numbers from 1 to 512, got 2"),
        (IMAGE, (2,), "area", "size must be two whole numbers from 1 to 512, got (2,)"),
        (IMAGE, (2, 0), "area", "size must be two whole numbers from 1 to 512, got (2, 0)"),
        (IMAGE, (2, 513), "area", "size must be two whole numbers from 1 to 512, got (2, 513)"),
        (IMAGE, (2, math.nan), "area", "size must be two whole numbers from 1 to 512, got (2, nan"),
        (IMAGE, (2.0, 2.0), "area", "size must be two whole numbers from 1 to 512, got (2.0, 2"),
        (IMAGE, (True, 2), "area", "size must be two whole numbers from 1 to 512, got (True, 2)"),
        (IMAGE, "22", "area", "size must be two whole numbers from 1 to 512, got 22"),
        (IMAGE, b"22", "area", "size must be two whole numbers from 1 to 512, got b'22'"),
        (IMAGE, None, "area", "size must be two whole numbers from 1 to 512, got None"),
    ],
    ids=str,
)
def test_the_other_libraries_refuse_bad_arguments_with_a_sentence(
    theirs, image, size, mode, sentence: str
) -> None:
    with pytest.raises(ValueError) as refusal:
        theirs(image, size, mode=mode)
    assert str(refusal.value).startswith(sentence)


def test_slow_resize_of_chosen_outputs_is_a_part_of_the_whole() -> None:
    image, only = noise(2, 9, 7), (np.array([0, 5, 12]), np.array([3]))
    for way in (way for way in WAYS if way[0] == 2):
        flags = {**call(way), "align_corners": bool(way[2])}
        whole = ip.slow_resize(image, (13, 6), **flags)
        part = ip.slow_resize(image, (13, 6), only=only, **flags)
        torch.testing.assert_close(part, whole[:, [0, 5, 12]][..., [3]], atol=1e-15, rtol=0)


# --- the page's view ---


@pytest.mark.parametrize("preset", ip.PRESETS, ids=lambda preset: preset.name)
def test_every_presets_weights_times_its_samples_are_its_output(preset) -> None:
    view = ip.explain(preset.parameters)
    assert view.output is not None
    assert view.problem == view.refusal == ""
    assert torch.equal(view.output, ip.resize(view.source, **preset.parameters.arguments()))
    assert preset.notice
    assert (view.line is None) or (view.loupe is None)
    if view.line is not None:
        outputs = view.output.flatten()
        torch.testing.assert_close(view.line.weights @ view.line.samples, outputs)
        torch.testing.assert_close(view.line.outputs, outputs)
        assert len(view.line.positions) == len(view.line.centres) == len(outputs)
        assert len(view.line.curve) == len(view.line.curve_x)
    elif preset.parameters.input != "volume":
        assert view.loupe is not None
    if view.loupe is not None:
        links, flat = view.loupe.links, view.loupe.source.flatten()
        sums = (links.weights * flat[links.indices.clamp(min=0)]).sum(-1)
        torch.testing.assert_close(sums, view.loupe.output, atol=1e-5, rtol=0)


@pytest.mark.parametrize("preset", ip.PRESETS, ids=lambda preset: preset.name)
def test_every_check_of_every_presets_view_holds(preset) -> None:
    found = ip.view_checks(ip.explain(preset.parameters))
    assert 3 <= len(found) <= 5
    assert len({check.statement for check in found}) == len(found)
    for check in found:
        assert check.holds, check


@st.composite
def views(draw: st.DrawFn) -> ip.Interpolate:
    kind = draw(st.sampled_from(["signal", "row", "table", "picture", "volume"]))
    axes = {"signal": 1, "volume": 3}.get(kind, 2)
    way = draw(st.sampled_from([way for way in WAYS if way[0] == axes]))
    samples = st.lists(st.integers(-90, 90).map(lambda v: v / 10), min_size=2, max_size=12)
    columns = draw(st.integers(1, 6))
    row = st.lists(st.integers(-99, 99), min_size=columns, max_size=columns)
    return ip.Interpolate(
        input=kind,
        mode=way[1],
        align_corners=str(way[2]),
        antialias=way[3],
        given=draw(st.sampled_from(["size", "scale_factor"])),
        scale_factor=draw(st.sampled_from([0.5, 1.0, 1.3, 2.0, 4.0]) | st.floats(0.3, 4.0)),
        size=draw(st.integers(1, 40)),
        width=draw(st.integers(0, 40)),
        samples=", ".join(map(str, draw(samples))),
        table="; ".join(
            ", ".join(map(str, numbers)) for numbers in draw(st.lists(row, min_size=1, max_size=6))
        ),
        picture=draw(st.sampled_from(["zone_plate", "wide"])),
    )


@given(views())
@settings(max_examples=150)
def test_every_check_of_any_view_holds_but_for_torchs_own_faults(parameters) -> None:
    view = ip.explain(parameters)
    found = ip.view_checks(view)
    if view.output is None:
        assert found == ()
        assert view.problem.startswith("scale_factor must give sides from 1 to 512")
        return
    assert 3 <= len(found) <= 5
    for check in found:
        assert check.holds or check.remark.startswith("A fault of torch: "), (check, parameters)
        if parameters.given == "size" and not parameters.antialias:
            assert check.holds, (check, parameters)


@pytest.mark.parametrize(
    ("changes", "problem", "refusal"),
    [
        ({"given": "both"}, "size must be None when scale_factor is given", "only one of size or"),
        ({"given": "neither"}, "size must be given when scale_factor is not", "either size or"),
        ({"mode": "bicubic"}, "mode must be one of nearest", "Input Error: Only 3D, 4D and 5D"),
        ({"mode": "bilinear"}, "mode must be one of nearest", "Got 3D input, but bilinear mode"),
        ({"antialias": True}, "antialias must be False unless", "Anti-alias option is restricted"),
        (
            {"mode": "nearest", "align_corners": "False"},
            "align_corners must be None for mode='nearest'",
            "align_corners option can only be set",
        ),
        (
            {"given": "size", "recompute_scale_factor": True},
            "recompute_scale_factor must be None or False when size is given",
            "recompute_scale_factor is not meaningful",
        ),
        (
            {"input": "row", "mode": "lanczos"},
            "antialias must be True for mode='lanczos'",
            "Lanczos mode requires antialias=True",
        ),
        (
            {"input": "row", "mode": "lanczos", "antialias": True, "align_corners": "True"},
            "align_corners must be None or False for mode='lanczos'",
            "Lanczos mode does not support align_corners=True",
        ),
        (
            {"scale_factor": 0.1},
            "scale_factor must give sides from 1 to 512",
            "Input and output sizes should be greater than 0",
        ),
        (
            {"input": "volume", "mode": "nearest", "given": "size", "size": 512},
            "size must give at most 4194304 values",
            "",
        ),
    ],
    ids=str,
)
def test_a_refused_call_is_a_view_with_the_rule_and_torchs_words(
    changes, problem: str, refusal: str
) -> None:
    parameters = ip.Interpolate(**changes)
    view = ip.explain(parameters)
    assert view.output is None
    assert view.problem.startswith(problem)
    assert view.refusal.startswith(refusal)
    assert bool(view.refusal) == bool(refusal)
    assert view.sentence == ""
    assert ip.view_checks(view) == ()
    assert ip.table(view).count("\n") == 1
    with pytest.raises(ValueError, match=re.escape(problem)):
        ip.resize(view.source, **parameters.arguments())


def factor(written: str | None) -> float:
    """What ``·5/3``, ``/3``, ``/1.25`` or nothing multiplies by."""
    written = written or "·1"
    return float(1 / Fraction(written[1:]) if written[0] == "/" else Fraction(written[1:]))


@given(views())
@settings(max_examples=50)
def test_the_sentence_names_the_positions_that_are_read(parameters) -> None:
    view = ip.explain(parameters)
    if view.output is None or parameters.mode in WITHOUT_CORNERS:
        return
    n, m = view.source.shape[-1], view.output.shape[-1]
    read = ip.sample_positions(
        n,
        m,
        mode=parameters.mode,
        align_corners=parameters.align_corners == "True",
        scale_factor=parameters.used_scale,
        antialias=parameters.antialias,
        axes=parameters.axes,
    )
    index = torch.arange(m, dtype=torch.float64)
    # The last axis comes first.
    sentence = view.sentence.split(". ")[1] + "."
    if "utput i is input i" in sentence:
        said = index
    elif found := re.search(r"reads at \(i \+ ½\)([·/][\d/.e-]+)? − ½", sentence):
        said = factor(found[1]) * (index + 0.5) - 0.5
    else:
        found = re.search(r"reads at i([·/][\d/.]*\d)?\.", sentence)
        assert found, view.sentence
        said = factor(found[1]) * index
    assert (said - read).abs().max() <= 1e-9 * (1 + read.abs().max())


def test_a_readers_own_picture_is_resized_in_place_of_the_projects() -> None:
    own = noise(3, 20, 30, dtype=torch.float32)
    parameters = ip.Interpolate(input="picture", mode="bilinear", given="size", size=7, width=9)
    view = ip.explain(parameters, image=own)
    assert view.output is not None
    assert torch.equal(view.source, own)
    assert torch.equal(view.output, ip.resize(own, size=(7, 9)))
    for check in ip.view_checks(view):
        assert check.holds, check


@pytest.mark.parametrize(
    ("image", "sentence"),
    [
        (torch.zeros(20, 30), "image must be a floating point Tensor of shape (C, H, W), got"),
        (torch.zeros(3, 20, 30).byte(), "image must be a floating point Tensor of shape (C, H"),
        (torch.full((3, 20, 30), math.nan), "image must be finite, got NaN or infinity in it"),
        (torch.zeros(3, 20, 600), "image must have a channel and sides from 1 to 512, got"),
        (torch.zeros(3, 0, 30), "image must have a channel and sides from 1 to 512, got"),
    ],
    ids=str,
)
def test_a_bad_picture_is_refused_with_a_sentence(image: Tensor, sentence: str) -> None:
    parameters = ip.Interpolate(input="picture", mode="bilinear")
    with pytest.raises(ValueError) as refusal:
        ip.explain(parameters, image=image)
    assert str(refusal.value).startswith(sentence)


# --- the snippet and the table ---


def spread() -> list[ip.Interpolate]:
    """Every way, with every manner of asking for an output in turn."""
    asked: Any = itertools.cycle(
        [
            {"given": "size", "size": 5},
            {"given": "size", "size": 4, "width": 9},
            {"given": "scale_factor", "scale_factor": 1.3},
            {"given": "scale_factor", "scale_factor": 0.6, "recompute_scale_factor": True},
        ]
    )
    typed = {"samples": "0.125, -3, 1e-5, 8.99999", "table": "1, -2.5; 1e-3, 99; -0, 7"}
    found = []
    for axes, mode, align_corners, antialias in WAYS:
        for kind in {1: ("signal",), 2: ("row", "table", "picture"), 3: ("volume",)}[axes]:
            found += [
                ip.Interpolate(
                    input=kind,
                    mode=mode,
                    align_corners=str(align_corners),
                    antialias=antialias,
                    **typed,
                    **next(asked),
                )
                for _ in range(2 if kind == "picture" else 3)
            ]
    return found


@pytest.mark.parametrize(
    "parameters", [*(preset.parameters for preset in ip.PRESETS), *spread()], ids=str
)
def test_the_snippet_makes_exactly_the_view(parameters, monkeypatch, tmp_path) -> None:
    pictures = Path("assets/pictures")
    if parameters.input == "picture":
        shutil.copy(pictures / f"{parameters.picture}.png", tmp_path)
    monkeypatch.chdir(tmp_path)
    code = ip.snippet(parameters)
    Path("snippet.py").write_text(code, encoding="utf-8")
    made = runpy.run_path("snippet.py")["output"]
    assert torch.equal(made, ip.explain(parameters).output)
    assert "explainers" not in code


def test_the_snippet_opens_the_readers_own_file() -> None:
    parameters = ip.Interpolate(input="picture", mode="bilinear")
    assert 'Image.open("mine.png")' in ip.snippet(parameters, file="mine.png")


@pytest.mark.parametrize("preset", ip.PRESETS, ids=lambda preset: preset.name)
def test_the_table_holds_every_output_value_and_where_it_reads(preset) -> None:
    view = ip.explain(preset.parameters)
    assert view.output is not None
    header, *rows = csv.reader(ip.table(view).splitlines())
    axes, channels = view.source.dim() - 1, len(view.source)
    names = ["depth", "row", "column"][3 - axes :]
    assert header == [
        *names,
        *(f"reads_{name}" for name in names),
        *(f"channel_{index}" for index in range(channels)),
    ]
    numbers = np.array(rows, dtype=np.float64)
    assert len(numbers) == view.output[0].numel()
    indices = tuple(torch.from_numpy(numbers[:, :axes].T.astype(np.int64)))
    assert len({tuple(row) for row in numbers[:, :axes].tolist()}) == len(numbers)
    values = torch.from_numpy(numbers[:, 2 * axes :].T)
    torch.testing.assert_close(view.output[:, *indices].double(), values, atol=1e-6, rtol=1e-6)
    ramps = torch.stack(
        torch.meshgrid(
            *(torch.arange(side, dtype=torch.float64) for side in view.source.shape[1:]),
            indexing="ij",
        )
    )
    linear = ip.renamed(preset.parameters.mode, axes)
    if linear in ("linear", "bilinear", "trilinear", "nearest"):
        arguments = preset.parameters.arguments() | {"antialias": False}
        read = ip.resize(ramps, **arguments)[:, *indices]
        ends = torch.tensor(view.source.shape[1:])[:, None] - 1
        positions = torch.from_numpy(numbers[:, axes : 2 * axes].T)
        torch.testing.assert_close(positions.clamp(min=0).minimum(ends), read, atol=1e-5, rtol=1e-6)


# --- proof ---


@pytest.mark.parametrize("check", ip.checks(), ids=lambda check: check.statement[:60])
def test_every_check_of_the_page_holds(check) -> None:
    assert check.holds, f"{check.error} > {check.tolerance}"


def test_the_checks_say_by_how_much_bicubic_bends_a_ramp() -> None:
    (check,) = (check for check in ip.checks() if check.statement.startswith("bicubic (a = -0.75)"))
    assert "by up to 0.047" in check.remark


AGREEMENTS = {
    ("nearest", "cv2.INTER_NEAREST"): "in some cases",
    ("nearest-exact", "cv2.INTER_NEAREST_EXACT"): "in some cases",
    ("bilinear", "cv2.INTER_LINEAR"): "to rounding",
    ("bicubic", "cv2.INTER_CUBIC"): "in some cases",
    ("area", "cv2.INTER_AREA"): "in some cases",
    ("lanczos, antialias=True", "cv2.INTER_LANCZOS4"): "never",
    ("nearest", "PIL NEAREST"): "never",
    ("nearest-exact", "PIL NEAREST"): "in some cases",
    ("bilinear", "PIL BILINEAR"): "in some cases",
    ("bilinear, antialias=True", "PIL BILINEAR"): "to rounding",
    ("bicubic", "PIL BICUBIC"): "never",
    ("bicubic, antialias=True", "PIL BICUBIC"): "to rounding",
    ("area", "PIL BOX"): "in some cases",
    ("lanczos, antialias=True", "PIL LANCZOS"): "to rounding",
}


def test_each_mode_agrees_with_the_other_libraries_as_the_page_says() -> None:
    found = ip.agreements()
    assert {(row.ours, row.theirs): row.verdict for row in found} == AGREEMENTS
    assert len({tuple(one.case for one in row.differences) for row in found}) == 1
    for row in found:
        assert row.why.endswith(".")
        assert not any(math.isnan(difference.error) for difference in row.differences)


def test_reading_between_two_pixels_is_all_that_parts_nearest_exact_from_the_others() -> None:
    n, m = 60, 131
    ramp = torch.arange(float(n))[None, None]
    ours = ip.resize(ramp, size=(1, m), mode="nearest-exact")
    for theirs in (ip.opencv_resize, ip.pil_resize):
        made = theirs(ramp, (1, m), mode="nearest-exact")
        (apart,) = (ours != made)[0, 0].nonzero().tolist()
        assert apart == [65]
        assert (2 * 65 + 1) * n / (2 * m) == 30
        assert (float(ours[0, 0, 65]), float(made[0, 0, 65])) == (30, 29)


def test_rounding_of_a_whole_product_is_all_that_parts_nearest_from_opencv() -> None:
    n, m = 60, 26
    ramp = torch.arange(float(n))[None, None]
    ours = ip.resize(ramp, size=(1, m), mode="nearest")
    theirs = ip.opencv_resize(ramp, (1, m), mode="nearest")
    assert (ours != theirs)[0, 0].nonzero().tolist() == [[13]]
    assert 13 * n / m == 30
    assert (float(ours[0, 0, 13]), float(theirs[0, 0, 13])) == (30, 29)


VERDICTS = {
    "The signature is": Verdict.OBSOLETE,
    "The modes are": Verdict.OBSOLETE,
    "The default mode is nearest": Verdict.HOLDS,
    "If the input is a tuple": Verdict.WRONG,
    "align_corners can be used": Verdict.WRONG,
    "align_corners is False by default": Verdict.CONDITION,
    "align_corners=True aligns": Verdict.CONDITION,
    "align_corners=False aligns": Verdict.CONDITION,
    "With align_corners=False": Verdict.CONDITION,
    "bicubic can overshoot": Verdict.HOLDS,
    "interpolate is upsampling": Verdict.CONDITION,
    "nearest doubles": Verdict.HOLDS,
    "bilinear with align_corners=True doubles": Verdict.HOLDS,
    "Darknet's upsample layer": Verdict.CONDITION,
}


def test_the_notes_get_their_verdicts_from_what_torch_does_now() -> None:
    found = {claim.says: claim.verdict for claim in ip.claims()}
    assert len(found) == len(VERDICTS)
    for beginning, verdict in VERDICTS.items():
        (says,) = (says for says in found if says.startswith(beginning))
        assert found[says] == verdict, says


def test_a_claims_verdict_follows_torch_and_not_the_page(monkeypatch) -> None:
    now = F.interpolate

    def older(input, size=None, scale_factor=None, mode="nearest", align_corners=None):
        return now(input, size, scale_factor, mode, align_corners)

    monkeypatch.setattr(F, "interpolate", older)
    claims = importlib.import_module("explainers.sampling.interpolate.claims")
    assert claims._signature().verdict == Verdict.HOLDS
    assert claims._default_mode(torch.device("cpu")).verdict == Verdict.HOLDS
    older.__defaults__ = (None, None, "area", None)
    assert claims._default_mode(torch.device("cpu")).verdict == Verdict.WRONG


def test_a_renamed_mode_is_the_same_rule_for_that_many_axes() -> None:
    assert [ip.renamed("bilinear", axes) for axes in (1, 2, 3)] == [
        "linear",
        "bilinear",
        "trilinear",
    ]
    assert ip.renamed("bicubic", 1) == "bicubic"


def test_the_projects_pictures_are_what_their_files_hold() -> None:
    with Image.open("assets/pictures/zone_plate.png") as file:
        array = np.array(file.convert("RGB"))
    assert torch.equal(picture("zone_plate"), torch.from_numpy(array).permute(2, 0, 1) / 255)


@pytest.mark.parametrize("kind", ["signal", "row", "table"])
@pytest.mark.parametrize("mode", ["nearest", "nearest-exact"])
@pytest.mark.parametrize("scale_factor", [1.3, 1.05, 2.2, 0.95])
def test_weights_on_show_make_the_output_even_where_torchs_backward_pass_errs(
    kind: str, mode: str, scale_factor: float
) -> None:
    view = ip.explain(
        ip.Interpolate(
            input=kind,
            mode=mode,
            scale_factor=scale_factor,
            samples="1, 2, 3, 4",
            table="1, 2, 3; 4, 5, 6",
        )
    )
    assert view.output is not None
    if view.line is not None:
        assert torch.equal(view.line.outputs, view.output.reshape(-1))
    else:
        assert view.loupe is not None
        indices, weights = view.loupe.links.indices, view.loupe.links.weights
        read = view.loupe.source.reshape(-1)[indices.clamp(min=0)]
        assert torch.equal((read * weights).sum(dim=-1), view.output[0])


def test_the_share_that_is_never_read_is_what_no_gradient_reaches() -> None:
    for mode, antialias in (("bilinear", False), ("bilinear", True), ("nearest", False)):
        settings = ip.Interpolate(
            input="picture", mode=mode, antialias=antialias, given="size", size=48
        )
        view = ip.explain(settings)
        image = view.source.clone().requires_grad_()
        made = F.interpolate(image[None], size=(48, 48), mode=mode, antialias=antialias)
        (gradient,) = torch.autograd.grad(made.sum(), image)
        assert view.used == pytest.approx(float((gradient != 0).double().mean()))


def test_samples_of_nothing_but_zeros_do_not_excuse_nor_accuse_the_weights() -> None:
    view = ip.explain(
        ip.Interpolate(
            input="row",
            mode="bicubic",
            given="size",
            size=3,
            align_corners="True",
            antialias=True,
            samples="0, 0",
        )
    )
    assert [check for check in ip.view_checks(view) if not check.holds] == []


@pytest.mark.parametrize("mode", ["nearest", "nearest-exact", "area"])
def test_a_mode_that_picks_is_drawn_as_steps_that_jump_between_pixels(mode: str) -> None:
    line = ip.explain(ip.Interpolate(mode=mode, samples="0, 1, 2, 3, 4")).line
    assert line is not None
    moves, rises = line.curve_x.diff(), line.curve.diff()
    assert not moves[rises != 0].abs().max() > 1e-9
    assert line.curve_x[:-1][rises != 0].tolist() == pytest.approx([0.5, 1.5, 2.5, 3.5])
