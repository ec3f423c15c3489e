"""Draw a page of lessons: each a torch program on the stage, with its mistakes, proof and code."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from explainers.pasted import shortest
from explainers.program.lessons import Lesson, Slip
from explainers.program.topic import LESSON, Lessons, View
from figures import stage as figures
from ui import address, catalogue, figure, offered, proofs, sentences
from ui.component import Component
from ui.frame import Download, Frame, device, mistakes, parts, predict
from ui.stage import STAGE, stage

__all__ = ["page"]

STEP = "step"
"""What an address calls the step on show, from 1."""


Draw = Callable[[Any], figure.Drawn]
"""What draws the result of a lesson's figure."""


def page(
    slug: str,
    topic: Lessons,
    drawn: Mapping[str, Draw] | None = None,
    components: Sequence[Component] = (),
) -> None:
    """Draw the page of a topic of lessons.

    Args:
        slug: Of the page in the catalogue.
        topic: Its lessons.
        drawn: By a lesson's slug, what draws its figure, where it has one.
        components: What the figures draw besides markup and charts.
    """
    _Page(slug, topic, drawn or {}, components).draw()


class _Page:
    def __init__(
        self, slug: str, topic: Lessons, drawn: Mapping[str, Draw], components: Sequence[Component]
    ) -> None:
        self._slug = slug
        self._topic = topic
        self._drawn = drawn
        self._frame = Frame(
            slug,
            topic.presets,
            components=(STAGE, *components),
            also=("predict", "break"),
            # The browser keeps the step in the address while the lesson is the same.
            kept={STEP: LESSON},
            learns=False,
        )

    def draw(self) -> None:
        frame = self._frame
        frame.see(self._controls, self._view, above=True)
        frame.broken(self._break)
        frame.proof(proofs.of(self._slug, device()))
        frame.take(self._take)
        frame.asks(self._predict)
        frame.references(self._topic.references)

    def _lesson(self) -> Lesson:
        return self._topic.chosen(self._frame.settings())[0]

    def _controls(self) -> None:
        """Draw the lesson's own settings worth a look, and what it lets one set."""
        lesson = self._lesson()
        edited = "" if lesson.figure is None else lesson.figure.edits
        if len(lesson.presets) > 1:
            with st.container(
                horizontal=True, gap="small", vertical_alignment="center", key="lesson-presets"
            ):
                st.markdown("Try", width="content")
                for index, preset in enumerate(lesson.presets):
                    st.button(
                        preset.name,
                        key=f"{self._slug}.{lesson.slug}.try.{index}",
                        on_click=self._set,
                        args=(lesson, preset.parameters),
                    )
                if lesson.figure is not None and not lesson.figure.leads:
                    st.markdown(f":small[[Figure below: {lesson.figure.title}](#figure)]")
                if edited:
                    # What the figure sets, for those who would rather type.
                    with st.popover("Numbers", icon=":material/tune:", type="tertiary"):
                        self._frame.controls.draw(f"{lesson.slug}_{edited}")
        names = [name for name in lesson.parameters.specs() if name != edited]
        if names:
            self._frame.controls.draw(*(f"{lesson.slug}_{name}" for name in names), close=True)

    def _set(self, lesson: Lesson, own: object) -> None:
        self._frame.set(self._topic.settings(lesson, own))  # type: ignore[arg-type]
        self._frame.changed(everything=True)

    def _view(self) -> None:
        """Run the lesson and show it on the stage."""
        settings = self._frame.settings()
        lesson, own = self._topic.chosen(settings)
        tried = [preset.parameters for preset in lesson.presets]
        row = (tried.index(own) if own in tried else None, len(tried) if len(tried) > 1 else 0)
        view: View = self._frame.explain(
            lambda settings: self._topic.explain(settings, device=device()),
            notice=self._topic.notice(settings),
            shown=self._topic.lessons.index(lesson),
            rows={f"{lesson.slug}.try": row},
        )
        leads = lesson.figure is not None and lesson.figure.leads
        if leads:
            self._figure(view)
        stage(
            figures.staged(
                view.trace,
                notes=view.notes,
                start=view.start,
                shows=view.lesson.shows,
                title=view.lesson.title,
            ),
            key=f"{self._slug}.stage",
            address=STEP,
        )
        if not address.bare():
            self._pad("Open in the scratchpad", offered.lesson_query(self._slug, lesson, own))
        if lesson.figure is not None and not leads:
            self._figure(view)
        self._frame.live_checks(self._topic.view_checks(view, device=device()))

    def _figure(self, view: View) -> None:
        """Draw the lesson's figure, beside its stage."""
        lesson = view.lesson
        with st.container(key="figure"):
            st.subheader(lesson.figure.title, anchor="figure")  # type: ignore[union-attr]
            if view.seen is None:
                sentences.warn("This machine is busy: the figure's run was ended. Set it again.")
                return
            drawn = self._drawn[lesson.slug](view.seen)
            key = f"{self._slug}.{lesson.slug}.figure"
            figure.draw(drawn, key=key, on_edit=lambda rows: self._moved(view, rows))

    def _moved(self, view: View, rows: list[list[float]]) -> None:
        """Take what a reader moved in the figure as the setting that it edits."""
        name = view.lesson.figure.edits  # type: ignore[union-attr]
        text = "; ".join(", ".join(shortest(value) for value in row) for row in rows)
        # Everything else as it is now: a control may have moved since the figure was drawn.
        _, own = self._topic.chosen(self._frame.settings())
        self._set(view.lesson, dataclasses.replace(own, **{name: text}))

    def _break(self) -> None:
        """Draw the choice between the lesson's mistakes, and both runs of the chosen one."""
        lesson = self._lesson()
        slips = {slip.title: slip for slip in lesson.slips}
        if not slips:
            st.markdown("This lesson has no mistake to make; the others have.")
            return
        key = f"{self._slug}.{lesson.slug}.mistake"
        mistakes.opened(key, tuple(slips))
        self._slip(lesson, slips[mistakes.chosen(key, tuple(slips))])

    def _slip(self, lesson: Lesson, slip: Slip) -> None:
        with parts.sentence_for_bad_input():
            _, own = self._topic.chosen(self._frame.settings())
            wrong, right, parting = lesson.parts(slip, own, device=device())
            start = slip.first_step(wrong)
            drawn = figures.two(wrong, right, parting, start=start, shows=slip.shows)
            # As an address spells it: Streamlit takes no "__" in a component's key.
            title = address.spelled(slip.title)
            stage(drawn, key=f"{self._slug}.{lesson.slug}.{title}.stage")
            words, url = slip.source
            st.markdown(f"{slip.lesson} Met in [{words}]({url}).")
            if address.bare():
                return
            with st.container(horizontal=True, gap="medium"):
                for line in offered.LINES:
                    query = offered.lesson_query(self._slug, lesson, own, slip, line)
                    self._pad(f"The {line} line in the scratchpad", query)

    def _pad(self, label: str, query: Mapping[str, str]) -> None:
        """Draw a link that opens a program where readers write."""
        pad = catalogue.SCRATCHPAD
        st.page_link(pad.file, label=label, icon=pad.icon, query_params=dict(query))

    def _predict(self) -> None:
        lesson = self._lesson()
        question = self._topic.question(lesson, device=device())
        predict.asked(f"{self._slug}.{lesson.slug}", question)

    def _take(self, settings: object) -> tuple[str, list[Download]]:
        return self._topic.snippet(settings, device=device()), []  # type: ignore[arg-type]
