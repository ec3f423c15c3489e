"""What all tests share: one thread, reproducible properties, the app, the browser's tests last."""

import os
from collections.abc import Iterator
from pathlib import Path

# As the app does: its tensors are tiny, and a pool of threads costs more than it saves.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
import torch
from hypothesis import settings
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from tests.browser.harness import Server, serving
from tests.costs import Costs
from tests.hosting import NO_NGINX, QUIET, nginx_path

torch.set_num_threads(1)

settings.register_profile("developer", deadline=None, print_blob=True)
settings.register_profile("continuous", deadline=None, print_blob=True, derandomize=True)
settings.load_profile("continuous" if os.environ.get("CI") else "developer")

TESTS = Path(__file__).parent
BROWSER_TESTS = TESTS / "browser"
SERVER_TESTS = (TESTS / "deploy", TESTS / "faults")
VISITS = "tests/browser/test_reach.py"


class InFiles(LoadScopeScheduling):  # type: ignore[misc] # xdist ships no types
    """Hand a process the tests of a file together, and of a visit: they share what they open."""

    def _split_scope(self, nodeid: str) -> str:
        file, _, test = nodeid.partition("::")
        return f"{file}[{test.partition('[')[2]}" if file == VISITS else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> InFiles:
    """Share the tests out among the processes of ``pytest -n``."""
    # In the order of `pytest_collection_modifyitems`, not by how many there are.
    config.option.loadscopereorder = False
    return InFiles(config, log)


@pytest.fixture(scope="session")
def app_server() -> Iterator[Server]:
    """Give the app, served once for every test that leaves it as it was."""
    with serving("app.py", *QUIET) as server:
        yield server


@pytest.fixture(scope="session")
def nginx() -> str:
    """Give nginx's path; without one, skip, or fail where ``CI`` is set."""
    path = nginx_path()
    if path is None:
        if os.environ.get("CI"):
            pytest.fail(NO_NGINX, pytrace=False)
        pytest.skip(NO_NGINX)
    return path


def pytest_configure(config: pytest.Config) -> None:
    """Let the run say at its end what it took."""
    config.pluginmanager.register(Costs())


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that start servers, and the browser's; run these last.

    Playwright keeps an event loop running in the main thread until the session ends; tests that
    start one of their own cannot run beside it.
    """
    for item in items:
        if BROWSER_TESTS in item.path.parents:
            item.add_marker(pytest.mark.browser)
        if any(folder in item.path.parents for folder in SERVER_TESTS):
            item.add_marker(pytest.mark.server)
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)
