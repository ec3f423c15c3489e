"""What all pages share, through Streamlit's own tester."""

from typing import Any

import pytest
from streamlit.runtime.media_file_manager import MediaFileManager
from streamlit.testing.v1 import AppTest

from tests.session import PATIENCE_S, SHELL


def test_no_picture_is_a_file_that_is_gone_between_two_runs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kept: list[str] = []
    add = MediaFileManager.add

    def noting(self: MediaFileManager, path_or_data: Any, mimetype: str, *rest: Any) -> str:
        kept.append(mimetype)
        return add(self, path_or_data, mimetype, *rest)

    monkeypatch.setattr(MediaFileManager, "add", noting)
    assert not AppTest.from_file(SHELL, default_timeout=PATIENCE_S).run().exception
    assert kept == []
