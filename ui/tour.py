"""Lead through the pages in a few stops, each a page with its settings."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import streamlit as st

from ui import address, catalogue


@dataclass(frozen=True, slots=True)
class Stop:
    """Name one stop: a page, one of its presets, what is set otherwise, and what to try there."""

    slug: str
    preset: str
    title: str
    words: str
    but: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def settings(self) -> Any:
        """The settings of every control of the page."""
        presets = catalogue.page(self.slug).topic.PRESETS
        (found,) = [preset for preset in presets if preset.name == self.preset]
        return dataclasses.replace(found.parameters, **self.but)

    @property
    def query(self) -> dict[str, str]:
        """The address's query that sets every control, and says which stop this is."""
        return {**self.settings.spelled(), address.TOUR: str(STOPS.index(self) + 1)}


STOPS = (
    Stop(
        "affine_grid",
        "A quarter turn",
        "Turn a picture",
        "Hover an output pixel: theta says where it reads, not where it goes.",
    ),
    Stop(
        "affine_grid",
        "Wide, uncorrected",
        "A turn that shears",
        "theta is a turn, the picture is wide: it shears. Switch correct for aspect on.",
    ),
    Stop(
        "interpolate",
        "nearest drifts",
        "Two kinds of nearest",
        "Change nearest to nearest-exact: the arrows move.",
    ),
    Stop(
        "interpolate",
        "A step overshoots",
        "Values that were never there",
        "Bicubic leaves [0, 1] beside an edge. Drag a sample.",
    ),
    Stop(
        "float_formats",
        "An update that vanishes",
        "An update that vanishes",
        "1 + 2⁻¹² in float16. Try bfloat16, then float32.",
    ),
    Stop(
        "autocast",
        "Too large for float16",
        "Which operation overflows",
        "Push the inputs' size, then choose bfloat16.",
    ),
    Stop(
        "grad_scaler",
        "Three bad batches",
        "A step left out",
        "Step through the calls with ▸ until update; watch the scale.",
    ),
    Stop(
        "focal_loss",
        "Many easy negatives",
        "Who owns the loss",
        "Move gamma from 0 to 2: the easy negatives' share falls.",
        but=MappingProxyType({"gamma": 0.0}),
    ),
    Stop(
        "schedulers",
        "Past T_max",
        "The rate that climbs back",
        "Cosine goes on past T_max. Take another scheduler.",
    ),
    Stop(
        "initialization",
        "ReLU, three ways",
        "A signal that dies",
        "More depth: nn.Linear's default lets the signal die. Then switch its bias on.",
    ),
)
"""Every stop, in order."""


def draw() -> None:
    """Draw the first stop as a link, and all of them, in order, once they are asked for."""
    st.header(f"A tour in {len(STOPS)} stops", anchor="tour")
    st.fragment(_stops, key="home.tour")()


def _stops() -> None:
    _link(0)
    place = st.expander("All stops", key="home.stops", on_change="rerun")
    if place.open:
        with place, st.grid(2, min_column_width=320, gap="small"):
            for number in range(1, len(STOPS)):
                _link(number)


def _link(number: int) -> None:
    stop = STOPS[number]
    page = catalogue.page(stop.slug)
    with st.container(gap=None):
        st.page_link(
            page.file,
            label=f"**{number + 1}. {stop.title}**",
            icon=page.icon,
            query_params=stop.query,
        )
        st.caption(stop.words)


def guide(slug: str) -> None:
    """Draw, where the address names a stop on this page, what to try there and the way on."""
    number = address.tour()
    if number is None or not 1 <= number <= len(STOPS) or STOPS[number - 1].slug != slug:
        return
    stop = STOPS[number - 1]
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(f"**Stop {number} of {len(STOPS)}: {stop.title}.** {stop.words}")
        if number < len(STOPS):
            after = STOPS[number]
            st.page_link(
                catalogue.page(after.slug).file,
                label=f"Next: {after.title}",
                icon=":material/arrow_forward:",
                query_params=after.query,
            )
        else:
            st.page_link(catalogue.HOME, label="Home", icon=":material/home:")
