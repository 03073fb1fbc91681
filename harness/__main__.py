"""`python -m harness` is the command `harness`."""

from harness.cli.app import main

if __name__ == "__main__":
    raise SystemExit(main())
