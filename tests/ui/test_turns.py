import threading
import time
from collections.abc import Callable

import pytest

from ui.turns import Turns

WAIT_S = 10.0


def started(*runs: Callable[[], None]) -> list[threading.Thread]:
    threads = [threading.Thread(target=run) for run in runs]
    for thread in threads:
        thread.start()
    return threads


def ended(threads: list[threading.Thread]) -> None:
    for thread in threads:
        thread.join(WAIT_S)
        assert not thread.is_alive()


def waiting(turns: Turns, count: int) -> None:
    end = time.monotonic() + WAIT_S
    while len(turns._waiting) != count:
        assert time.monotonic() < end
        time.sleep(0.001)


def test_no_two_runs_compute_at_once() -> None:
    turns, inside, most = Turns(), 0, 0

    def run() -> None:
        nonlocal inside, most
        for _ in range(50):
            with turns.turn():
                inside += 1
                most = max(most, inside)
                time.sleep(0)
                inside -= 1

    ended(started(*[run] * 8))
    assert most == 1


def test_who_asks_first_goes_first() -> None:
    turns, order = Turns(), []

    def run(name: int) -> Callable[[], None]:
        def take() -> None:
            with turns.turn():
                order.append(name)

        return take

    threads = []
    with turns.turn():
        for name in range(6):
            threads += started(run(name))
            waiting(turns, name + 1)
    ended(threads)
    assert order == list(range(6))


def test_a_long_run_gives_way_to_those_who_wait_and_goes_on_after_them() -> None:
    turns, order = Turns(), []

    def short() -> None:
        with turns.turn():
            order.append("short")

    with turns.turn():
        order.append("long")
        turns.give_way()  # nobody waits
        threads = started(short, short)
        waiting(turns, 2)
        turns.give_way()
        order.append("long")
    ended(threads)
    assert order == ["long", "short", "short", "long"]


def test_a_run_that_raises_hands_its_turn_on() -> None:
    turns = Turns()
    with pytest.raises(ValueError, match="typed"), turns.turn():
        raise ValueError("typed")
    with turns.turn():
        pass
