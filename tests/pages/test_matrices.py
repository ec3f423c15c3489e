"""The matrix box of the affine_grid page, through Streamlit's own tester."""

import pytest
from streamlit.testing.v1 import AppTest

from tests.session import PATIENCE_S, SHELL
from ui import catalogue

PREFIX = "affine_grid.matrix"


def page(*, folded: bool = False, **address: str) -> AppTest:
    tester = AppTest.from_file(SHELL, default_timeout=PATIENCE_S)
    file = catalogue.page("affine_grid").file
    tester.switch_page(f"../{file.relative_to(catalogue.ROOT)}")
    for name, text in address.items():
        tester.query_params[name] = text
    if not folded:
        tester.session_state[f"{PREFIX}.open"] = True
    tester.run()
    assert not tester.exception
    return tester


def table(tester: AppTest) -> str:
    found = [part.value for part in tester.html if "WARP_INVERSE_MAP" in part.value]
    return found[0] if found else ""


def warnings(tester: AppTest) -> list[str]:
    return [warning.value.replace("\\", "") for warning in tester.warning]


def test_folded_the_box_draws_and_computes_nothing() -> None:
    tester = page(folded=True)
    assert not tester.text_area
    assert table(tester) == ""


def test_the_box_holds_the_theta_and_the_sizes_of_the_view_at_first() -> None:
    tester = page(degrees="90", picture="wide", align_corners="true", height="64")
    assert tester.text_area[0].value == "0, -0.3298429, 0; 3.031746, 0, 0"
    assert tester.session_state[f"{PREFIX}.kind"] == "theta_corners"
    sizes = [
        tester.session_state[f"{PREFIX}.{name}"]
        for name in ("in_height", "in_width", "out_height", "out_width")
    ]
    assert sizes == [96, 192, 64, 192]


def test_a_pasted_crop_box_is_said_in_every_library_and_proved() -> None:
    tester = page()
    tester.session_state[f"{PREFIX}.kind"] = "box"
    tester.text_area[0].set_value("(0, 0, 64, 64)").run()
    assert not warnings(tester)
    shown = table(tester)
    # Half the size of the input: theta halves, and moves by half of its half.
    assert "0.5, 0, -0.5<br>0, 0.5, -0.5" in shown
    assert "0.5, 0, -0.25<br>0, 0.5, -0.25" in shown  # OpenCV's way back, from pixels' centres
    assert "0.5, 0, 0<br>0, 0.5, 0" in shown  # PIL's, from pixels' corners
    assert "2, 0, 0.5<br>0, 2, 0.5" in shown  # OpenCV's way there
    assert shown.count("✓ holds") == 7
    code = " ".join(part.value for part in tester.code)
    assert "cv2.warpAffine(" in code
    assert "Image.Transform.EXTENT" in code


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("1, 0, 0; 0, 1", "matrix must be 2 by 3, 3 by 3, or six numbers, got rows of unequal"),
        ("1 0 0\n0 1 0\n0 0 2", "matrix must have 0, 0, 1 as its last row, got (0.0, 0.0, 2.0)."),
        ("[1, 0, inf, 0, 1, 0]", "matrix must hold numbers from -1e+06 to 1e+06, got inf."),
        ("*hello*", 'matrix must be numbers in rows, as code or a console shows them; "*hello*"'),
    ],
)
def test_bad_input_gets_one_sentence_and_no_table(text: str, says: str) -> None:
    tester = page()
    tester.text_area[0].set_value(text).run()
    (sentence,) = warnings(tester)
    assert sentence.startswith(says)
    assert table(tester) == ""
    assert tester.text_area[0].value == text


def test_a_map_that_turns_says_why_it_is_no_crop() -> None:
    tester = page()
    assert "It turns, leans or mirrors the picture, which no crop does." in table(tester)
    assert table(tester).count("✓ holds") == 6


def test_the_button_takes_the_theta_of_the_view_again() -> None:
    tester = page()
    before = tester.text_area[0].value
    tester.text_area[0].set_value("nonsense").run()
    tester.button(key=f"{PREFIX}.take").click().run()
    assert tester.text_area[0].value == before
    assert not warnings(tester)


def test_a_view_for_slides_has_no_box() -> None:
    tester = page(controls="0")
    assert not tester.text_area
