"""The kinds of systems, one file each: all are a `harness.timing.System`."""
