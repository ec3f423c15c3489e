"""Every page, under every preset and under a stranger's address, through Streamlit's own tester."""

import functools
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl

import pytest
from streamlit.testing.v1 import AppTest

from explainers.parameters import Choice, Flag, Number, Numbers
from tests.session import PATIENCE_S, SHELL, chapters, components, held, opened, status, warnings
from ui import catalogue, sentences, tour

PAGES = pytest.mark.parametrize("page", catalogue.PAGES, ids=lambda page: page.slug)
CASES = [
    pytest.param(page, preset, id=f"{page.slug}: {preset.name}")
    for page in catalogue.PAGES
    for preset in page.topic.PRESETS
]
# A page of lessons breaks and asks by lesson, and trains nothing.
OWN, TAUGHT = (
    pytest.mark.parametrize(
        "page",
        [page for page in catalogue.PAGES if hasattr(page.topic, "LESSONS") is taught],
        ids=lambda page: page.slug,
    )
    for taught in (False, True)
)


def test_the_sidebar_leads_to_every_page() -> None:
    tester = AppTest.from_file(SHELL, default_timeout=PATIENCE_S).run()
    links = [title for _, titles in chapters(tester) for title in titles]
    assert links == ["Home", "Scratchpad", *(page.title for page in catalogue.PAGES), "Proof sheet"]


def test_home_shows_a_card_for_every_page_once_its_chapter_is_open() -> None:
    tester = AppTest.from_file(SHELL, default_timeout=PATIENCE_S)
    for chapter in catalogue.CHAPTERS:
        tester.session_state[f"home.chapter.{chapter}"] = True
    tester.session_state["home.stops"] = True
    tester.run()
    assert not tester.exception
    links = [link.value for link in tester.main.page_link]
    for page in catalogue.PAGES:
        assert any(page.title in link for link in links)
        assert any(page.question in part.value for part in tester.main.markdown)
    stops = [link for link in links if any(stop.title in link for stop in tour.STOPS)]
    pad = [link for link in links if catalogue.SCRATCHPAD.title in link]
    assert len(pad) == 1
    assert len(links) == len(catalogue.PAGES) + len(stops) + len(pad)
    assert len(stops) == len(tour.STOPS)


@pytest.mark.parametrize(("page", "preset"), CASES)
def test_a_preset_sets_every_control_and_shows_its_notice(
    page: catalogue.Page, preset: Any
) -> None:
    tester = opened(page)
    index = page.topic.PRESETS.index(preset)
    tester.button(key=f"{page.slug}.preset.{index}").click().run()
    assert not tester.exception
    assert not tester.warning
    assert held(tester, page) == preset.parameters.values()
    assert status(tester)["notice"] == f"Notice: {preset.notice}"
    assert dict(parse_qsl(status(tester)["query"])) == preset.parameters.address()
    assert status(tester)["rows"]["preset"] == [index, len(page.topic.PRESETS)]


@pytest.mark.parametrize(("page", "preset"), CASES)
def test_a_link_restores_the_view_it_was_made_for(page: catalogue.Page, preset: Any) -> None:
    tester = opened(page, **preset.parameters.address())
    assert not tester.exception
    assert not tester.warning
    assert held(tester, page) == preset.parameters.values()


def ends(page: catalogue.Page, name: str) -> list[str]:
    """Return how a link spells the least and the most of a control, or each of its options."""
    match spec := page.topic.PRESETS[0].parameters.specs()[name]:
        case Number():
            return [spec.spell(spec.minimum), spec.spell(spec.maximum)]
        case Choice():
            return list(spec.options)
        case Flag():
            return ["true", "false"]
        case Numbers():
            return [
                ";".join([",".join([f"{value:g}"] * columns)] * rows)
                for value, rows, columns in (
                    (spec.minimum, spec.rows[0], spec.columns[0]),
                    (spec.maximum, spec.rows[1], spec.columns[1]),
                )
            ]
    return [spec.spell(getattr(page.topic.PRESETS[1].parameters, name))]


def links_to_ends(page: catalogue.Page) -> Iterator[dict[str, str]]:
    """Yield the links that take every control to each of its ends.

    One control at a time; a lesson's together, for they are there only while it is on show, and
    that it runs wherever they stand its own tests ask.
    """
    if not hasattr(page.topic, "LESSONS"):
        specs = page.topic.PRESETS[0].parameters.specs()
        yield from ({name: text} for name in specs for text in ends(page, name))
        return
    for lesson in page.topic.LESSONS:
        names = [f"{lesson.slug}_{name}" for name in lesson.parameters.specs()]
        texts = {name: ends(page, name) for name in names}
        for place in range(max(map(len, texts.values()), default=1)):
            at = {name: own[min(place, len(own) - 1)] for name, own in texts.items()}
            yield {"lesson": lesson.slug, **at}


@PAGES
def test_every_control_at_its_ends_keeps_the_page_whole(page: catalogue.Page) -> None:
    specs = page.topic.PRESETS[0].parameters.specs()
    for link in links_to_ends(page):
        tester = opened(page, **link)
        assert not tester.exception, link
        assert "Something went wrong" not in " ".join(e.value for e in tester.error)
        assert "not understood" not in warnings(tester), link
        found = held(tester, page)
        assert {name: specs[name].spell(found[name]) for name in link} == link


@PAGES
@pytest.mark.parametrize(
    "text", ["nan", "inf", "-1e999", "../../etc/passwd", "", "None", "1" * 5000]
)
def test_a_bad_value_gets_its_sentence_and_the_rest_of_the_link_is_kept(
    page: catalogue.Page, text: str
) -> None:
    defaults = page.topic.PRESETS[0].parameters
    other = page.topic.PRESETS[1].parameters
    kept = other.address()
    bad = next(name for name in defaults.specs() if name not in kept)
    tester = opened(page, **kept, **{bad: text})
    assert not tester.exception
    assert f"{bad} must be" in warnings(tester)
    assert held(tester, page) == other.values()
    assert len(warnings(tester)) < 500


TYPED = [
    pytest.param(page, name, id=f"{page.slug}: {name}")
    for page in catalogue.PAGES
    for name, spec in page.topic.PRESETS[0].parameters.specs().items()
    if isinstance(spec, Numbers)
]


@functools.cache
def with_box(slug: str, name: str) -> Any:
    """Return the first preset that shows the box in which these numbers are typed."""
    page = catalogue.page(slug)
    return next(
        preset
        for preset in page.topic.PRESETS
        if any(
            box.key == f"{slug}.{name}.text"
            for box in opened(page, **preset.parameters.address()).text_input
        )
    )


@pytest.mark.parametrize(("page", "name"), TYPED)
@pytest.mark.parametrize("text", ["1, nan", "", "1;2,3", "__import__('os')", "9" * 500])
def test_text_that_is_no_numbers_gets_its_sentence_and_the_view_stays(
    page: catalogue.Page, name: str, text: str
) -> None:
    preset = with_box(page.slug, name)
    tester = opened(page, **preset.parameters.address())
    tester.text_input(key=f"{page.slug}.{name}.text").set_value(text).run()
    assert not tester.exception
    assert f"{name} must be" in warnings(tester)
    assert tester.text_input(key=f"{page.slug}.{name}.text").value == text
    assert held(tester, page) == preset.parameters.values()
    assert status(tester)["notice"] == f"Notice: {preset.notice}"
    tester.run()  # the tester holds only what the last run drew: here, a part of the page
    tester.button(key=f"{page.slug}.preset.{page.topic.PRESETS.index(preset)}").click().run()
    assert not tester.warning
    assert tester.text_input(key=f"{page.slug}.{name}.text").value != text


@PAGES
def test_the_sentence_goes_when_the_reader_moves_on(page: catalogue.Page) -> None:
    name = next(iter(page.topic.PRESETS[0].parameters.specs()))
    tester = opened(page, **{name: "nan"})
    assert tester.warning
    tester.button(key=f"{page.slug}.preset.1").click().run()
    assert not tester.warning


@PAGES
def test_a_strangers_text_is_shown_as_text(page: catalogue.Page) -> None:
    name = next(iter(page.topic.PRESETS[0].parameters.specs()))
    tester = opened(page, **{name: "[a](javascript:x)<b>*"})
    (warning,) = tester.warning
    assert r"\[a\]\(javascript\:x\)\<b\>\*" in warning.value


@PAGES
def test_a_device_that_is_not_here_falls_back_and_says_so(page: catalogue.Page) -> None:
    tester = AppTest.from_file(SHELL, default_timeout=PATIENCE_S)
    tester.query_params["device"] = "cuda:7"
    tester.run()
    assert tester.session_state["device"] == "cpu"
    assert "device must be one of cpu" in warnings(tester)
    tester.switch_page(f"../{page.file.relative_to(catalogue.ROOT)}").run()
    assert not tester.exception


@PAGES
def test_settings_survive_a_walk_to_home_and_back(page: catalogue.Page) -> None:
    tester = opened(page)
    tester.button(key=f"{page.slug}.preset.1").click().run()
    before = held(tester, page)
    tester.switch_page("../pages/home/home.py").run()
    tester.switch_page(f"../{page.file.relative_to(catalogue.ROOT)}").run()
    assert held(tester, page) == before


@OWN
def test_every_mistake_runs_with_both_lines(page: catalogue.Page) -> None:
    tester = opened(page)
    pills = tester.get_by_key(f"{page.slug}.mistake")
    for option in (words.replace("\\", "") for words in pills.options):
        tester.get_by_key(f"{page.slug}.mistake").set_value(option).run()
        assert not tester.exception, option
        assert tester.error, option
        lines = [html.value for html in tester.html if 'class="loupe-lines"' in html.value]
        assert len(lines) == 1, option
        assert "wrong</b> (runs now)" in lines[0], option
        (switch,) = (
            control for control in tester.get("segmented_control") if control.value == "wrong"
        )
        switch.set_value("right").run()
        assert not tester.exception, option
        assert tester.success, option


@OWN
def test_the_prediction_is_revealed_only_after_the_reader_commits(page: catalogue.Page) -> None:
    tester = opened(page)
    question = page.topic.question()
    wrong = next(option for option in question.options if option != question.answer)
    shown = lambda: " ".join(e.value for e in [*tester.error, *tester.success])  # noqa: E731
    assert tester.button(key=f"{page.slug}.reveal").disabled
    tester.get_by_key(f"{page.slug}.guess").set_value(wrong).run()
    assert question.because not in shown()
    tester.button(key=f"{page.slug}.reveal").click().run()
    assert f"No: {question.answer}" in shown()
    tester.get_by_key(f"{page.slug}.guess").set_value(question.answer).run()
    tester.button(key=f"{page.slug}.reveal").click().run()
    assert f"Yes: {question.answer}" in shown()


@PAGES
def test_take_shows_the_code_of_the_view(page: catalogue.Page) -> None:
    tester = opened(page, **page.topic.PRESETS[1].parameters.address())
    tester.session_state[f"{page.slug}.take"] = True
    tester.run()
    assert not tester.exception
    codes = [code.value for code in tester.code]
    assert page.topic.snippet(page.topic.PRESETS[1].parameters).strip() in codes


@OWN
def test_learn_runs_when_it_is_asked_to(page: catalogue.Page) -> None:
    tester = opened(page)
    key = f"{page.slug}.learn.start"
    tester.button(key=key).click().run()
    assert not tester.exception
    assert "Something went wrong" not in " ".join(error.value for error in tester.error)
    assert key not in [button.key for button in tester.button]


@pytest.mark.parametrize("stop", tour.STOPS, ids=lambda stop: stop.title)
def test_a_stop_of_the_tour_says_what_to_try_and_leads_to_the_next(stop: tour.Stop) -> None:
    page = catalogue.page(stop.slug)
    tester = opened(page, **stop.query)
    assert not tester.exception
    assert held(tester, page) == stop.settings.values()
    number = tour.STOPS.index(stop) + 1
    (guide,) = [text.value for text in tester.markdown if f"Stop {number} of 10" in text.value]
    assert stop.words in guide
    # The same settings without the tour: no word of it.
    tester = opened(page, **stop.settings.spelled())
    assert not any("Stop " in text.value for text in tester.markdown)


@pytest.mark.parametrize("asked", ["", "0", "1", "11", "-1", "1.5", "x", "9" * 40, "²"])
def test_an_address_that_names_no_stop_of_the_page_shows_none(asked: str) -> None:
    tester = opened(catalogue.page("schedulers"), tour=asked)
    assert not tester.exception
    assert not tester.warning
    assert not any("Stop " in text.value for text in tester.markdown)


def test_a_call_with_a_base_lr_of_its_own_says_so_and_keeps_it_when_another_control_moves() -> None:
    page = catalogue.page("schedulers")
    tester = opened(page, schedule="CyclicLR(optimizer, 0.001, 0.1)")
    assert not tester.exception
    assert not tester.warning
    assert held(tester, page)["schedule"] == "CyclicLR(base_lr=0.001, max_lr=0.1)"
    assert any("its own base_lr, 0.001" in text.value for text in tester.caption)
    (steps,) = [box for box in tester.number_input if box.label == "step_size_up"]
    steps.set_value(50).run()
    assert held(tester, page)["schedule"] == (
        "CyclicLR(base_lr=0.001, max_lr=0.1, step_size_up=50)"
    )


@TAUGHT
def test_each_lesson_shows_its_mistakes_and_asks_its_question(page: catalogue.Page) -> None:
    for lesson in page.topic.LESSONS:
        tester = opened(page, lesson=lesson.slug)
        assert not tester.exception, lesson.slug
        said = lambda: [markdown.value for markdown in tester.markdown]  # noqa: E731, B023
        for slip in lesson.slips:
            pills = tester.get_by_key(f"{page.slug}.{lesson.slug}.mistake")
            assert sentences.plain(slip.title) in pills.options
            pills.set_value(slip.title).run()
            assert not tester.exception, slip.title
            assert any(words.startswith(slip.lesson) for words in said()), slip.title
            start = slip.first_step(lesson.parts(slip)[0])
            _, broken = components(tester, "torch_loupe_stage")
            assert start in (None, broken["own"]["start"]), slip.title
        question = lesson.question()
        tester.get_by_key(f"{page.slug}.{lesson.slug}.guess").set_value(question.answer).run()
        tester.button(key=f"{page.slug}.{lesson.slug}.reveal").click().run()
        (found,) = tester.success
        assert found.value.startswith(f"Yes: {question.answer}."), lesson.slug


@TAUGHT
def test_another_lesson_brings_its_controls_its_mistakes_and_its_question(
    page: catalogue.Page,
) -> None:
    first, other, *_ = page.topic.LESSONS
    tester = opened(page)
    tester.button(key=f"{page.slug}.preset.1").click().run()
    assert not tester.exception
    keys = {element.key for element in tester.get("pills")}
    assert f"{page.slug}.{other.slug}.mistake" in keys
    assert f"{page.slug}.{other.slug}.guess" in keys
    assert f"{page.slug}.{first.slug}.mistake" not in keys
