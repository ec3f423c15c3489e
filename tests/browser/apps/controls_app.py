"""Mount a logarithmic slider for the browser tests, and say what it holds."""

import dataclasses

import streamlit as st

from explainers.parameters import Number, Parameters, number
from ui import address
from ui.controls import Controls


@dataclasses.dataclass(frozen=True)
class Rate(Parameters):
    """Hold one number over six powers of ten."""

    rate: float = number(
        0.1,
        label="rate",
        help="In powers of ten.",
        minimum=1e-5,
        maximum=10.0,
        step=1e-5,
        log=True,
    )


if __name__ == "__main__":
    if address.key("app", "rate") not in st.session_state:
        address.apply("app", Rate())
    controls = Controls("app", Rate)
    st.text(f"rate: {controls.settings().rate!r}")
    controls.draw("rate")
    rate = Rate.specs()["rate"]
    assert isinstance(rate, Number)
    st.text(f"stops: {rate.stops(0.1)}")
