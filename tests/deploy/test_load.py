"""The load benchmark really drives every page; its long runs are `make bench-load`."""

import asyncio

from benchmarks import load
from benchmarks.servers import served
from ui import catalogue


def test_a_few_readers_change_every_page_and_nothing_goes_wrong() -> None:
    with served(1) as place:
        slugs = load.with_controls(place, [page.slug for page in catalogue.PAGES])
        assert "affine_grid" in slugs
        tally, memory = asyncio.run(load.together(place, slugs, len(slugs), 2.0, 0.5))
        assert "Traceback" not in place.log()
    assert tally.errors == []
    assert {slug for slug, _ in tally.changes} == set(slugs)
    assert len(tally.views) == len(slugs)
    assert memory > 100
