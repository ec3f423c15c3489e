"""What a figure function returns is drawn by the component for it."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from explainers.linkage import linkage
from figures.linked import Linked
from ui import figure

Rows = list[list[float]]


def doubled(numbers: bool, editable: bool) -> Linked:
    source = torch.ones(2, 3)
    return Linked(
        source,
        2 * source,
        linkage(lambda x: 2 * x, (2, 3)),
        alt="Each output is twice its input.",
        numbers=numbers,
        editable=editable,
    )


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, Callable[[Rows], None] | None]]:
    seen: list[tuple[str, str, Callable[[Rows], None] | None]] = []
    for kind in ("loupe", "numbers"):

        def take(
            *pictures: object, key: str, on_edit: Any = None, kind: str = kind, **_: object
        ) -> None:
            assert len(pictures) == 3
            seen.append((kind, key, on_edit))

        monkeypatch.setattr(figure, kind, take)
    return seen


def test_linked_pictures_are_a_loupe_and_linked_numbers_are_tables(
    drawn: list[tuple[str, str, object]],
) -> None:
    figure.draw((doubled(False, False), doubled(True, False)), key="k")
    assert [(kind, key) for kind, key, _ in drawn] == [("loupe", "k"), ("numbers", "k.1")]


def test_only_numbers_that_say_so_can_be_typed_over(
    drawn: list[tuple[str, str, object]],
) -> None:
    taken: list[Rows] = []
    for editable in (False, True):
        figure.draw(doubled(True, editable), key="k", on_edit=taken.append)
    assert [on_edit for _, _, on_edit in drawn] == [None, taken.append]
