"""The contract that every topic of the catalogue keeps, whatever it explains."""

import ast
import dataclasses

import nbformat
import pytest

from explainers import devices, snippets
from explainers.evidence import Check, Claim, Kind, Question, Verdict
from explainers.parameters import Parameters, Preset
from ui import catalogue

PAGES = pytest.mark.parametrize("page", catalogue.PAGES, ids=lambda page: page.slug)


@PAGES
def test_a_topic_has_a_few_presets_that_differ_and_say_what_to_notice(page) -> None:
    presets = page.topic.PRESETS
    # Lessons are presets of their page: four to seven.
    assert 3 <= len(presets) <= (7 if hasattr(page.topic, "LESSONS") else 6)
    assert all(isinstance(preset, Preset) for preset in presets)
    assert len({preset.name for preset in presets}) == len(presets)
    assert len({str(preset.parameters) for preset in presets}) == len(presets)
    assert all(preset.notice.endswith(".") for preset in presets)
    assert all(isinstance(preset.parameters, Parameters) for preset in presets)
    assert presets[0].parameters == type(presets[0].parameters)()


@PAGES
def test_a_topics_parameters_are_frozen_and_documented(page) -> None:
    parameters = page.topic.PRESETS[0].parameters
    assert parameters == dataclasses.replace(parameters)
    assert hash(parameters) == hash(dataclasses.replace(parameters))
    for name, spec in parameters.specs().items():
        assert spec.label, name
        assert spec.help.endswith("."), name


@PAGES
def test_a_topic_proves_itself(page) -> None:
    checks, claims = page.topic.checks(), page.topic.claims()
    assert len(checks) >= 5
    assert all(isinstance(check, Check) and check.holds for check in checks)
    assert len({check.statement for check in checks}) == len(checks)
    assert len(claims) >= 5
    assert all(isinstance(claim, Claim) and claim.measured and claim.truth for claim in claims)
    assert all(claim.verdict in Verdict for claim in claims)


@PAGES
def test_a_topic_asks_a_question_whose_answer_torch_gives(page) -> None:
    question = page.topic.question()
    assert isinstance(question, Question)
    assert question.options.count(question.answer) == 1


@PAGES
def test_a_topics_code_is_python_for_every_preset(page) -> None:
    for preset in page.topic.PRESETS:
        code = page.topic.snippet(preset.parameters)
        ast.parse(code)
        assert "explainers" not in code
        book = nbformat.reads(snippets.notebook(page.title, code), as_version=4)
        nbformat.validate(book)
        assert book.cells[1].source == code


@PAGES
def test_a_topic_refuses_a_device_that_is_not_there(page) -> None:
    for run in (
        lambda: page.topic.checks(device="cuda:99"),
        lambda: page.topic.explain(page.topic.PRESETS[0].parameters, device="cuda:99"),
    ):
        with pytest.raises(ValueError, match="device must be one of cpu"):
            run()


def test_the_cpu_is_always_there_and_comes_first() -> None:
    assert devices.available()[0] == "cpu"
    assert str(devices.device("cpu")) == "cpu"
    assert devices.title("cpu") == "cpu"


@pytest.mark.parametrize("error", [1.1e-6, float("nan"), float("inf")])
def test_a_check_fails_when_its_error_is_beyond_its_tolerance(error: float) -> None:
    assert not Check("s", "r", error=error, tolerance=1e-6, kind=Kind.INDEPENDENT).holds
    assert Check("s", "r", error=1e-6, tolerance=1e-6, kind=Kind.INDEPENDENT).holds
