"""Open pages in Streamlit's own tester, and read what they show."""

import functools
import json
from typing import Any

from streamlit.components.v2 import manifest_scanner
from streamlit.runtime.pages_manager import PagesManager
from streamlit.testing.v1 import AppTest

from ui import catalogue

SHELL = str(catalogue.ROOT / "ui" / "shell.py")
# What a run may take where other work holds up the machine.
PATIENCE_S = 600

# Each new tester would read again what every installed package says of itself, which takes longer
# than most of our pages. A server does it once.
manifest_scanner.scan_component_manifests = functools.cache(
    manifest_scanner.scan_component_manifests
)

# The tester forgets between two runs of a session which pages there are; a part of a page that runs
# alone does not name them again, and could link to none.
_named: dict[str, Any] = {}
_begin, _name = PagesManager.__init__, PagesManager.set_pages_and_resolve


def _begin_with_pages(manager: PagesManager, script: str, *rest: Any, **more: Any) -> None:
    _begin(manager, script, *rest, **more)
    if script in _named:
        manager._set_pages(_named[script])


def _name_and_keep(manager: PagesManager, pages: Any, *rest: Any, **more: Any) -> Any:
    _named[manager.main_script_path] = pages
    return _name(manager, pages, *rest, **more)


PagesManager.__init__ = _begin_with_pages  # type: ignore[method-assign]
PagesManager.set_pages_and_resolve = _name_and_keep  # type: ignore[method-assign]


def opened(page: catalogue.Page, **address: str) -> AppTest:
    """Open a page by a link, in a new session, which runs nothing else before it."""
    tester = AppTest.from_file(SHELL, default_timeout=PATIENCE_S)
    tester.switch_page(f"../{page.file.relative_to(catalogue.ROOT)}")
    for name, text in address.items():
        tester.query_params[name] = text
    return tester.run()


def held(tester: AppTest, page: catalogue.Page) -> dict[str, Any]:
    """What the controls of a page hold."""
    names = page.topic.PRESETS[0].parameters.specs()
    return {name: tester.session_state[f"{page.slug}.{name}"] for name in names}


def component(tester: AppTest, name: str) -> dict[str, Any]:
    """What the one component of this name is given."""
    (found,) = components(tester, name)
    return found


def components(tester: AppTest, name: str) -> list[dict[str, Any]]:
    """What each component of this name is given."""
    return [
        json.loads(node.proto.json)
        for node in tester.get("bidi_component")
        if node.proto.component_name == name
    ]


def status(tester: AppTest) -> dict[str, Any]:
    """What the line above the view says, and the address that it writes."""
    return component(tester, "torch_loupe_status")


def chapters(tester: AppTest) -> list[tuple[str, list[str]]]:
    """The sidebar's links by chapter; home, the scratchpad and the proof sheet have none."""
    groups = component(tester, "torch_loupe_navigation")["groups"]
    return [(each["title"], [link["title"] for link in each["links"]]) for each in groups]


def warnings(tester: AppTest) -> str:
    """What it warns of, without the marks that keep a stranger's text plain."""
    return " ".join(warning.value.replace("\\", "") for warning in tester.warning)


def drawn(tester: AppTest) -> str:
    """What its components are given to draw."""
    return " ".join(node.proto.json for node in tester.get("bidi_component"))
