"""A new page's skeleton runs and keeps the contract before a word of it is changed."""

import ast
import importlib
import inspect
import runpy
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import explainers
import figures
import skeleton
from explainers.program.topic import snippet
from tests.explainers import test_lessons_of_programs as contract
from ui import catalogue

# Its package is there, or is not; names before and after the shared modules'.
CHAPTERS = pytest.mark.parametrize("chapter", ["tensors", "distributed"])


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give a tree beside the project's, in which packages of chapters are looked for too."""
    shutil.copy(catalogue.ROOT / "pyproject.toml", tmp_path)
    for layer in ("explainers", "figures", "pages", "tests", "ui"):
        (tmp_path / layer).mkdir()
    for package in (explainers, figures):
        beside = str(tmp_path / package.__name__)
        monkeypatch.setattr(package, "__path__", [*package.__path__, beside])
    there = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - there:
        if name.split(".")[0] in ("explainers", "figures"):
            del sys.modules[name]


def written(root: Path, kind: str, chapter: str) -> list[Path]:
    found = skeleton.write(skeleton.files(kind, chapter, "brand_new", "Brand new, is it?"), root)
    for order in ("check", "format --check"):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *order.split(), *found],
            cwd=root,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout
    return found


def imported(root: Path, layer: str, chapter: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    package = importlib.import_module(f"{layer}.{chapter}")
    beside = str(root / layer / chapter)
    monkeypatch.setattr(package, "__path__", [*{*package.__path__, beside}])
    return importlib.import_module(f"{layer}.{chapter}.brand_new")


@CHAPTERS
def test_its_lesson_keeps_the_contract_of_every_lesson(
    root: Path,
    chapter: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    written(root, "lessons", chapter)
    topic = imported(root, "explainers", chapter, monkeypatch)
    (lesson,) = topic.LESSONS
    rules = [
        rule
        for name, rule in vars(contract).items()
        if name.startswith("test_") and list(inspect.signature(rule).parameters) == ["lesson"]
    ]
    assert len(rules) >= 8
    for rule in rules:
        rule(lesson)
    for preset in lesson.presets:
        (root / "taken.py").write_text(snippet(lesson, preset.parameters))
        capsys.readouterr()
        runpy.run_path(str(root / "taken.py"))
        assert capsys.readouterr().out == contract.printed(lesson.trace(preset.parameters), lesson)


@CHAPTERS
def test_its_topic_proves_itself_and_is_drawn(
    root: Path, chapter: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(root, "topic", chapter)
    topic = imported(root, "explainers", chapter, monkeypatch)
    drawn = imported(root, "figures", chapter, monkeypatch)
    assert all(check.holds for check in topic.checks())
    assert all(claim.measured for claim in topic.claims())
    assert topic.question().answer in topic.question().options
    for preset in topic.PRESETS:
        view = topic.explain(preset.parameters)
        assert drawn.see(view).alt == view.sentence
        assert drawn.thumbnail(view).startswith("<svg")
    # Its own tests hold too: each check and each verdict has an error that turns it.
    tests = runpy.run_path(str(root / f"tests/explainers/{chapter}/test_brand_new.py"))
    tests["test_every_check_and_every_statement_has_a_wrong_twin"]()
    for twin in tests["TWINS"]:
        tests["test_a_wrong_twin_turns_its_checks_red"](twin, monkeypatch)
    for twin in tests["CLAIM_TWINS"]:
        tests["test_a_wrong_torch_turns_a_verdict"](twin, monkeypatch)


@pytest.mark.parametrize("kind", skeleton.KINDS)
def test_nothing_that_is_there_is_written_over(root: Path, kind: str) -> None:
    first = written(root, kind, "distributed")
    for path in first:
        path.write_text("mine")
    with pytest.raises(FileExistsError, match="nothing is overwritten, and explainers/distributed"):
        skeleton.write(skeleton.files(kind, "distributed", "brand_new", "Brand new"), root)
    # A second page of the chapter leaves its package alone.
    skeleton.write(skeleton.files(kind, "distributed", "second", "Second"), root)
    assert {path.read_text() for path in first} == {"mine"}


def test_what_is_printed_is_the_catalogues_entry_and_the_readmes_row() -> None:
    (call,) = ast.parse(skeleton.entry("tensors", "brand_new", "Brand new").strip()).body
    (made,) = call.value.elts  # the comma makes it a tuple
    page = catalogue.Page(**{word.arg: ast.literal_eval(word.value) for word in made.keywords})
    assert (page.slug, page.title, page.chapter) == ("brand_new", "Brand new", "Tensors")
    assert page in catalogue.in_reading_order(*catalogue.PAGES, page)
    assert skeleton.row("tensors", page.title) == (
        f"| {page.chapter} | {page.title} | {page.question} |\n"
    )


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (("page", "tensors", "new", "New"), "kind must be one of lessons, topic, got page"),
        (("topic", "Tensors", "new", "New"), "chapter must be one of tensors, autograd, "),
        (("topic", "tensors", "New page", "New"), "slug must be a name in lower case, got New"),
        (("topic", "tensors", "../new", "New"), "slug must be a name in lower case, got ../new"),
        (("topic", "tensors", "class", "New"), "slug must be a name in lower case, got class"),
        (("topic", "tensors", "new", ' "'), "title must be words without quotes, bars and back"),
        (("topic", "tensors", "new", ""), "title must be words without quotes, bars and back"),
        (("topic", "tensors", "new", "n" * 41), "title must be at most 40 letters long, got 41"),
    ],
)
def test_what_cannot_be_a_page_is_refused(asked: tuple[str, ...], said: str) -> None:
    with pytest.raises(ValueError) as caught:
        skeleton.files(*asked)
    assert str(caught.value).startswith(said)
