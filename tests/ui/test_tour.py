"""The tour: ten stops, over several chapters, each with settings that its page takes."""

import pytest

from explainers.pictures import picture
from ui import catalogue, tour

STOPS = pytest.mark.parametrize("stop", tour.STOPS, ids=lambda stop: stop.title)


def test_there_are_ten_stops_over_several_chapters_at_most_two_on_a_page() -> None:
    assert len(tour.STOPS) == 10
    pages = [catalogue.page(stop.slug) for stop in tour.STOPS]
    assert len({page.chapter for page in pages}) >= 4
    assert max(pages.count(page) for page in pages) <= 2
    assert len({stop.title for stop in tour.STOPS}) == 10


@STOPS
def test_a_stops_address_sets_every_control(stop: tour.Stop) -> None:
    kind = type(stop.settings)
    assert set(stop.query) == {*kind.specs(), "tour"}
    restored, refused = kind.parse(stop.query)
    assert refused == ()
    assert restored == stop.settings
    assert all(getattr(restored, name) == value for name, value in stop.but.items())


def test_the_turn_that_shears_is_a_plain_turn_of_a_picture_that_is_not_square() -> None:
    (stop,) = (stop for stop in tour.STOPS if stop.title == "A turn that shears")
    settings = stop.settings
    assert not settings.keep_aspect and not settings.by_hand and settings.shear == 0
    assert settings.degrees % 90 != 0, "a quarter turn would stretch and not shear"
    height, width = picture(settings.picture).shape[-2:]
    assert height != width
