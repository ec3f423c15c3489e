"""The reader of the other tests sees what went wrong; otherwise none of them could fail."""

import asyncio
from pathlib import Path

import pytest

from tests.browser.harness import serving
from tests.hosting import QUIET
from tests.reader import Reader

APP = """
import streamlit as st
from ui import server

app = st.App("script.py", on_script_error=server.say_what_happened if {handled} else None)
"""
SCRIPT = """
import streamlit as st

st.slider("n", 0, 10, key="n")
if st.query_params.get("boom") == "at once" or st.session_state.n == 7:
    raise RuntimeError("as asked")
"""


@pytest.mark.parametrize("handled", [True, False])
def test_an_exception_on_a_page_is_seen(tmp_path: Path, handled: bool) -> None:
    (tmp_path / "app.py").write_text(APP.format(handled=handled))
    (tmp_path / "script.py").write_text(SCRIPT)

    async def read(url: str) -> None:
        async with Reader(url) as reader:
            assert (await reader.open()).exceptions() == []
            slider = reader.control()
            assert (await reader.change(slider, 3)).exceptions() == []
            assert len((await reader.change(slider, 7)).exceptions()) == 1
        async with Reader(url, query="boom=at+once") as reader:
            assert len((await reader.open()).exceptions()) == 1
            with pytest.raises(LookupError, match="no file_uploader"):
                reader.find("file_uploader")

    with serving(tmp_path / "app.py", *QUIET) as server:
        asyncio.run(read(server.url))
        assert "as asked" in server.log()
