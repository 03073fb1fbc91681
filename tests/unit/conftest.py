from __future__ import annotations

import sys

import pytest
from hypothesis import HealthCheck, settings

from harness import tasks, worker

settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


@pytest.fixture(autouse=True)
def _tasks_of_other_tests_are_forgotten():
    """Loaded tasks are state of the process; a test must not see those of another."""
    folders, modules = list(tasks.__path__), set(sys.modules)
    yield
    tasks.__path__[:] = folders
    for name in set(sys.modules) - modules:
        if name.startswith("harness.tasks."):
            del sys.modules[name]
    worker._load.cache_clear()
