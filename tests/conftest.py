"""What all tests share: one thread, reproducible properties, the browser's tests last."""

import os
from pathlib import Path

import pytest
import torch
from hypothesis import settings

# As the app does: its tensors are tiny, and a pool of threads costs more than it saves.
torch.set_num_threads(1)

settings.register_profile("developer", deadline=None, print_blob=True)
settings.register_profile("continuous", deadline=None, print_blob=True, derandomize=True)
settings.load_profile("continuous" if os.environ.get("CI") else "developer")

BROWSER_TESTS = Path(__file__).parent / "browser"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the browser's tests, and run them last.

    Playwright keeps an event loop running in the main thread until the session ends; tests that
    start one of their own cannot run beside it.
    """
    for item in items:
        if BROWSER_TESTS in item.path.parents:
            item.add_marker(pytest.mark.browser)
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)
