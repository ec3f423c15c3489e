"""The scratchpad's page in a browser: from a lesson to a reader's own lines in the jail."""

import pytest
from playwright.sync_api import Page, expect

from explainers import scratchpad
from explainers.scratchpad.gallery import PUZZLES, STARTS
from tests.browser.harness import open_page, query, settled
from tests.browser.test_reach import bottom
from ui.packing import packed, unpacked

NO_JAIL = scratchpad.available()
jailed = pytest.mark.skipif(bool(NO_JAIL), reason=NO_JAIL or "this host jails")
# The helper imports torch for the first run.
COLD_MS = 120_000


def write(page: Page, text: str) -> None:
    page.get_by_role("button", name="Edit").click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(text)
    page.keyboard.press("Control+Enter")


def test_one_screenful_shows_what_to_begin_with_the_program_and_its_tensors(
    page: Page, app_url: str
) -> None:
    open_page(page, f"{app_url}/scratchpad")
    main = page.get_by_test_id("stMain")
    assert bottom(page.get_by_role("heading", name="Scratchpad")) < 135
    last = page.get_by_role("button", name=PUZZLES[-1].title, exact=True)
    assert bottom(last) < 350
    assert bottom(main.locator('[aria-current="step"]').first) < 720
    assert bottom(main.get_by_role("grid").first) < 720
    first = page.get_by_role("button", name=STARTS[0].title, exact=True)
    expect(first).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name=PUZZLES[0].title, exact=True).click()
    expect(page.get_by_test_id("stage-code")).to_contain_text("answer = n")
    expect(first).to_have_attribute("aria-pressed", "false")
    assert query(page) == {"start": PUZZLES[0].slug}


@jailed
def test_a_lesson_opens_here_and_a_readers_line_runs_and_has_a_link(
    page: Page, app_url: str
) -> None:
    open_page(page, f"{app_url}/views?permute_turn=flip(0)")
    page.get_by_role("link", name="Open in the scratchpad").click()
    code = page.get_by_test_id("stage-code")
    expect(code).to_contain_text("c = b.flip(0)")
    expect(page.get_by_test_id("pad-box")).to_be_hidden()
    settled(page)
    assert query(page) == {"lesson": "views.permute", "permute_turn": "flip(0)"}
    source = "import torch\n\nmine = torch.arange(7) * 3\nprint(f'{mine.sum()}')\n"
    write(page, source)
    expect(code).to_contain_text("63", timeout=COLD_MS)
    grid = page.get_by_role("grid", name="mine")
    expect(grid.get_by_role("gridcell")).to_have_text([str(3 * n) for n in range(7)])
    settled(page)
    assert unpacked(query(page)["program"]) == source
    page.reload()
    expect(code).to_contain_text("63")
    # Refused: it stands in the box, and so does the sentence.
    write(page, "import torch\nx = torch.ones(2).numpy()\n")
    refusal = page.get_by_test_id("pad-refusal")
    expect(refusal).to_contain_text("Line 2: ")
    expect(refusal).to_contain_text("tolist()")


@jailed
def test_a_puzzle_is_judged_by_what_torch_makes_of_the_answer(page: Page, app_url: str) -> None:
    puzzle = PUZZLES[0]
    open_page(page, f"{app_url}/scratchpad?start={puzzle.slug}")
    write(page, puzzle.given + "answer = n[:, None] + n\n")
    expect(page.get_by_text("cells differ")).to_be_visible(timeout=COLD_MS)
    write(page, puzzle.solved)
    expect(page.get_by_text("Solved: torch made the answer here")).to_be_visible()


@jailed
def test_a_slide_shows_a_readers_run_and_nothing_else(page: Page, app_url: str) -> None:
    program = packed("import torch\nslide = torch.eye(2)\n")
    open_page(page, f"{app_url}/scratchpad?program={program}&embed=true&controls=0")
    grid = page.get_by_role("grid", name="slide")
    expect(grid).to_be_visible(timeout=COLD_MS)
    assert bottom(grid) < 720
    expect(page.get_by_test_id("stSidebar")).to_have_count(0)
    expect(page.get_by_role("button", name="Edit")).to_have_count(0)
    expect(page.get_by_role("button", name=STARTS[0].title, exact=True)).to_have_count(0)
    settled(page)
    assert query(page) == {"program": program, "embed": "true", "controls": "0"}
