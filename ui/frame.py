"""Draw the frame of a page: title, presets, See, Break, Prove, Take, Predict, references."""

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st
import torch

from explainers import devices, snippets
from explainers.evidence import Check, Claim, Mistake, Question
from explainers.parameters import Parameters, Preset
from ui import address, catalogue, sentences, tables
from ui.controls import Controls

DEVICE = "device"


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


class Frame:
    """Draw one page from top to bottom, in the order that all pages share.

    A change of a control reruns the See part alone: its presets, controls and pictures, the badges
    and the checks of the view. Break, Learn and Predict rerun by their own controls, and Take only
    while it is open. The rest is drawn once per visit.
    """

    def __init__(self, slug: str, presets: Sequence[Preset]) -> None:
        """Draw title, question and the places of all parts, and restore the address.

        Args:
            slug: Of the page in the catalogue.
            presets: The first one's class is the page's parameters.
        """
        self.page = catalogue.page(slug)
        self.kind = type(presets[0].parameters)
        self.controls = Controls(slug, self.kind, self.changed)
        self._presets = presets
        self._refused = address.seed(slug, self.kind)
        st.title(self.page.title, anchor=False)
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(self.page.question, width="content")
            self._badges = st.empty()
        self._see, self._break, self._prove, self._learn, self._take, self._predict = (
            st.container() for _ in range(6)
        )
        with self._prove:
            _section("Prove", "torch beside references that share none of its code, run just now.")
            st.markdown("**This very view**")
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
        return self.kind(**address.values(self.page.slug, self.kind))

    def changed(self) -> None:
        """Rerun, from a callback, what depends on the controls."""
        address.accept()
        slug = self.page.slug
        if st.session_state.get(_take_key(slug)):
            st.rerun([_see_key(slug), _take_key(slug)])

    def see(self, draw: Callable[[], None]) -> None:
        """Draw presets, controls and pictures; `draw` runs again with every change of a control."""
        with self._see:
            st.fragment(self._see_part, key=_see_key(self.page.slug))(draw)

    def _see_part(self, draw: Callable[[], None]) -> None:
        self._row_of_presets()
        for sentence in st.session_state.get(address.REFUSED, ()):
            sentences.warn(
                f"The address was not understood in one place: {sentence}. The default stands in; "
                "the rest of it is as you asked."
            )
        with sentence_for_bad_input():
            draw()

    def _row_of_presets(self) -> None:
        slug, current = self.page.slug, address.values(self.page.slug, self.kind)
        chosen = [p for p in self._presets if p.parameters.values() == current]

        def apply(preset: Preset) -> None:
            self.set(preset.parameters)
            self.changed()

        with st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
            for index, preset in enumerate(self._presets):
                st.button(
                    preset.name,
                    key=f"{slug}.preset.{index}",
                    help=preset.notice,
                    icon=":material/check:" if preset in chosen else None,
                    on_click=apply,
                    args=(preset,),
                )
        if chosen:
            st.caption(f"Notice: {chosen[0].notice}")
        else:
            st.caption("Your own settings. A preset brings you back.")

    @contextlib.contextmanager
    def timed(self) -> Iterator[None]:
        """Time the computation inside, and show it with torch's version and the device."""
        start = time.perf_counter()
        yield
        elapsed = (time.perf_counter() - start) * 1e3
        self._badges.markdown(
            f":blue-badge[torch {torch.__version__}] :gray-badge[{devices.title(device())}] "
            f":gray-badge[{elapsed:.1f} ms]",
            width="content",
        )

    def show_address(self, settings: Parameters) -> None:
        """Write the settings into the browser's address."""
        address.write(self._link_settings(settings))

    def live_checks(self, checks: Sequence[Check]) -> None:
        """Draw the checks of the view on show, in their place under Prove."""
        with self._live:
            tables.checks(checks)

    def mistakes(self, lessons: Mapping[str, Callable[[], None]]) -> None:
        """Draw the choice between the page's mistakes, and the chosen one; the others do not run.

        Args:
            lessons: The mistake in a few words, and what draws it.
        """
        with self._break:
            _section("Break", "What people really get wrong: run the wrong line, then the right one.")
            st.fragment(self._mistake_part)(lessons)

    def _mistake_part(self, lessons: Mapping[str, Callable[[], None]]) -> None:
        names = tuple(lessons)
        chosen = st.pills(
            "Mistake",
            names,
            default=names[0],
            key=f"{self.page.slug}.mistake",
            required=True,
            label_visibility="collapsed",
        )
        with sentence_for_bad_input():
            lessons[chosen or names[0]]()

    def proof(self, rules: Sequence[Check], notes: Sequence[Claim]) -> None:
        """Draw the checks of the page's rules and the claims of the notes."""
        with self._prove:
            st.markdown("**The rules of this page**")
            tables.checks(rules)
            st.markdown("**What the study notes say**")
            tables.claims(notes)

    def learn(self, words: str, draw: Callable[[], None]) -> None:
        """Draw a part of the page's own, with controls of its own."""
        with self._learn:
            _section("Learn", words)
            st.fragment(draw)()

    def take(self, make: Callable[[Any], tuple[str, Sequence[Download]]]) -> None:
        """Draw, while it is open, the code of this view, its downloads and its link.

        Args:
            make: From settings to the code and the files to take away.
        """
        with self._take:
            _section("Take", "Everything that reproduces exactly the view above.")
            st.fragment(self._take_part, key=_take_key(self.page.slug))(make)

    def _take_part(self, make: Callable[[Any], tuple[str, Sequence[Download]]]) -> None:
        slug, title = self.page.slug, self.page.title
        place = st.expander(
            "Code, data and link of this view", key=_take_key(slug), on_change="rerun"
        )
        if not place.open:
            return
        with place, sentence_for_bad_input():
            settings = self.settings()
            code, files = make(settings)
            st.code(code, language="python", height=340)
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
            st.markdown("The link that restores this view:")
            st.code(
                address.link(self._link_settings(settings)), language=None, wrap_lines=True
            )

    def predict(self, question: Question) -> None:
        """Ask for a prediction; once the reader commits, show what torch gave."""
        with self._predict:
            _section("Predict", "Commit first, then look: torch gives the answer.")
            st.fragment(self._predict_part)(question)

    def _predict_part(self, question: Question) -> None:
        st.markdown(question.text)
        guess = st.radio(
            "Your prediction",
            question.options,
            index=None,
            key=f"{self.page.slug}.guess",
            horizontal=True,
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
        st.caption("References: " + " · ".join(f"[{words}]({url})" for words, url in entries))

    def _link_settings(self, settings: Parameters) -> dict[str, str]:
        chosen = settings.address()
        if device() != "cpu":
            chosen[DEVICE] = device()
        return chosen


def _section(title: str, words: str) -> None:
    st.header(title, divider="gray", anchor=title.lower())
    st.caption(words)


def _see_key(slug: str) -> str:
    return f"{slug}.see"


def _take_key(slug: str) -> str:
    return f"{slug}.take"


def mistake_switch(*, key: str) -> bool:
    """Draw the switch between the wrong and the right line; return whether the wrong one is on."""
    chosen = st.segmented_control(
        "Which line runs?",
        ("wrong", "right"),
        default="wrong",
        format_func={"wrong": "✗ The line people write", "right": "✓ The line that does it"}.get,
        key=key,
        required=True,
        label_visibility="collapsed",
    )
    return chosen != "right"


def mistake(mistake: Mistake, *, wrong: bool) -> None:
    """Draw both lines of code, what the chosen one costs, the lesson and where people met it."""
    left, right = st.columns(2)
    with left:
        st.markdown("✗ **wrong**" + (" (runs now)" if wrong else ""))
        st.code(mistake.wrong, language="python", wrap_lines=True)
    with right:
        st.markdown("✓ **right**" + ("" if wrong else " (runs now)"))
        st.code(mistake.right, language="python", wrap_lines=True)
    if wrong:
        st.error(mistake.wrong_cost, icon=":material/close:")
    else:
        st.success(mistake.right_cost, icon=":material/check:")
    words, url = mistake.source
    st.markdown(f"{mistake.lesson} Met in [{words}]({url}).")


def outcome(words: str, problem: str, code: str) -> None:
    """Draw in one sentence what the view shows, or what is wrong with it, above its numbers."""
    if problem:
        sentences.warn(problem)
    else:
        st.markdown(f"**{words}**")
    st.code(code, language="python")
