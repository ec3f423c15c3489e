"""What all tests share: one thread, reproducible properties, the browser's tests last."""

import os
from pathlib import Path

import pytest
import torch
from hypothesis import settings

from tests.hosting import NO_NGINX, nginx_path

# As the app does: its tensors are tiny, and a pool of threads costs more than it saves.
torch.set_num_threads(1)

settings.register_profile("developer", deadline=None, print_blob=True)
settings.register_profile("continuous", deadline=None, print_blob=True, derandomize=True)
settings.load_profile("continuous" if os.environ.get("CI") else "developer")

TESTS = Path(__file__).parent
BROWSER_TESTS = TESTS / "browser"
SERVER_TESTS = (TESTS / "deploy", TESTS / "faults")


@pytest.fixture(scope="session")
def nginx() -> str:
    """Give nginx's path; without one, skip, or fail where ``CI`` is set."""
    path = nginx_path()
    if path is None:
        if os.environ.get("CI"):
            pytest.fail(NO_NGINX, pytrace=False)
        pytest.skip(NO_NGINX)
    return path


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
