"""Draw the frame of a page: title, presets, Predict, See, Break, Prove, Take, references."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import streamlit as st
import torch
from streamlit.delta_generator import DeltaGenerator

from explainers import devices
from explainers.evidence import Check, Question
from explainers.parameters import Parameters, Preset
from ui import address, catalogue, reruns, sentences, status, style, tables, tour
from ui.component import Component
from ui.controls import Controls, part_key
from ui.curves import CHART
from ui.frame import foot, learn, mistakes, predict, prove, take
from ui.frame.mistakes import Lesson
from ui.frame.parts import DEVICE, PARTS, device, part, rerun, sentence_for_bad_input
from ui.frame.take import Make
from ui.proofs import Proof
from ui.turns import in_turn

__all__ = ["Frame"]

Result = TypeVar("Result")


class Frame:
    """Draw one page from top to bottom, in the order that all pages share.

    Moving a control reruns the view alone: pictures, badges, address and the checks of the view.
    Break, Learn and Predict rerun by their own controls, and Take only while it is open. The rest,
    the controls among them, is drawn once per visit: every element that a run sends costs the
    reader a millisecond.
    """

    def __init__(
        self,
        slug: str,
        presets: Sequence[Preset],
        components: Sequence[Component] = (),
        *,
        also: Sequence[str] = (),
        kept: Mapping[str, str] | None = None,
        learns: bool = True,
    ) -> None:
        """Draw title, question and the places of all parts, and restore the address.

        Args:
            slug: Of the page in the catalogue.
            presets: The first one's class is the page's parameters.
            components: What the page draws besides charts.
            also: Parts that a preset draws again besides controls and view: "predict", "break".
            kept: What the browser writes into the address by itself, and the parameter under whose
                change it goes.
            learns: Whether something trains on the page.
        """
        self.page = catalogue.page(slug)
        self.kind = type(presets[0].parameters)
        self.controls = Controls(slug, self.kind, self.changed)
        self._presets = presets
        self._also = tuple(also)
        self._kept = dict(kept or {})
        self._checked = False
        self._predict: DeltaGenerator | None = None
        reruns.show_elsewhere(part(slug, "controls"), part(slug, "view"))
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
                ways = [way for way in PARTS if learns or way != "learn"]
                links = " · ".join(f"[{way.title()}](#{way})" for way in ways)
                st.markdown(f":small[{links}]", width="content")
                self._predict = st.popover("Predict", icon=":material/quiz:", type="tertiary")
            tour.guide(slug)
        self._see = st.container(key="see")
        self._break, self._prove, self._learn, self._take = (st.container() for _ in range(4))
        with self._prove:
            self._live = prove.begin()

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
        parts = [part(slug, "view")]
        if everything:
            parts.insert(0, part(slug, "controls"))
            also = (*self._also, *also)
        parts[:0] = [part_key(slug, name) for name in also]
        if st.session_state.get(part(slug, "take")):
            parts.append(part(slug, "take"))
        if len(parts) > 1 or not reruns.runs(parts[0]):
            rerun(parts)

    def part(self, name: str, draw: Callable[[], None]) -> None:
        """Draw a part of the controls that `changed` can draw again by its name."""
        st.fragment(draw, key=part_key(self.page.slug, name))()

    def see(
        self, controls: Callable[[], None], view: Callable[[], None], *, above: bool = False
    ) -> None:
        """Draw presets, and the controls beside the view; the view alone where the address asks.

        Args:
            controls: Draws the controls; runs again when a preset sets them.
            view: Draws the pictures; runs again with every change of a control.
            above: Whether the controls stand above the view, which then has the whole width.
        """
        if address.bare():
            with self._see:
                st.fragment(self._view_part, key=part(self.page.slug, "view"))(view)
            return
        with self._see:
            self._row_of_presets()
            if above:
                with st.container(key="see-above"), st.container(key="see-controls"):
                    st.fragment(controls, key=part(self.page.slug, "controls"))()
                st.fragment(self._view_part, key=part(self.page.slug, "view"))(view)
                return
            # The view comes first: on a phone, where columns stack, it is what is seen.
            left, right = st.columns([3, 2], gap="medium")
            with left:
                st.fragment(self._view_part, key=part(self.page.slug, "view"))(view)
            with right, st.container(key="see-controls"):
                st.fragment(controls, key=part(self.page.slug, "controls"))()

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
        with reruns.at_once():
            with sentence_for_bad_input():
                view()
            if not self._checked:
                # What is to be filled later must be written to on the page's first run too.
                self._live.empty()

    def explain(
        self,
        compute: Callable[[Any], Result],
        *,
        notice: str = "",
        shown: int | None = None,
        rows: Mapping[str, tuple[int | None, int]] | None = None,
    ) -> Result:
        """Compute what the settings show; say how long it took, what to notice, and the address.

        Args:
            compute: From settings to the topic's result.
            notice: What to notice where no preset is on show; empty for nothing in particular.
            shown: Number of the preset to mark where the settings are none's, from 0.
            rows: Other rows of buttons to mark, as of `ui.status.line`.

        Raises:
            ValueError: The settings or `compute` break a rule.
        """
        settings = self.settings()
        start = time.perf_counter()
        result = compute(settings)
        elapsed = (time.perf_counter() - start) * 1e3
        for number, preset in enumerate(self._presets):
            if preset.parameters == settings:
                shown, notice = number, preset.notice
                break
        rows = {} if address.bare() else {"preset": (shown, len(self._presets)), **(rows or {})}
        status.line(
            f"Notice: {notice}" if notice else "Your own settings.",
            (f"torch {torch.__version__}", devices.title(device()), f"{elapsed:.1f} ms"),
            {**self._link_settings(settings), **address.stop(), **address.mistake()},
            rows=rows,
            kept={name: (under, self._kind_default(under)) for name, under in self._kept.items()},
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
            mistakes.draw(self.page.slug, lessons)

    def broken(self, draw: Callable[[], None]) -> None:
        """Draw mistakes of a page's own kind, as the part "break"."""
        with self._break:
            mistakes.heading()
            self.part("break", draw)

    def proof(self, proof: Proof) -> None:
        """Draw the checks of the page's rules, libraries compared, and the claims of the notes."""
        with self._prove:
            prove.draw(proof)

    def learn(self, words: str, start: str, draw: Callable[[], None]) -> None:
        """Draw a part that trains something: behind a button, for it takes time and bytes.

        Args:
            words: What it shows.
            start: The button's words.
            draw: Draws controls and the run, once asked for.
        """
        with self._learn:
            learn.draw(self.page.slug, words, start, draw)

    def take(self, make: Make) -> None:
        """Draw, while it is open, the code of this view, its downloads and its link.

        Args:
            make: From settings to the code and the files to take away.
        """
        with self._take:
            take.draw(self.page, self.settings, self._link_settings, make)

    def predict(self, question: Question) -> None:
        """Ask for a prediction; once the reader commits, show what torch gave."""
        if self._predict is not None:
            with self._predict:
                predict.draw(self.page.slug, question)

    def asks(self, draw: Callable[[], None]) -> None:
        """Ask for predictions that follow the settings, as the part "predict"."""
        if self._predict is not None:
            with self._predict:
                self.part("predict", draw)

    def references(self, entries: Sequence[tuple[str, str]]) -> None:
        """Draw the references, words and address, and the way on: it is the page's last part."""
        foot.draw(self.page.slug, entries)

    def _kind_default(self, name: str) -> str:
        """Return what a parameter's default is in an address."""
        return str(self.kind.defaults()[name])

    def _link_settings(self, settings: Parameters) -> dict[str, str]:
        chosen = settings.address()
        for name, under in self._kept.items():
            default = self._kind_default(under)
            if name in st.query_params and st.query_params.get(under, default) == chosen.get(
                under, default
            ):
                chosen[name] = st.query_params[name]
        if device() != "cpu":
            chosen[DEVICE] = device()
        return chosen
