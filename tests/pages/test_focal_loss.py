"""The focal loss page says of lengths what a reader typed, and nothing of what nobody typed."""

import pytest
from streamlit.testing.v1 import AppTest

from tests.session import opened, warnings
from ui import catalogue

PAGE = catalogue.page("focal_loss")
LENGTHS = "targets must be as many as logits"


def typed(tester: AppTest, name: str, text: str) -> AppTest:
    tester.run()  # the tester holds only what the last run drew: here, a part of the page
    tester.text_input(key=f"focal_loss.{name}.text").set_value(text).run()
    assert not tester.exception
    return tester


def test_other_lengths_get_one_sentence_with_both_and_no_numbers() -> None:
    tester = opened(PAGE, show="batch", logits="1,2,3", targets="0,1")
    assert warnings(tester) == f"{LENGTHS}, 3, got 2."
    assert not any("x = 1" in part.value for part in tester.markdown)


def test_a_row_that_is_refused_is_all_the_page_speaks_of() -> None:
    # Two logits beside six targets: their lengths differ, and then the targets are no numbers.
    tester = opened(PAGE, show="batch")
    assert warnings(typed(tester, "logits", "1, 2")) == f"{LENGTHS}, 2, got 6."
    said = warnings(typed(tester, "targets", "1, nan"))
    assert said.startswith("targets must be ")
    assert LENGTHS not in said
    assert warnings(typed(tester, "targets", "1, 0")) == ""


@pytest.mark.parametrize("refused", ["nan", "1,2;3,4"])
def test_a_link_whose_row_is_refused_says_nothing_of_a_length_that_nobody_typed(
    refused: str,
) -> None:
    tester = opened(PAGE, show="batch", logits=refused, targets="0,1")
    said = warnings(tester)
    assert "logits must be " in said
    assert "as many as" not in said
