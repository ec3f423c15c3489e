"""Show a figure the way all pages show one."""

from collections.abc import Callable
from typing import Any

import streamlit as st

from figures import style
from figures.curves import Curves
from figures.linked import Linked
from figures.player import Film
from figures.points import Points
from figures.stepper import Stepper
from ui.component import asset
from ui.curves import curves
from ui.loupe import loupe
from ui.numbers import numbers
from ui.player import player
from ui.points import points
from ui.stepper import stepper

_PICTURES = st.components.v2.component(
    "torch_loupe_pictures",
    html='<div class="pictures"></div>',
    css=asset("pictures.css"),
    js=asset("pictures.js"),
)


Part = str | style.Chart | Curves | Film | Linked | Points | Stepper
Drawn = Part | tuple[Part, ...]
"""What a figure function returns: markup, a chart, curves, a film, a loupe, points, a stepper, or
some."""

Edited = Callable[[list[list[float]]], None]
"""Takes the rows of what a reader has changed in a figure."""


def draw(drawn: Drawn, *, key: str, on_edit: Edited | None = None) -> None:
    """Draw pictures or charts in the page's theme, with words for those who do not see them.

    Args:
        drawn: Markup that `figures.style.panels` made, charts, curves, films, loupes, points,
            steppers, or several.
        key: Unique on the page.
        on_edit: Called when a reader has moved a point, or typed over an entry.
    """
    for index, part in enumerate(drawn if isinstance(drawn, tuple) else (drawn,)):
        part_key = f"{key}.{index}" if index else key
        if isinstance(part, str):
            _PICTURES(key=part_key, data={"markup": part})
        elif isinstance(part, Curves):
            curves(part, key=part_key)
        elif isinstance(part, Film):
            player(part, key=part_key)
        elif isinstance(part, Linked):
            _linked(part, part_key, on_edit)
        elif isinstance(part, Points):
            points(part, key=part_key, on_edit=on_edit)
        elif isinstance(part, Stepper):
            stepper(part, key=part_key)
        else:
            # Streamlit has its words in a pale grey.
            theme = st.context.theme.type or "light"
            part.figure.layout.font.color = st.get_option(f"theme.{theme}.textColor")
            st.plotly_chart(part.figure, width="content", config=style.CONFIG, alt=part.alt)
            _PICTURES(key=f"{part_key}.data", data={"markup": part.table})


def _linked(drawn: Linked, key: str, on_edit: Edited | None) -> None:
    pictures = drawn.source, drawn.output, drawn.linkage
    said: dict[str, Any] = {
        "key": key,
        "alt": drawn.alt,
        "source_title": drawn.source_title,
        "output_title": drawn.output_title,
        "in_name": drawn.in_name,
        "out_name": drawn.out_name,
        "start": drawn.start,
    }
    if drawn.numbers:
        numbers(
            *pictures,
            **said,
            minimum=drawn.minimum,
            maximum=drawn.maximum,
            on_edit=on_edit if drawn.editable else None,
        )
        return
    loupe(
        *pictures,
        **said,
        empty_text=drawn.empty_text,
        size=drawn.size,
        shared_range=drawn.shared_range,
    )
