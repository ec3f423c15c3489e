"""What the explainers record while torch warns."""

import threading
import warnings

import pytest

from explainers.evidence import recorded_warnings


def test_warnings_recorded_within_a_recording_stay_inside_and_the_outer_goes_on() -> None:
    with recorded_warnings() as outer:
        warnings.warn("before", stacklevel=1)
        with recorded_warnings() as inner:
            warnings.warn("inside", stacklevel=1)
        warnings.warn("after", stacklevel=1)
    assert [str(each.message) for each in outer] == ["before", "after"]
    assert [str(each.message) for each in inner] == ["inside"]
    with pytest.warns(UserWarning, match="later"):
        warnings.warn("later", stacklevel=1)
    assert len(outer) == 2


def test_a_nested_recording_keeps_other_threads_out_until_the_outer_ends() -> None:
    entered, others = threading.Event(), []

    def another() -> None:
        with recorded_warnings() as caught:
            entered.set()
            warnings.warn("theirs", stacklevel=1)
        others.extend(str(each.message) for each in caught)

    thread = threading.Thread(target=another, daemon=True)
    with recorded_warnings() as outer:
        with recorded_warnings():
            thread.start()
        # The inner has ended; the lock is still this thread's.
        assert not entered.wait(0.05)
        warnings.warn("ours", stacklevel=1)
    thread.join(10)
    assert others == ["theirs"]
    assert [str(each.message) for each in outer] == ["ours"]
