"""Let the runs of all readers compute one after the other.

The threads of a process share one interpreter, and torch lets go of it at every operation. So runs
side by side take it from each other thousands of times: ten of them take not ten times as long as
one but a hundred. In turn each takes its own time, and none waits longer than for those before it.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import ParamSpec, TypeVar

__all__ = ["Turns", "give_way", "in_turn", "turn"]

P = ParamSpec("P")
T = TypeVar("T")


class Turns:
    """A lock that is handed on in the order of asking, which `threading.Lock` does not promise."""

    def __init__(self) -> None:
        """Begin with nobody's turn."""
        self._guard = threading.Lock()
        self._taken = False
        self._waiting: deque[threading.Lock] = deque()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for one's turn, and hand it on at the end."""
        self._take()
        try:
            yield
        finally:
            self._hand_on()

    def give_way(self) -> None:
        """Let those who wait go first, from within one's turn."""
        if self._waiting:
            self._hand_on()
            self._take()

    def _take(self) -> None:
        with self._guard:
            if not self._taken:
                self._taken = True
                return
            mine = threading.Lock()
            mine.acquire()
            self._waiting.append(mine)
        mine.acquire()

    def _hand_on(self) -> None:
        with self._guard:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._taken = False


_TURNS = Turns()
turn = _TURNS.turn
give_way = _TURNS.give_way


def in_turn(draw: Callable[P, T]) -> Callable[P, T]:
    """Return `draw`, made to wait for its turn."""

    @wraps(draw)
    def drawn(*args: P.args, **kwargs: P.kwargs) -> T:
        with turn():
            return draw(*args, **kwargs)

    return drawn
