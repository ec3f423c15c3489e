"""A control shows the number that it holds, wherever that came from."""

import pytest
from streamlit.testing.v1 import AppTest

from ui.controls import _format


def rates(held: float = 3e-4) -> None:
    from dataclasses import dataclass

    import streamlit as st

    from explainers.parameters import Parameters, number
    from ui.controls import Controls

    @dataclass(frozen=True)
    class Rates(Parameters):
        lr: float = number(0.1, label="lr", help="h", minimum=1e-7, maximum=10.0, log=True)

    st.session_state.setdefault("toy.lr", held)
    controls = Controls("toy", Rates)
    controls.settings()
    controls.draw("lr")
    st.markdown(repr(controls.settings().lr))


@pytest.mark.parametrize("held", [3e-4, 1e-7, 10.0, 0.0123456789, 0.1])
def test_a_rates_control_shows_what_it_holds_to_the_last_digit(held: float) -> None:
    app = AppTest.from_function(rates, kwargs={"held": held}).run()
    assert not app.exception
    assert app.select_slider[0].value == held
    assert app.markdown[0].value == repr(held)
    assert f"{held:.6g}" in app.select_slider[0].options or repr(held) in (
        app.select_slider[0].options
    )


def test_a_rates_control_moves_by_powers_of_ten() -> None:
    app = AppTest.from_function(rates).run()
    app.select_slider[0].set_value(1e-5).run()
    assert app.markdown[0].value == "1e-05"


@pytest.mark.parametrize(
    ("step", "held", "format"),
    [
        (1, 30, "%d"),
        (5.0, 30.0, "%d"),
        (5.0, 31.25, "%.2f"),
        (0.1, 0.3, "%.2f"),
        (0.01, 3e-4, "%.4f"),
        (0.1, 1.3636363636363635, "%.8f"),
    ],
)
def test_a_slider_writes_as_many_decimals_as_what_it_holds_has(step, held, format: str) -> None:
    assert _format(step, held) == format


def slices() -> None:
    from dataclasses import dataclass

    from explainers.parameters import Parameters, choice
    from ui.controls import Controls

    @dataclass(frozen=True)
    class Slices(Parameters):
        where: str = choice("::2", ("1:3", "::2", "*x*"), label="where", help="h")

    controls = Controls("toy", Slices)
    controls.settings()
    controls.draw("where")


def test_an_option_that_is_code_is_not_read_as_markup() -> None:
    (control,) = AppTest.from_function(slices).run().get("segmented_control")
    assert [option.replace("\\", "") for option in control.options] == ["1:3", "::2", "*x*"]
    # Markdown takes a bare "::2" for a directive and shows nothing in its place.
    assert control.options[1] == r"\:\:2"
