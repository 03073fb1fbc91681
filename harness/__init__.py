"""shared-task-harness: score the submissions of a shared task and publish what follows.

This is the engine. It knows no task by name: tasks are plugins, found by their `task.toml`.
Start reading at `harness.plan` (what has to be done), `harness.score` (how one submission becomes
numbers) and `harness.api` (what a task is made of).
"""

__version__ = "0.1.0"
