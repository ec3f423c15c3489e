"""Draw a parameter's control from its declaration: label, bounds, help and session key."""

import contextlib
from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from explainers.parameters import Choice, Flag, Number, Numbers, Parameters, Text
from ui import address, sentences, typed

_LONGEST = 6000
_CLOSE = 150
"""Pixels of a slider that stands close to others."""
_TYPED = (Numbers, Text)


def part_key(slug: str, name: str) -> str:
    """Return the key of a part of the page that holds one control, or some."""
    return f"{slug}.{name}.part"


class Controls:
    """Draw the controls of one page's parameters, where the page wants them."""

    def __init__(
        self, slug: str, kind: type[Parameters], changed: Callable[..., None] | None = None
    ) -> None:
        """Take the prefix of the session keys, the parameters' class, and what a change calls.

        Without `changed` the part of the page that holds the control runs again. With
        ``also=(name,)`` it draws a typed control again too.
        """
        self._slug = slug
        self._kind = kind
        self._changed = changed or "rerun"

    def settings(self) -> Any:
        """Return the parameters that the controls hold; at first the defaults.

        Raises:
            ValueError: A control sent what its bounds forbid.
        """
        for name, default in self._kind.defaults().items():
            st.session_state.setdefault(address.key(self._slug, name), default)
        return self._kind(**address.values(self._slug, self._kind))

    def draw(
        self,
        *names: str,
        typed: bool = False,
        close: bool = False,
        on_change: Mapping[str, Callable[[], None]] | None = None,
    ) -> None:
        """Draw controls in a column of their own or side by side when there are several.

        Args:
            names: Of the parameters; only one that is typed can be drawn again by itself.
            typed: Numbers as boxes to type in, not as sliders.
            close: One after the other in a row, each as wide as it needs.
            on_change: By name of a parameter, what is called after its change, in place of the
                page's own rerun.
        """
        place: contextlib.AbstractContextManager[object] = contextlib.nullcontext()
        if close:
            place = st.container(
                horizontal=True, gap="medium", key=f"{self._slug}-{names[0]}-in-line"
            )
        elif len(names) > 1:
            place = st.container(horizontal=True, key=f"{self._slug}-{names[0]}-in-row")
        with place:
            for name in names:
                control = self._control
                if self._changed != "rerun" and isinstance(self._kind.specs()[name], _TYPED):
                    # With the sentence below it, it is drawn again without its neighbours. Only
                    # where that is needed: a part is one block more for the browser to render.
                    control = st.fragment(control, key=part_key(self._slug, name))
                control(name, typed, close, (on_change or {}).get(name))

    def _control(
        self, name: str, typed: bool, close: bool, on_change: Callable[[], None] | None
    ) -> None:
        spec = self._kind.specs()[name]
        key = address.key(self._slug, name)
        # Set anew, or Streamlit takes what a callback set before its own rerun for what the browser
        # has: a switch then stays on, and a slider does not go back to its least.
        st.session_state[key] = st.session_state[key]
        shared: dict[str, Any] = {
            "key": key,
            "help": spec.help,
            "on_change": on_change or self._changed,
            "persist_state": "session",
        }
        if close and isinstance(spec, Number):
            shared["width"] = _CLOSE
        match spec:
            case Number(log=True) if not typed:
                # The number held is one of the stops, or the control would show another.
                st.select_slider(
                    spec.label,
                    spec.stops(st.session_state[key]),
                    format_func=spec.spell,
                    **shared,
                )
            case Number():
                kind: type[int] | type[float] = int if spec.integer else float
                widget: Callable[..., Any] = st.number_input if typed else st.slider
                form = {"format": "%g"} if spec.log else {}
                form = form if typed else {"format": _format(spec.step, st.session_state[key])}
                widget(
                    spec.label,
                    min_value=kind(spec.minimum),
                    max_value=kind(spec.maximum),
                    step=kind(spec.step),
                    **form,
                    **shared,
                )
            case Choice():
                # Every option in sight; a list to open would also load much more code.
                st.segmented_control(
                    spec.label,
                    spec.options,
                    # "::2" is code here, and a directive to Markdown, which would show nothing.
                    format_func=lambda option: sentences.plain(spec.worded(option)),
                    required=True,
                    **shared,
                )
            case Flag():
                st.toggle(spec.label, **shared)
            case Numbers() | Text():
                self._text(name, spec, on_change)

    def _text(self, name: str, spec: Numbers | Text, on_change: Callable[[], None] | None) -> None:
        """Draw a box for typed text; what breaks the rule stays in it, and changes nothing.

        The parameter keeps the last text that holds, so the view and the address stay whole.
        """
        key = address.key(self._slug, name)

        def read(text: str) -> str:
            try:
                return spec.check(text)
            except ValueError as error:
                raise ValueError(f"{name} must be {error}") from None

        def accept(value: str) -> None:
            st.session_state[key] = value
            again()

        def again() -> None:
            if on_change is not None:
                on_change()
            elif callable(self._changed):
                # The box itself must be drawn again: evenly spaced, or with its sentence.
                self._changed(also=(name,))

        typed.box(
            spec.label,
            key=f"{key}.text",
            refused=address.refused_text(self._slug, name),
            held=st.session_state[key],
            read=read,
            accept=accept,
            again=again,
            help=spec.help,
            longest=_LONGEST,
        )


def _format(step: float, held: float) -> str:
    """Return a slider's format: 30 and not 30.00, else two decimals or as many as are needed.

    A number from an address may lie between two steps; it is shown as it is, up to 8 decimals.
    """
    decimals = max(len(f"{number:.8f}".rstrip("0").partition(".")[2]) for number in (step, held))
    return f"%.{max(decimals, 2)}f" if decimals else "%d"
