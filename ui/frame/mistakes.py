"""Break: choose a mistake, run the line people write, then the right one."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from explainers.evidence import Mistake
from explainers.parameters import Choice, Parameters, Spec, shown
from ui import address, figure, place, sentences, tables
from ui.controls import Controls
from ui.frame.parts import device, part, section, sentence_for_bad_input
from ui.turns import in_turn

__all__ = ["Lesson", "chosen", "draw", "heading", "opened"]


@dataclass(frozen=True, slots=True)
class Lesson:
    """Name a mistake, and say how to run and draw it.

    Attributes:
        title: The mistake in a few words.
        parameters: What can be set, at its defaults.
        run: From parameters and ``device`` to a result that holds a `Mistake` as ``mistake``.
        draw: From the result, and whether the wrong line runs, to what `ui.figure.draw` takes.
    """

    title: str
    parameters: Parameters
    run: Callable[..., Any]
    draw: Callable[..., figure.Drawn]


def heading() -> None:
    """Draw the part's heading."""
    section("Break", "Run the line people write, then the right one.")


def draw(slug: str, lessons: Sequence[Lesson]) -> None:
    """Draw the choice between mistakes, and the chosen one; the others do not run."""
    heading()
    titles = [lesson.title for lesson in lessons]
    opened(part(slug, "mistake"), titles)
    st.fragment(_chosen)(slug, {lesson.title: lesson for lesson in lessons})


def opened(key: str, titles: Sequence[str]) -> None:
    """Show, once a visit, the mistake that the address asks for, or say that there is none."""
    asked = address.asked(address.MISTAKE)
    if not asked:
        return
    found = [title for title in titles if address.spelled(title) == asked]
    if found:
        st.session_state[key] = found[0]
    else:
        names = ", ".join(address.spelled(title) for title in titles)
        sentences.warn(f"mistake must be one of {names}, got {shown(asked)}. The first is shown.")
    address.show_mistake(found[0] if found else "")
    place.lead("break", visit=address.visits(), mistake=address.spelled("".join(found)))


def chosen(key: str, titles: Sequence[str]) -> str:
    """Draw the choice between mistakes; return the title of the one on show.

    Args:
        key: Of the choice in the session.
        titles: At least one.
    """
    st.session_state.setdefault(key, titles[0])
    title = st.pills(
        "Mistake",
        titles,
        key=key,
        format_func=sentences.plain,
        required=True,
        label_visibility="collapsed",
        on_change=lambda: address.show_mistake(st.session_state[key] or titles[0]),
    )
    for named in address.mistake().values():
        place.spell(named)
    return title or titles[0]


@in_turn
def _chosen(slug: str, lessons: Mapping[str, Lesson]) -> None:
    titles = tuple(lessons)
    prefix = part(slug, "mistake")
    lesson = lessons[chosen(prefix, titles)]
    with sentence_for_bad_input():
        own = f"{prefix}.{titles.index(lesson.title)}"
        controls = Controls(own, type(lesson.parameters))
        parameters = controls.settings()
        left, right = st.columns([2, 3], vertical_alignment="bottom")
        with left:
            wrong = _switch(own)
        # Options that are many or long want a row of their own.
        specs = parameters.specs()
        wide = [name for name, spec in specs.items() if _wide(spec)]
        if names := [name for name in specs if name not in wide]:
            with right:
                controls.draw(*names)
        for name in wide:
            controls.draw(name)
        result = lesson.run(parameters, device=device())
        _mistake(result.mistake, wrong=wrong)
        figure.draw(lesson.draw(result, wrong=wrong), key=f"{prefix}.figure")
        words, url = result.mistake.source
        st.markdown(f"{result.mistake.lesson} Met in [{words}]({url}).")


def _wide(spec: Spec) -> bool:
    """Return whether a control does not fit beside others."""
    return isinstance(spec, Choice) and sum(len(spec.worded(o)) + 4 for o in spec.options) > 28


def _switch(prefix: str) -> bool:
    words = {"wrong": "✗ The line people write", "right": "✓ The line that does it"}
    chosen: str = st.segmented_control(
        "Which line runs?",
        tuple(words),
        default="wrong",
        format_func=words.__getitem__,
        key=f"{prefix}.line",
        required=True,
        label_visibility="collapsed",
    )
    return chosen != "right"


def _mistake(mistake: Mistake, *, wrong: bool) -> None:
    tables.lines(mistake, wrong=wrong)
    if wrong:
        st.error(mistake.wrong_cost, icon=":material/close:")
    else:
        st.success(mistake.right_cost, icon=":material/check:")
