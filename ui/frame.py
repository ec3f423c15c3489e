"""Draw the frame of a page: title, presets, See, Break, Prove, Take, Predict, references."""

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import streamlit as st
import torch

from explainers import devices, snippets
from explainers.evidence import Check, Claim, Mistake, Question
from explainers.parameters import Parameters, Preset
from ui import address, catalogue, sentences, tables
from ui.controls import Controls

DEVICE = "device"


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
    """Draw one page from top to bottom, in the order that all pages share."""

    def __init__(self, slug: str, presets: Sequence[Preset]) -> None:
        """Draw title, question, badges and presets, and restore the address.

        Args:
            slug: Of the page in the catalogue.
            presets: The first one's class is the page's parameters.
        """
        self.page = catalogue.page(slug)
        self.kind = type(presets[0].parameters)
        self.controls = Controls(slug, self.kind)
        self._presets = presets
        self._refused = address.seed(slug, self.kind)
        st.title(self.page.title, anchor=False)
        st.markdown(self.page.question)
        self._badges = st.empty()
        self._row_of_presets()
        self._messages = st.container()
        with self._messages:
            for sentence in self._refused:
                sentences.warn(
                    f"The address was not understood in one place: {sentence}. "
                    "The default stands in; your other settings are as you left them."
                )

    def _row_of_presets(self) -> None:
        current = address.values(self.page.slug, self.kind)
        with st.container(horizontal=True, gap="small", key="presets"):
            for index, preset in enumerate(self._presets):
                st.button(
                    preset.name,
                    key=f"{self.page.slug}.preset.{index}",
                    help=preset.notice,
                    type="primary" if preset.parameters.values() == current else "secondary",
                    on_click=address.apply,
                    args=(self.page.slug, preset.parameters),
                )
        notices = [p.notice for p in self._presets if p.parameters.values() == current]
        st.caption(notices[0] if notices else "Your own settings. A preset brings you back.")

    def settings(self) -> Any:
        """Return the settings that the controls hold, and write them into the address.

        Raises:
            ValueError: A control sent what its bounds forbid.
        """
        settings = self.kind(**address.values(self.page.slug, self.kind))
        address.write(self.link_settings(settings))
        return settings

    def value(self, name: str) -> Any:
        """Return what one control holds now."""
        return st.session_state[address.key(self.page.slug, name)]

    def set(self, settings: Parameters) -> None:
        """Set every control, from a callback."""
        address.apply(self.page.slug, settings)

    def link_settings(self, settings: Parameters) -> dict[str, str]:
        """Return what an address must spell to restore this view, device included."""
        chosen = settings.address()
        if device() != "cpu":
            chosen[DEVICE] = device()
        return chosen

    @contextlib.contextmanager
    def timed(self) -> Iterator[None]:
        """Time the computation inside, and show it with torch's version and the device."""
        start = time.perf_counter()
        yield
        elapsed = (time.perf_counter() - start) * 1e3
        with self._badges.container(horizontal=True, gap="small"):
            st.badge(f"torch {torch.__version__}", icon=":material/local_fire_department:")
            st.badge(devices.title(device()), icon=":material/memory:", color="gray")
            st.badge(f"computed in {elapsed:.1f} ms", icon=":material/timer:", color="gray")

    def section(self, title: str, words: str) -> None:
        """Draw a section's heading and what it is for."""
        st.header(title, divider="gray", anchor=title.lower())
        st.caption(words)

    @st.fragment
    def mistakes(self, lessons: Mapping[str, Callable[[], None]]) -> None:
        """Draw the choice between the page's mistakes, and the chosen one; the others do not run.

        Args:
            lessons: The mistake in a few words, and what draws it.
        """
        self.section("Break", "What people really get wrong: run the wrong line, then the right one.")
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

    def proof(self, live: Sequence[Check], rules: Sequence[Check], notes: Sequence[Claim]) -> None:
        """Draw the checks of this view, the checks of the rules, and the notes' claims."""
        self.section("Prove", "torch beside references that share none of its code, run just now.")
        st.markdown("**This very view**")
        tables.checks(live)
        st.markdown("**The rules of this page**")
        tables.checks(rules)
        st.markdown("**What the study notes say**")
        tables.claims(notes)

    def take(
        self,
        settings: Parameters,
        code: str,
        files: Sequence[tuple[str, str, Callable[[], str | bytes], str]],
    ) -> None:
        """Draw the code of this view, its downloads and its link.

        Args:
            settings: Of this view.
            code: Python that reproduces it.
            files: Label, file name, function that makes the content, MIME type.
        """
        self.section("Take", "Code that reproduces exactly this view, and the link that restores it.")
        st.code(code, language="python", height=320)
        slug, title = self.page.slug, self.page.title
        with st.container(horizontal=True, gap="small"):
            offers = [
                ("Code (.py)", f"{slug}.py", lambda: code, "text/x-python"),
                (
                    "Notebook (.ipynb)",
                    f"{slug}.ipynb",
                    lambda: snippets.notebook(title, code),
                    "application/x-ipynb+json",
                ),
                *files,
            ]
            for label, name, make, mime in offers:
                st.download_button(
                    label,
                    make,
                    file_name=name,
                    mime=mime,
                    on_click="ignore",
                    icon=":material/download:",
                    key=f"{slug}.download.{name}",
                )
        st.markdown("Link to this view:")
        st.code(address.link(self.link_settings(settings)), language=None, wrap_lines=True)

    def references(self, entries: Sequence[tuple[str, str]]) -> None:
        """Draw the references: words and address."""
        st.caption("References: " + " · ".join(f"[{words}]({url})" for words, url in entries))


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


@st.fragment
def predict(question: Question, *, key: str) -> None:
    """Ask for a prediction; once the reader commits, show what torch gave."""
    st.header("Predict", divider="gray", anchor="predict")
    st.markdown(question.text)
    guess = st.radio(
        "Your prediction",
        question.options,
        index=None,
        key=f"{key}.guess",
        horizontal=True,
        label_visibility="collapsed",
    )
    committed = f"{key}.committed"
    st.button(
        "Commit, and reveal",
        key=f"{key}.reveal",
        disabled=guess is None,
        on_click=st.session_state.__setitem__,
        args=(committed, guess),
    )
    if guess is not None and st.session_state.get(committed) == guess:
        if guess == question.answer:
            st.success(f"Yes: {question.answer}. {question.because}", icon=":material/check:")
        else:
            st.error(f"No: {question.answer}. {question.because}", icon=":material/close:")
