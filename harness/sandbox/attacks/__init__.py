"""Attacks on a box, made from inside by a program that needs nothing but Python's standard library.

Each attack is a function: it takes the bait (what there is to find, see harness.sandbox.bait), returns in words
what it got, and raises OSError where the machine refuses. All of them are harmless where nothing refuses:
they take little, remove what they made, touch no process but the one that was started for them, and ask for
dangerous things in ways that cannot succeed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.sandbox.attacks import files, kernel, network, processes, resources

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.sandbox.attacks.calls import Bait

ATTACKS: tuple[Callable[[Bait], str], ...] = (
    *files.ATTACKS,
    *network.ATTACKS,
    *kernel.ATTACKS,
    *resources.ATTACKS,
    *processes.ATTACKS,  # the last of them leaves a process behind
)
NAMES = frozenset(attack.__name__ for attack in ATTACKS)

WARDEN = frozenset({"secrets_in_environment", "further_descriptors", "daemon"})
"""What every level denies, because of how a box is started and ended."""
LIMITS = frozenset({"fork_bomb", "large_file", "many_open_files", "large_memory", "regained_privileges"})
"""What limits of numbers deny, whoever the user is."""
NAMESPACES = frozenset({"host_name", "seen_process", "system_v_memory", "temporary_files"})
"""What only namespaces and mounts deny."""
