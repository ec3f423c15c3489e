"""The matrix box in a browser: what is pasted over several lines is converted and proved."""

from playwright.sync_api import Page, expect

from tests.browser.harness import console_errors, open_page, settled


def test_a_pasted_matrix_of_opencv_is_said_as_theta_and_nonsense_gets_its_sentence(
    page: Page, app_url: str
) -> None:
    errors = console_errors(page)
    open_page(page, f"{app_url}/affine_grid?picture=wide")
    page.get_by_text("What is this matrix elsewhere?").click()
    settled(page)
    # "OpenCV, inverse" stands beside it.
    page.get_by_test_id("stButtonGroup").get_by_text("OpenCV", exact=True).click()
    settled(page)
    matrix = page.get_by_role("textbox", name="Matrix")
    matrix.fill("array([[1., 0., 48.],\n       [0., 1., 0.]])")
    matrix.press("Control+Enter")
    settled(page)
    # 48 pixels to the right are half of half the width of 192; theta reads that far to the left.
    row = page.get_by_role("row").filter(has_text="theta, align_corners=False")
    expect(row).to_contain_text("1, 0, -0.5")
    expect(row).to_contain_text("holds")
    matrix.fill("nonsense")
    matrix.press("Control+Enter")
    settled(page)
    expect(page.get_by_text("matrix must be numbers in rows")).to_be_visible()
    expect(row).to_have_count(0)
    assert errors == []
