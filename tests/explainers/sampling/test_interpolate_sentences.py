"""What the page of interpolate says, over the range of its controls, against what torch did."""

import ast
import dataclasses
import math
import re
from fractions import Fraction

import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from explainers.sampling import interpolate as ip
from explainers.sampling.interpolate import mistakes
from explainers.sampling.interpolate.sampling import ANTIALIASED, is_small
from explainers.sampling.interpolate.view import share
from tests.sentences import EXAMPLES, legal

NAMES = ("depth", "height", "width")
RULE = re.compile(
    r"i (?P<kind>is input|reads at) (?P<floor>floor\()?(?P<what>\(i \+ ½\)|i)"
    r"(?P<factor>[·/][\d/.e-]*\d)?\)?(?P<half> − ½)?(?P<rest>[:, a-z].*)?"
)


def resized(view: ip.View, values: torch.Tensor) -> torch.Tensor:
    """What `F.interpolate` makes of `values`, ``(1, ...)``, by the settings of a view."""
    return F.interpolate(values[None], **view.parameters.arguments())[0]


def read_by_torch(view: ip.View, axis: int) -> list[float]:
    """What torch makes of a ramp along an axis: where it read, if it reads two values or one."""
    sides = view.source.shape[1:]
    along = [1] * (len(sides) + 1)
    along[axis + 1] = sides[axis]
    ramp = torch.arange(float(sides[axis])).reshape(along).expand(1, *sides)
    made = resized(view, ramp)
    return made.movedim(axis + 1, 0).reshape(made.shape[axis + 1], -1)[:, 0].tolist()


def rules(view: ip.View) -> list[str]:
    """The rule that the sentence names for each axis."""
    axes = view.source.dim() - 1
    text = view.sentence.split(". ", 1)[1]
    text = re.split(r"\.? [\d.]+% of the input", text)[0].rstrip(".")
    if text.startswith("Along each axis, output "):
        return [text.removeprefix("Along each axis, output ")] * axes
    if text.startswith("Output "):
        assert axes == 1 or view.parameters.input == "row"
        return [""] * (axes - 1) + [text.removeprefix("Output ")]
    found = {}
    for part in text.split(". "):
        match = re.fullmatch(r"Along the (.*?), output (.*)", part)
        assert match, view.sentence
        for name in match[1].split(" and the "):
            found[name] = match[2]
    return [found[name] for name in NAMES[3 - axes :]]


def said(rule: str, in_size: int, out_size: int) -> list[float]:
    """Where a rule says that outputs read, in exact arithmetic."""
    match = RULE.fullmatch(rule)
    assert match, rule
    written = match["factor"] or "·1"
    given_factor = 1 / Fraction(written[1:]) if written[0] == "/" else Fraction(written[1:])
    half = Fraction(1, 2)
    where = [
        given_factor * (i + (half if "½" in match["what"] else 0)) - (half if match["half"] else 0)
        for i in range(out_size)
    ]
    if match["floor"]:
        return [min(math.floor(one), in_size - 1) for one in where]
    return [float(one) for one in where]


PICKS = st.sampled_from(["nearest", "nearest-exact"])
SCALES = (
    st.sampled_from([1.3, 6.65, 1.05, 1.0, 2.0, 1.003, 2.01])
    | st.floats(0.05, 8.0)
    | st.floats(1.0, 1.2)
    | st.floats(2.0, 2.2)
)
GIVEN = st.sampled_from(["size", "scale_factor"])


@settings(max_examples=EXAMPLES // 2)
@given(
    legal(
        ip.Interpolate,
        mode=PICKS,
        given=GIVEN,
        scale_factor=SCALES,
        size=st.integers(1, 96) | st.integers(1, 512),
        align_corners=st.just("None"),
        antialias=st.just(False),
        recompute_scale_factor=st.just(False),
    )
)
def test_the_rule_of_nearest_is_what_torch_copies(parameters: ip.Interpolate) -> None:
    view = ip.explain(parameters)
    assume(view.output is not None)
    hold_picks(view)


def hold_picks(view: ip.View) -> None:
    """Each axis' rule gives what torch copied, and names the first exception if it has any."""
    assert view.output is not None
    for axis, rule in enumerate(rules(view)):
        if not rule:
            continue
        n, m = view.source.shape[axis + 1], view.output.shape[axis + 1]
        torch_read, rule_read = read_by_torch(view, axis), said(rule, n, m)
        wrong = [i for i in range(m) if torch_read[i] != rule_read[i]]
        named = re.search(r"output (\d+) is (\d+), where exact numbers give (\d+)", rule)
        if not named:
            assert not wrong, (rule, view.parameters)
            continue
        assert " in float32:" in rule
        first, made, exact = map(int, named.groups())
        assert first == wrong[0]
        assert (made, exact) == (torch_read[first], rule_read[first])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"input": "table", "table": "1, 2; 3, 4", "scale_factor": 1.3},
            "2×2 → 2×2. Along each axis, output i is input i: the side stays, so torch copies it.",
        ),
        (
            {"given": "size", "size": 82, "samples": "0, 1"},
            "2 → 82. Output i is input floor(i/41) in float32: output 41 is 0, where exact numbers "
            "give 1.",
        ),
        (
            {"input": "table", "table": "1, 2; 3, 4", "given": "size", "size": 82, "width": 4},
            "2×2 → 82×4. Along the width, output i is input floor(i/2). Along the height, output i "
            "is input floor(i/41) in float32: output 41 is 0, where exact numbers give 1.",
        ),
        (
            {"scale_factor": 1.3636363636363635, "samples": "0,1,2,3,4,5,6,7,8"},
            "Output i is input floor(i/1.3636363636363635)",
        ),
        (
            {"input": "volume", "given": "size", "size": 8},
            "4×12×12 → 8×8×8. Along the width and the height, output i is input floor(i·3/2). "
            "Along the depth, output i is input floor(i/2). 56% of the input is never read.",
        ),
    ],
    ids=str,
)
def test_nearest_says_its_shortcut_its_rounding_and_its_axis(changes, words: str) -> None:
    view = ip.explain(ip.Interpolate(mode="nearest", **changes))
    assert words in view.sentence
    hold_picks(view)


@pytest.mark.parametrize("mode", ["nearest", "nearest-exact"])
@pytest.mark.parametrize("input_", ["signal", "row", "table"])
def test_the_rule_of_nearest_holds_for_every_short_input_and_size(mode: str, input_: str) -> None:
    for n in range(2, 7):
        line = ", ".join(map(str, range(n)))
        # Sizes at which float32 errs, and others.
        for size in (*range(1, 20), 41, 47, 55, 61, 82, 83, 94, 97, 107, 110):
            hold_picks(
                ip.explain(
                    ip.Interpolate(
                        input=input_, mode=mode, given="size", size=size, samples=line, table=line
                    )
                )
            )


@pytest.mark.parametrize(("factor", "small"), [(1.003, True), (1.003, False), (2.01, False)])
def test_only_a_small_picture_is_copied_where_a_factor_leaves_its_side(
    factor: float, small: bool
) -> None:
    side = 50 if small else 100
    picture = torch.rand(3, side, side, generator=torch.Generator().manual_seed(0))
    view = ip.explain(
        ip.Interpolate(input="picture", mode="nearest", scale_factor=factor), image=picture
    )
    assert view.output is not None
    assert is_small(view.output.shape[1:]) == small
    assert ("the side stays" in view.sentence) == small
    assert torch.equal(view.output, picture) == small
    hold_picks(view)
    assert all(check.holds for check in ip.view_checks(view) if "backward" not in check.statement)


@settings(max_examples=EXAMPLES)
@given(
    legal(
        ip.Interpolate,
        input=st.sampled_from(["signal", "row", "table", "picture", "volume"]),
        mode=st.just("linear"),
        given=GIVEN,
        scale_factor=SCALES,
        size=st.integers(1, 96),
        antialias=st.just(False),
        recompute_scale_factor=st.just(False),
    )
)
def test_the_rule_of_linear_is_where_torch_reads_along_every_axis(
    parameters: ip.Interpolate,
) -> None:
    named = ip.renamed("linear", parameters.axes)
    view = ip.explain(dataclasses.replace(parameters, mode=named))
    assume(view.output is not None)
    assert view.output is not None
    for axis, rule in enumerate(rules(view)):
        if not rule:
            continue
        n, m = view.source.shape[axis + 1], view.output.shape[axis + 1]
        for torch_read, exact in zip(read_by_torch(view, axis), said(rule, n, m), strict=True):
            assert abs(torch_read - min(max(exact, 0), n - 1)) < 1e-6 * n, (rule, parameters)


@settings(max_examples=EXAMPLES // 4)
@given(
    legal(
        ip.Interpolate,
        input=st.sampled_from(["row", "table"]),
        mode=st.sampled_from(["nearest", "nearest-exact", "bilinear", "bicubic", "area"]),
        given=GIVEN,
        scale_factor=SCALES,
        size=st.integers(1, 30),
        align_corners=st.just("None"),
        recompute_scale_factor=st.just(False),
    )
)
def test_the_share_never_read_is_what_no_output_depends_on(parameters: ip.Interpolate) -> None:
    smooth = parameters.antialias and parameters.mode in ANTIALIASED
    view = ip.explain(dataclasses.replace(parameters, antialias=smooth))
    assume(view.output is not None)
    assert view.output is not None
    values = view.source[0].numel()
    ones = torch.eye(values).reshape(values, *view.source.shape[1:])
    made = resized(view, ones).reshape(values, -1)
    unread = float((made == 0).all(dim=1).double().mean())
    found = re.search(r"([\d.]+)% of the input is never read", view.sentence)
    assert (float(found[1]) if found else 0.0) == pytest.approx(100 * unread, abs=0.5)
    assert bool(found) == (unread > 0)


def test_the_share_never_read_is_torchs_where_it_errs_in_an_output_one_column_wide() -> None:
    # Each row of the output uses the first one's weights: rows are passed over.
    view = ip.explain(
        ip.Interpolate(
            input="table",
            table="1, 2; 3, 4; 5, 6; 7, 8; 9, 10; 11, 12",
            mode="bilinear",
            antialias=True,
            scale_factor=0.5,
        )
    )
    assert view.output is not None and view.output.shape[1:] == (3, 1)
    made = resized(view, torch.eye(12).reshape(12, 6, 2)).reshape(12, -1)
    unread = float((made == 0).all(dim=1).double().mean())
    assert 0 < unread < 1
    assert f" {share(unread)} of the input is never read." in view.sentence


def test_a_picture_of_which_a_few_pixels_are_read_is_not_said_to_be_unread_whole() -> None:
    view = ip.explain(ip.Interpolate(input="picture", mode="nearest", given="size", size=8))
    assert view.sentence.endswith(" 99.61% of the input is never read.")
    assert [share(part) for part in (0, 0.0004, 0.5, 0.9999, 1)] == [
        "0%",
        "0.04%",
        "50%",
        "99.99%",
        "100%",
    ]


def test_a_factor_equals_its_size_for_the_reason_that_is_given() -> None:
    sliders = [0.3 + 0.05 * step for step in range(55)]
    reasons = set()
    for n in range(2, 13):
        for factor in {*sliders, *(round(one, 2) for one in sliders)}:
            if int(n * factor) < 1 or factor > 3:
                continue
            lesson = mistakes.rounded_scale(mistakes.OddScale(in_size=n, scale_factor=factor))
            ramp = torch.arange(float(n))[None, None]
            made = F.interpolate(ramp, scale_factor=factor, mode="linear")
            m = made.shape[-1]
            apart = float((made - F.interpolate(ramp, size=m, mode="linear")).abs().max())
            cost = lesson.mistake.wrong_cost
            assert cost.startswith("Equal to") == (apart < 1e-6 * n), (n, factor, cost)
            assert f"torch gives {m} values" in lesson.mistake.lesson
            assert ("copying" in lesson.mistake.lesson) == torch.equal(made, ramp)
            found = re.search(r" here: (.*)\.$", cost)
            if not found:
                continue
            product = Fraction(repr(factor)) * n
            if "whole number" in found[1]:
                assert product.denominator == 1
            elif "stays" in found[1]:
                assert torch.equal(made, ramp)
                assert product != n
            else:
                assert 0 < abs(product - m) < Fraction(1, 10**12)
            reasons.add(found[1].strip("0123456789")[-8:])
    assert len(reasons) >= 3


@settings(max_examples=EXAMPLES // 4)
@given(legal(mistakes.Step))
def test_only_a_level_that_leaves_the_range_by_one_wraps(parameters: mistakes.Step) -> None:
    result = mistakes.overshoot(parameters)
    image = result.source[None, None]
    made = F.interpolate(image, scale_factor=float(parameters.scale), mode="bicubic")
    wraps = int(((made.to(torch.uint8).float() - made).abs() > 1 + 1e-4).sum())
    cost = result.mistake.wrong_cost
    assert ("wrapping around" in cost) == (wraps > 0)
    leave = wraps or int(((made < -1e-3) | (made > 255.001)).sum())
    assert cost.startswith(f"{leave} of {made.numel()} pixels leave 0 to 255")


def test_interpolate_reads_as_far_from_grid_sample_as_the_lesson_says() -> None:
    for side in range(4, 65, 4):
        result = mistakes.two_ways(mistakes.OtherSize(size=side))
        ramp = torch.arange(16.0)[None, None]
        apart = float(
            torch.sub(
                *(
                    F.interpolate(ramp, size=side, mode="linear", align_corners=flag)
                    for flag in (True, False)
                )
            )
            .abs()
            .max()
        )
        found = re.search(r"up to ([\d.]+) pixels apart", result.mistake.wrong_cost)
        assert (float(found[1]) if found else 0.0) == pytest.approx(apart, abs=0.0051)


def test_short_lines_are_picked_as_the_lesson_on_nearest_says() -> None:
    for n in range(2, 13):
        for m in range(1, 13):
            result = mistakes.nearest(mistakes.TwoLengths(in_size=n, out_size=m))
            (wrong,), (right,) = result.wrong, result.right
            ramp = torch.arange(float(n))[None, None]
            by_opencv = ip.opencv_resize(ramp, (1, m), mode="nearest").flatten()
            assert wrong.outputs.tolist() == [i * n // m for i in range(m)] == by_opencv.tolist()
            by_pil = ip.pil_resize(ramp, (1, m), mode="nearest-exact").flatten()
            for i in range(m):
                if (2 * i + 1) * n % (2 * m):
                    assert right.outputs[i] == by_pil[i]


def test_lengths_that_stay_are_copied_when_a_crop_is_resized_by_a_factor() -> None:
    (claim,) = (claim for claim in ip.claims() if claim.says.startswith("With align_corners=False"))
    line = torch.rand(1, 1, 1, 12, generator=torch.Generator().manual_seed(0))[0]
    longer, shorter = (
        F.interpolate(values, scale_factor=1.1, mode="linear") for values in (line, line[..., :5])
    )
    assert torch.equal(shorter, line[..., :5])
    moved = float((longer - F.pad(shorter, (0, 8)))[..., :3].abs().max())
    assert f"12 samples cut to 5: by {moved:.2f}" in claim.measured
    assert moved > 0.1


@settings(max_examples=EXAMPLES // 10)
@given(legal(ip.Interpolate, input=st.sampled_from(["signal", "row", "table"])))
def test_an_address_shows_the_view_that_it_was_made_of(parameters: ip.Interpolate) -> None:
    again, refused = ip.Interpolate.parse(parameters.address())
    assert refused == ()
    assert again == parameters


def test_a_factor_of_fifteen_elevenths_gives_as_many_outputs_after_a_reload() -> None:
    address = {"samples": "0,1,2,3,4,5,6,7,8", "scale_factor": "1.3636363636363635"}
    settings_, refused = ip.Interpolate.parse({**address, "mode": "nearest"})
    again, _ = ip.Interpolate.parse(settings_.address())
    views = [ip.explain(one) for one in (settings_, again)]
    assert refused == ()
    assert views[0].sentence == views[1].sentence
    for view in views:
        assert view.output is not None
        assert view.output.shape == (1, int(9 * 1.3636363636363635))


@settings(max_examples=EXAMPLES // 10)
@given(legal(ip.Interpolate, input=st.sampled_from(["signal", "row", "table"])))
def test_the_code_of_a_view_holds_its_numbers_to_the_last_digit(
    parameters: ip.Interpolate,
) -> None:
    line = next(one for one in ip.snippet(parameters).splitlines() if one.startswith("image = "))
    call = ast.parse(line).body[0].value
    image = torch.tensor(ast.literal_eval(call.args[0]))
    assert torch.equal(image, parameters.tensor())
