"""Draw the frame of a page: title, presets, Predict, See, Break, Prove, Take, references."""

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import streamlit as st
import torch
from streamlit.delta_generator import DeltaGenerator
from streamlit.errors import StreamlitAPIException

from explainers import devices, snippets
from explainers.evidence import Check, Mistake, Question
from explainers.parameters import Choice, Parameters, Preset, Spec
from ui import address, catalogue, figure, sentences, sheet, status, style, tables, tour
from ui.component import Component
from ui.controls import Controls, part_key
from ui.curves import CHART
from ui.proofs import Proof
from ui.turns import in_turn

DEVICE = "device"
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Download:
    """Offer a file: its label, its name, what makes it when asked for, and its MIME type."""

    label: str
    name: str
    make: Callable[[], str | bytes]
    mime: str


def device() -> str:
    """Return the device that the sidebar has chosen."""
    return str(st.session_state.get(DEVICE, "cpu"))


@contextlib.contextmanager
def sentence_for_bad_input() -> Iterator[None]:
    """Show an explainer's ValueError as a sentence; the rest of the page stays."""
    try:
        yield
    except ValueError as error:
        sentences.warn(f"{error}.")


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


class Frame:
    """Draw one page from top to bottom, in the order that all pages share.

    Moving a control reruns the view alone: pictures, badges, address and the checks of the view.
    Break, Learn and Predict rerun by their own controls, and Take only while it is open. The rest,
    the controls among them, is drawn once per visit: every element that a run sends costs the
    reader a millisecond.
    """

    def __init__(
        self, slug: str, presets: Sequence[Preset], components: Sequence[Component] = ()
    ) -> None:
        """Draw title, question and the places of all parts, and restore the address.

        Args:
            slug: Of the page in the catalogue.
            presets: The first one's class is the page's parameters.
            components: What the page draws besides charts.
        """
        self.page = catalogue.page(slug)
        self.kind = type(presets[0].parameters)
        self.controls = Controls(slug, self.kind, self.changed)
        self._presets = presets
        self._checked = False
        self._predict: DeltaGenerator | None = None
        address.seed(slug, self.kind)
        with st.container(gap=None):
            style.put()
            st.title(self.page.title, anchor=False)
            # As low as its code is: what waits for it must not move the page.
            with st.container(key="code", height=1, border=False):
                for component in (CHART, *components):
                    component.send()
        if address.bare():
            st.markdown(self.page.question)
        else:
            with st.container(
                horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"
            ):
                st.markdown(self.page.question, width="content")
                st.markdown(f":small[{_WAYS}]", width="content")
                self._predict = st.popover("Predict", icon=":material/quiz:", type="tertiary")
            tour.guide(slug)
        self._see = st.container(key="see")
        self._break, self._prove, self._learn, self._take = (st.container() for _ in range(4))
        with self._prove:
            _section(
                "Prove",
                "torch beside a reference, and how independent of torch that is. Computed by this "
                "server.",
            )
            st.markdown("**This view**")
            self._live = st.empty()

    def value(self, name: str) -> Any:
        """Return what one control holds now."""
        return st.session_state[address.key(self.page.slug, name)]

    def set(self, settings: Parameters) -> None:
        """Set every control, from a callback."""
        address.apply(self.page.slug, settings)

    def settings(self) -> Any:
        """Return the settings that the controls hold.

        Raises:
            ValueError: A control sent what its bounds forbid.
        """
        return self.controls.settings()

    def changed(self, *, everything: bool = False, also: Sequence[str] = ()) -> None:
        """Rerun, from a callback, what depends on the controls and nothing else.

        Args:
            everything: Draw the controls again too: they were set, not moved.
            also: Controls, and parts of the controls, to draw again: the others stay.
        """
        address.accept()
        slug = self.page.slug
        parts = [_part(slug, "view")]
        if everything:
            parts.insert(0, _part(slug, "controls"))
        parts[:0] = [part_key(slug, name) for name in also]
        if st.session_state.get(_part(slug, "take")):
            parts.append(_part(slug, "take"))
        try:
            st.rerun(parts)
        except StreamlitAPIException:
            # A run that was cut short has not drawn every part: draw the whole page.
            st.rerun()

    def part(self, name: str, draw: Callable[[], None]) -> None:
        """Draw a part of the controls that `changed` can draw again by its name."""
        st.fragment(draw, key=part_key(self.page.slug, name))()

    def see(self, controls: Callable[[], None], view: Callable[[], None]) -> None:
        """Draw presets, and the controls beside the view; the view alone where the address asks.

        Args:
            controls: Draws the controls; runs again when a preset sets them.
            view: Draws the pictures; runs again with every change of a control.
        """
        if address.bare():
            with self._see:
                st.fragment(self._view_part, key=_part(self.page.slug, "view"))(view)
            return
        with self._see:
            self._row_of_presets()
            # The view comes first: on a phone, where columns stack, it is what is seen.
            left, right = st.columns([3, 2], gap="medium")
            with left:
                st.fragment(self._view_part, key=_part(self.page.slug, "view"))(view)
            with right, st.container(key="see-controls"):
                st.fragment(controls, key=_part(self.page.slug, "controls"))()

    def below(self) -> DeltaGenerator:
        """Return the place below the view, for what a page shows beside no picture."""
        return self._see

    def _row_of_presets(self) -> None:
        def apply(preset: Preset) -> None:
            self.set(preset.parameters)
            self.changed(everything=True)

        with st.container(horizontal=True, gap="xsmall"):
            for index, preset in enumerate(self._presets):
                st.button(
                    preset.name,
                    key=f"{self.page.slug}.preset.{index}",
                    on_click=apply,
                    args=(preset,),
                )

    @in_turn
    def _view_part(self, view: Callable[[], None]) -> None:
        for sentence in st.session_state.get(address.REFUSED, ()):
            sentences.warn(
                f"The address was not understood in one place: {sentence}. The default stands "
                "in; the rest is as you asked."
            )
        self._checked = False
        with sentence_for_bad_input():
            view()
        if not self._checked:
            # What is to be filled later must be written to on the page's first run too.
            self._live.empty()

    def explain(self, compute: Callable[[Any], Result]) -> Result:
        """Compute what the settings show; say how long it took, what to notice, and the address.

        Args:
            compute: From settings to the topic's result.

        Raises:
            ValueError: The settings or `compute` break a rule.
        """
        settings = self.settings()
        start = time.perf_counter()
        result = compute(settings)
        elapsed = (time.perf_counter() - start) * 1e3
        shown = [n for n, preset in enumerate(self._presets) if preset.parameters == settings]
        status.line(
            f"Notice: {self._presets[shown[0]].notice}" if shown else "Your own settings.",
            (f"torch {torch.__version__}", devices.title(device()), f"{elapsed:.1f} ms"),
            {**self._link_settings(settings), **address.stop()},
            preset=shown[0] if shown else None,
            presets=0 if address.bare() else len(self._presets),
        )
        return result

    def live_checks(self, checks: Sequence[Check]) -> None:
        """Draw the checks of the view on show, in their place under Prove."""
        self._checked = True
        with self._live:
            tables.checks(checks)

    def mistakes(self, *lessons: Lesson) -> None:
        """Draw the choice between mistakes, and the chosen one; the others do not run."""
        with self._break:
            _section("Break", "Run the line people write, then the right one.")
            st.fragment(self._mistake_part)({lesson.title: lesson for lesson in lessons})

    @in_turn
    def _mistake_part(self, lessons: Mapping[str, Lesson]) -> None:
        titles = tuple(lessons)
        prefix = _part(self.page.slug, "mistake")
        chosen = st.pills(
            "Mistake",
            titles,
            default=titles[0],
            key=prefix,
            required=True,
            label_visibility="collapsed",
        )
        lesson = lessons[chosen or titles[0]]
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

    def proof(self, proof: Proof) -> None:
        """Draw the checks of the page's rules, libraries compared, and the claims of the notes."""
        with self._prove:
            held = sum(check.holds for check in proof.checks)
            # Folded while all is well: a page is read down to its end.
            with st.expander(
                f"**This page's rules: {held} of {len(proof.checks)} hold**",
                expanded=held < len(proof.checks),
            ):
                tables.checks(proof.checks)
            if proof.agreements:
                st.markdown("**Largest difference to other libraries**")
                tables.agreements(proof.agreements)
            said = sheet.standing([str(claim.verdict) for claim in proof.claims])
            st.markdown(
                f"**What five files of study notes say: {len(proof.claims)} statements** ({said})"
            )
            tables.claims(proof.claims)

    def learn(self, words: str, start: str, draw: Callable[[], None]) -> None:
        """Draw a part that trains something: behind a button, for it takes time and bytes.

        Args:
            words: What it shows.
            start: The button's words.
            draw: Draws controls and the run, once asked for.
        """
        with self._learn:
            _section("Learn", words)
            st.fragment(self._learn_part)(start, draw)

    def _learn_part(self, start: str, draw: Callable[[], None]) -> None:
        wanted = f"{self.page.slug}.learn"
        if not st.session_state.get(wanted):
            st.button(
                start,
                key=f"{wanted}.start",
                icon=":material/play_arrow:",
                on_click=st.session_state.__setitem__,
                args=(wanted, True),
            )
            return
        with sentence_for_bad_input():
            draw()

    def take(self, make: Callable[[Any], tuple[str, Sequence[Download]]]) -> None:
        """Draw, while it is open, the code of this view, its downloads and its link.

        Args:
            make: From settings to the code and the files to take away.
        """
        with self._take:
            _section("Take", "Everything to reproduce this view exactly.")
            st.fragment(self._take_part, key=_part(self.page.slug, "take"))(make)

    @in_turn
    def _take_part(self, make: Callable[[Any], tuple[str, Sequence[Download]]]) -> None:
        slug, title = self.page.slug, self.page.title
        place = st.expander(
            "Code, data and link of this view", key=_part(slug, "take"), on_change="rerun"
        )
        if not place.open:
            return
        with place, sentence_for_bad_input():
            settings = self.settings()
            code, files = make(settings)
            st.code(code, language=None, height=340)
            offers = (
                Download("Code (.py)", f"{slug}.py", lambda: code, "text/x-python"),
                Download(
                    "Notebook (.ipynb)",
                    f"{slug}.ipynb",
                    lambda: snippets.notebook(title, code),
                    "application/x-ipynb+json",
                ),
                *files,
            )
            with st.container(horizontal=True, gap="small"):
                for offer in offers:
                    st.download_button(
                        offer.label,
                        offer.make,
                        file_name=offer.name,
                        mime=offer.mime,
                        on_click="ignore",
                        icon=":material/download:",
                        key=f"{slug}.download.{offer.label}",
                    )
            chosen = self._link_settings(settings)
            for words, more in (
                ("This view's link:", {}),
                ("For slides, without frame and controls:", address.SLIDE),
            ):
                st.markdown(words)
                st.code(address.link({**chosen, **more}), language=None, wrap_lines=True)

    def predict(self, question: Question) -> None:
        """Ask for a prediction; once the reader commits, show what torch gave."""
        if self._predict is not None:
            with self._predict:
                st.caption("Commit first; torch answers.")
                st.fragment(self._predict_part)(question)

    def _predict_part(self, question: Question) -> None:
        st.markdown(question.text)
        guess = st.pills(
            "Your prediction",
            question.options,
            key=f"{self.page.slug}.guess",
            label_visibility="collapsed",
        )
        committed = f"{self.page.slug}.committed"
        st.button(
            "Commit, and reveal",
            key=f"{self.page.slug}.reveal",
            disabled=guess is None,
            on_click=st.session_state.__setitem__,
            args=(committed, guess),
        )
        if guess is not None and st.session_state.get(committed) == guess:
            if guess == question.answer:
                st.success(f"Yes: {question.answer}. {question.because}", icon=":material/check:")
            else:
                st.error(f"No: {question.answer}. {question.because}", icon=":material/close:")

    def references(self, entries: Sequence[tuple[str, str]]) -> None:
        """Draw the references: words and address."""
        # No caption: it would pale the links below what one can read.
        st.markdown("References: " + " · ".join(f"[{words}]({url})" for words, url in entries))

    def _link_settings(self, settings: Parameters) -> dict[str, str]:
        chosen = settings.address()
        if device() != "cpu":
            chosen[DEVICE] = device()
        return chosen


_WAYS = " · ".join(f"[{part}](#{part.lower()})" for part in ("Break", "Prove", "Learn", "Take"))


def _section(title: str, words: str) -> None:
    st.header(title, divider="gray", anchor=title.lower())
    st.caption(words)


def _part(slug: str, name: str) -> str:
    """Return the key of a part of the page that reruns alone."""
    return f"{slug}.{name}"


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
