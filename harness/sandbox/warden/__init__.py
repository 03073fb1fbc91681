"""A program of its own, run by path: see `__main__`."""
