"""Weigh every lesson on the stage: what its run, what it sends and what a step of it costs.

Run it as ``python -m benchmarks.stage`` (``make bench-stage``). Times are of the processor: of this
process for the run and what is made of it, of the page's main thread for a step. Exit status 1: a
limit is broken.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from playwright.sync_api import Page as Opened
from playwright.sync_api import sync_playwright

from benchmarks import results
from explainers import program
from explainers.program.lessons import Lesson
from figures.stage import staged
from tests.browser.harness import launch, processor_time, serving, settled, watch_rest
from ui import catalogue
from ui.stage import stage_data

BYTES_LIMIT = 30_000
STEP_LIMIT_MS = 10.0
ROUNDS = 40
"""Steps that are drawn."""

WALK = """(root, times) => {
    const range = root.querySelector(".range");
    for (let i = 0; i < times; i++) {
        range.value = i % (Number(range.max) + 1);
        range.dispatchEvent(new Event("input"));
        root.getBoundingClientRect();  // its layout, too
    }
}"""


@dataclass(frozen=True, slots=True)
class Row:
    """What a lesson costs: times in ms of the processor, the size as JSON."""

    lesson: str
    steps: int
    run: float
    pack: float
    origins: float
    sent: int
    step: float | None

    @property
    def ok(self) -> bool:
        """Whether every limit holds."""
        return self.sent <= BYTES_LIMIT and (self.step or 0.0) <= STEP_LIMIT_MS


def lessons() -> Iterator[tuple[str, Lesson]]:
    """Give every lesson with the slug of its page, in the catalogue's order."""
    for page in catalogue.PAGES:
        for lesson in getattr(page.topic, "LESSONS", ()):
            yield page.slug, lesson


def spent(work: Callable[[], object]) -> float:
    """Return the processor time of some work, in ms."""
    begin = time.process_time()
    work()
    return 1000 * (time.process_time() - begin)


def computed(slug: str, lesson: Lesson, repeats: int) -> Row:
    """Run a lesson, and pack it as its page does."""
    trace = lesson.trace()
    notes = lesson.notes_at(trace.source)

    def packed(*, origins: bool) -> object:
        return staged(lesson.trace(), notes=notes, shows=lesson.shows, origins=origins)

    times = []
    for _ in range(repeats):
        program.forget()
        run, pack = spent(lesson.trace), spent(lambda: packed(origins=False))
        times.append((run, pack, spent(lambda: packed(origins=True)) - pack))
    run, pack, made = (statistics.median(part) for part in zip(*times, strict=True))
    drawn = staged(trace, notes=notes, start=lesson.first_step(trace), shows=lesson.shows)
    sent = len(json.dumps(stage_data(drawn), separators=(",", ":")))
    return Row(f"{slug}/{lesson.slug}", len(trace.steps), run, pack, made, sent, None)


def drawn(page: Opened, url: str, slug: str, lesson: Lesson) -> float:
    """Return what the browser's main thread works for one step, in ms: drawing and layout."""
    page.goto(f"{url}/?{urlencode({'page': slug, 'lesson': lesson.slug})}")
    settled(page)
    root = page.get_by_test_id("stage")
    with processor_time(page) as worked:
        before = worked()
        root.evaluate(WALK, ROUNDS)
        return (worked() - before) / ROUNDS


def table(rows: Sequence[Row]) -> str:
    """Return the rows in Markdown."""
    head = ("lesson", "steps", "run ms", "pack ms", "origins ms", "kB sent", "a step ms")
    body = [
        (
            f"**{row.lesson}**" if not row.ok else row.lesson,
            row.steps,
            f"{row.run:.1f}",
            f"{row.pack:.1f}",
            f"{row.origins:.1f}",
            f"{row.sent / 1000:.1f}",
            "" if row.step is None else f"{row.step:.1f}",
        )
        for row in rows
    ]
    return results.table(head, body)


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--pages", nargs="*", metavar="SLUG", help="pages to weigh (all)")
    parser.add_argument("--repeats", type=int, default=5, help="runs of each lesson (5)")
    parser.add_argument("--no-browser", action="store_true", help="leave out what drawing takes")
    parser.add_argument("--record", action="store_true", help="write benchmarks/RESULTS.md")
    return parser.parse_args()


def main() -> int:
    """Measure, print, and return 1 unless every lesson holds every limit."""
    args = arguments()
    program.warm()
    chosen = [
        (slug, lesson) for slug, lesson in lessons() if args.pages is None or slug in args.pages
    ]
    rows = [computed(slug, lesson, args.repeats) for slug, lesson in chosen]
    if not args.no_browser:
        with serving("benchmarks/stages.py") as server, sync_playwright() as playwright:
            browser = launch(playwright)
            context = watch_rest(browser.new_context(viewport={"width": 1280, "height": 900}))
            page = context.new_page()
            steps = [drawn(page, server.url, slug, lesson) for slug, lesson in chosen]
            browser.close()
        rows = [
            Row(row.lesson, row.steps, row.run, row.pack, row.origins, row.sent, step)
            for row, step in zip(rows, steps, strict=True)
        ]
    print(table(rows))
    if args.record:
        body = (
            f"{table(rows)}\n\nMedians of {args.repeats}, in ms of the processor: the run, what is "
            "packed of it, and the origins of its cells, which long runs are sent without. A step "
            f"is drawn and laid out by Chromium: the mean of {ROUNDS}. Limits: "
            f"{BYTES_LIMIT // 1000} kB, {STEP_LIMIT_MS:g} ms a step."
        )
        results.record("stage", "The stage", "python -m benchmarks.stage --record", body)
    return 0 if all(row.ok for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
