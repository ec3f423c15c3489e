"""The mistakes with interpolate, by torch alone and by what the page's sentences say."""

import ast
import itertools
import re

import pytest
import torch
import torch.nn.functional as F

from explainers.pictures import picture
from explainers.sampling.interpolate import imitation, mistakes
from explainers.sampling.interpolate.mistakes import Comb, Combs


def numbers(text: str) -> list[float]:
    return [float(found) for found in re.findall(r"-?\d+(?:\.\d+)?(?:e-?\d+)?", text)]


def test_without_antialias_a_fourfold_reduction_never_reads_three_quarters_of_the_pixels() -> None:
    result = mistakes.aliasing(mistakes.Reduction(factor=4))
    assert result.mistake.wrong_cost.startswith("75% of pixels are never read.")
    assert result.mistake.right_cost.startswith("Every pixel is read.")
    assert int((result.wrong_weights != 0).sum()) == 4
    assert int((result.right_weights != 0).sum()) > 32


@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
@pytest.mark.parametrize("factor", [2, 3, 5, 8])
def test_with_antialias_torch_is_pil_and_without_it_is_not(mode: str, factor: int) -> None:
    result = mistakes.aliasing(mistakes.Reduction(factor=factor, mode=mode))
    assert float((result.right - result.wanted).abs().max()) < 1e-5
    assert float((result.wrong - result.wanted).abs().mean()) > 0.02


def test_weights_of_one_pixel_sum_to_one() -> None:
    for factor in (1, 2, 4, 8):
        result = mistakes.aliasing(mistakes.Reduction(factor=factor))
        for weights in (result.wrong_weights, result.right_weights):
            assert float(weights.sum()) == pytest.approx(1, abs=1e-5)


def test_five_to_three_nearest_picks_0_1_3_and_nearest_exact_0_2_4() -> None:
    result = mistakes.nearest(mistakes.TwoLengths())
    assert result.wrong[0].outputs.tolist() == [0, 1, 3]
    assert result.right[0].outputs.tolist() == [0, 2, 4]
    assert "Picks 0, 1, 3: on average 0.67 pixels too far to the left." in result.mistake.wrong_cost
    assert "where it should" in result.mistake.right_cost


@pytest.mark.parametrize(("n", "m"), [*itertools.product((2, 3, 5, 12), (1, 2, 7, 12))])
def test_arrows_point_at_what_torch_read(n: int, m: int) -> None:
    lengths = mistakes.TwoLengths(in_size=n, out_size=m)
    for comb in itertools.chain(*both(mistakes.nearest(lengths))):
        assert comb.outputs.tolist() == comb.positions.tolist()
    for comb in mistakes.one_more(mistakes.OneMore(count=min(n, 8))).right:
        line = F.interpolate(comb.samples[None, None], scale_factor=2, mode="linear")[0, 0]
        assert torch.equal(comb.outputs, line)


def both(result: Combs) -> tuple[tuple[Comb, ...], tuple[Comb, ...]]:
    return result.wrong, result.right


def test_one_more_sample_moves_earlier_outputs_only_with_align_corners() -> None:
    result = mistakes.one_more(mistakes.OneMore(count=2))
    before, after = (comb.outputs.tolist() for comb in result.wrong)
    assert before == pytest.approx([0, 1 / 3, 2 / 3, 1])
    assert after == pytest.approx([0, 0.4, 0.8, 0.8, 0.4, 0], abs=1e-6)
    before, after = (comb.outputs.tolist() for comb in result.right)
    assert before[:3] == after[:3] == pytest.approx([0, 0.25, 0.75])
    assert numbers(result.mistake.wrong_cost)[-1] == pytest.approx(0.133)
    assert result.mistake.right_cost.endswith("outputs not at all.")


def test_a_factor_of_1_3_reads_elsewhere_than_the_size_that_it_gives() -> None:
    result = mistakes.rounded_scale(mistakes.OddScale())
    factor, by_size = result.wrong
    assert float(factor.outputs[1]) == pytest.approx(0.654, abs=5e-4)
    assert float(by_size.outputs[1]) == pytest.approx(0.700, abs=5e-4)
    assert torch.equal(result.right[0].outputs, by_size.outputs)
    assert "4 times 1.3 is 5.2; torch gives 5 values" in result.mistake.lesson


def test_bicubic_leaves_0_to_255_and_a_cast_wraps_around() -> None:
    result = mistakes.overshoot(mistakes.Step())
    assert float(result.line.min()) == pytest.approx(-28.0, abs=0.1)
    assert float(result.line.max()) == pytest.approx(283.0, abs=0.1)
    assert "-28 becomes 228" in result.mistake.wrong_cost
    assert float((result.right - result.line.clamp(0, 255)).abs().max()) <= 0.5
    assert "The step runs from -28 to 283" in result.mistake.right_cost


def test_a_gentle_step_does_not_wrap() -> None:
    result = mistakes.overshoot(mistakes.Step(dark=100, bright=150))
    assert "0 of 1024 pixels leave 0 to 255; only fractions are cut." in result.mistake.wrong_cost
    assert float((result.wrong - result.line).abs().max()) < 1


def test_interpolate_and_grid_sample_agree_when_their_flags_do() -> None:
    for size in (4, 16, 32, 64):
        result = mistakes.two_ways(mistakes.OtherSize(size=size))
        assert float((result.right - result.sampled).abs().max()) < 1e-6
        if size != 16:
            assert float((result.wrong - result.sampled).abs().max()) > 0.05
    assert torch.equal(result.source, picture("tiny")[0])


def test_bilinear_invents_a_class_between_two_others_and_nearest_exact_does_not() -> None:
    result = mistakes.labels(mistakes.LabelSize(size=40))
    assert int(result.invented.sum()) == int(numbers(result.mistake.wrong_cost)[0]) > 50
    assert set(result.wrong[result.invented].tolist()) == {1}
    assert set(result.right.unique().tolist()) <= {0, 1, 2}
    # None of those pixels lies on an input pixel of class 1.
    rows, columns = result.invented.nonzero(as_tuple=True)
    read = torch.stack([(rows + 0.5) * 12 / 40 - 0.5, (columns + 0.5) * 12 / 40 - 0.5])
    inner = read.round().long().clamp(0, 11)
    assert float((result.source[inner[0], inner[1]] == 1).float().mean()) == 0


def test_antialias_with_align_corners_keeps_no_corner() -> None:
    result = mistakes.antialiased_corners(mistakes.TwoLengths(in_size=8, out_size=4))
    (comb,) = result.wrong
    assert float(comb.outputs[0]) != 0
    assert float(comb.outputs[-1]) != 7
    assert "0.67 pixels too far to the right" in result.mistake.wrong_cost
    assert "where it should" in result.mistake.right_cost


LESSONS = [
    (mistakes.aliasing, mistakes.Reduction),
    (mistakes.nearest, mistakes.TwoLengths),
    (mistakes.one_more, mistakes.OneMore),
    (mistakes.rounded_scale, mistakes.OddScale),
    (mistakes.overshoot, mistakes.Step),
    (mistakes.two_ways, mistakes.OtherSize),
    (mistakes.labels, mistakes.LabelSize),
    (mistakes.antialiased_corners, mistakes.TwoLengths),
]


@pytest.mark.parametrize(("run", "kind"), LESSONS, ids=[run.__name__ for run, _ in LESSONS])
def test_a_lesson_runs_at_every_end_of_its_controls(run, kind) -> None:
    ends = [
        (spec.minimum, spec.maximum) if hasattr(spec, "minimum") else spec.options
        for spec in kind.specs().values()
    ]
    for values in itertools.product(*ends):
        parameters = kind(**dict(zip(kind.specs(), values, strict=True)))
        if kind is mistakes.OddScale and int(parameters.in_size * parameters.scale_factor) < 1:
            with pytest.raises(ValueError, match="scale_factor must give sides from 1"):
                run(parameters)
            continue
        result = run(parameters)
        assert result.mistake.wrong != result.mistake.right
        for code in (result.mistake.wrong, result.mistake.right):
            ast.parse(code)
            assert max(map(len, code.splitlines())) <= 43
        assert result.mistake.wrong_cost.endswith(".")
        assert result.mistake.right_cost.endswith(".")
        assert "nan" not in result.mistake.wrong_cost + result.mistake.right_cost
        assert result.mistake.source[1].startswith("https://github.com/")


def test_the_question_is_answered_by_torch() -> None:
    question = mistakes.question()
    ramp = torch.arange(7.0)[None, None]
    got = F.interpolate(ramp, size=4, mode="nearest")[0, 0]
    assert question.answer == ", ".join(f"{value:.0f}" for value in got)
    assert question.answer in question.options


@pytest.mark.parametrize("mode", ["nearest-exact", "bilinear", "bicubic"])
def test_a_convolution_trained_on_noise_finds_the_kernel(mode: str) -> None:
    found = imitation.imitate(imitation.Imitation(mode=mode, steps=40))
    assert float(found.loss[-1]) < 1e-10
    assert float(found.error[-1]) < 1e-4
    assert found.weights.shape == (41, 8, 8)
    assert len(found.loss) == 41


def test_a_convolution_trained_on_a_picture_fits_it_without_finding_the_kernel() -> None:
    found = imitation.imitate(imitation.Imitation(data="a picture", steps=100))
    assert float(found.loss[-1]) < 0.02 * float(found.loss[0])
    assert float(found.error[-1]) > 0.1


def test_the_kernel_by_the_formula_doubles_as_torch_does() -> None:
    image = torch.rand(1, 1, 12, 12, generator=torch.Generator().manual_seed(3))
    for mode in ("nearest-exact", "bilinear", "bicubic"):
        made = F.conv_transpose2d(image, imitation.formula(mode)[None, None], stride=2, padding=3)
        wanted = F.interpolate(image, scale_factor=2, mode=mode)
        inside = slice(4, -4)
        assert float((made - wanted)[..., inside, inside].abs().max()) < 1e-5


def test_training_is_the_same_for_the_same_seed_and_differs_for_another() -> None:
    first, again, other = (
        imitation.imitate(imitation.Imitation(steps=5, seed=seed)).weights for seed in (1, 1, 2)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
