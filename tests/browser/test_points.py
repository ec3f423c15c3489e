"""Points in a browser: they follow pointer and keys, and are sent when they are let go."""

from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Locator, Page, expect

from tests.browser.harness import console_errors, open_page, settled


def places(page: Page) -> list[str]:
    """The places in the address, as they are spelled; none where they are the defaults."""
    asked = parse_qs(urlsplit(page.url).query).get("distance_places", [""])
    return asked[0].split(";")


def point(page: Page, name: str) -> Locator:
    return page.locator(f"[data-testid='points-point'][data-name='{name}']")


def test_a_point_follows_the_pointer_and_is_sent_when_it_is_let_go(
    page: Page, app_url: str
) -> None:
    errors = console_errors(page)
    open_page(page, f"{app_url}/masks?lesson=distance&distance_away=0")
    settled(page)
    plane = page.get_by_test_id("points-plane")
    plane.scroll_into_view_if_needed()
    expect(page.get_by_test_id("points-point")).to_have_count(6)
    box = plane.bounding_box()
    assert box is not None

    def at(right: float, up: float) -> tuple[float, float]:
        return (
            box["x"] + box["width"] * (right + 4) / 8,
            box["y"] + box["height"] * (4 - up) / 8,
        )

    page.mouse.move(*at(-1.2, -2.4))
    page.mouse.down()
    page.mouse.move(*at(0, -1))
    page.mouse.move(*at(1, 0.5))
    expect(point(page, "x[1]")).to_have_attribute("aria-label", "x[1] at 1.0, 0.5")
    settled(page)
    assert places(page) == [""]
    page.mouse.up()
    page.wait_for_url("**/*distance_places=*")
    assert places(page)[:3] == ["-2.1,1.3", "1,0.5", "1.6,2.3"]
    settled(page)
    # What follows is new: x[1] is (1, 0.5), y[1] is (2.2, 0.8).
    expect(page.get_by_role("img", name="Squared distances of all pairs")).to_be_visible()
    expect(page.locator(".pairs section").first.locator("td").nth(4)).to_have_text("1.53")
    # By keys: a tenth each, with Shift five tenths.
    point(page, "y[2]").focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Shift+ArrowUp")
    expect(point(page, "y[2]")).to_have_attribute("aria-label", "y[2] at 0.6, -2.1")
    page.wait_for_url("**/*0.6%2C-2.1*")
    settled(page)
    expect(point(page, "y[2]")).to_be_focused()
    # Esc puts a point back that is still held.
    page.mouse.move(*at(1, 0.5))
    page.mouse.down()
    page.mouse.move(*at(3, 3))
    page.keyboard.press("Escape")
    page.mouse.up()
    settled(page)
    expect(point(page, "x[1]")).to_have_attribute("aria-label", "x[1] at 1.0, 0.5")
    assert places(page)[1] == "1,0.5"
    assert errors == []


HELD = """async () => {
  const render = globalThis.torchLoupe.get("torch_loupe_points");
  const host = document.createElement("div");
  document.body.append(host);
  const parentElement = host.attachShadow({ mode: "open" });
  parentElement.innerHTML = '<div class="torch-loupe-place"></div>';
  const sent = [];
  const group = (at) => ({ name: "x", points: [[at, 0]], drawn: 1 });
  const call = (at, edits) => render({
    data: { groups: [group(at)], reach: 4, title: "t", alt: "a", editable: true, edits },
    parentElement, setTriggerValue: (name, value) => sent.push([name, value]),
  });
  const grip = () => parentElement.querySelector(".point");
  const place = () => grip().getAttribute("aria-label");
  const right = () => {
    grip().dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight", bubbles: true }));
    grip().dispatchEvent(new KeyboardEvent("keyup", { key: "ArrowRight", bubbles: true }));
  };
  const found = { places: [] };
  const older = call(0, ["s", 0]);
  const first = grip();
  right(); right();
  const answers = [[0, ["s", 0]], [0.1, ["s", 1]], [0.1, ["s", 1]], [3, ["s", 2]], [1, ["t", 0]]];
  for (const [at, edits] of answers) {
    call(at, edits);
    found.places.push(place());
  }
  const last = call(1, ["t", 0]);
  older();
  last();
  call(1, ["t", 0]);
  await new Promise((done) => setTimeout(done, 1200));
  call(1, ["t", 0]);
  return { ...found, sent, same: grip() === first };
}"""


def test_what_python_made_before_the_last_edit_is_no_news_and_a_part_that_is_taken_again_stays(
    page: Page, app_url: str
) -> None:
    """Streamlit may give a component up and take it again at once, where data comes fast."""
    open_page(page, f"{app_url}/masks?lesson=distance")
    settled(page)
    found = page.evaluate(HELD)
    assert found["sent"] == [["edited", [1, [[0.1, 0]]]], ["edited", [2, [[0.2, 0]]]]]
    # Answers to no edit and to the first, twice; then to the last; then another session's.
    expected = ["0.2", "0.2", "0.2", "3.0", "1.0"]
    assert found["places"] == [f"x[0] at {place}, 0.0" for place in expected]
    assert found["same"]
