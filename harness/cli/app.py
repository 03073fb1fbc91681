"""`harness`: parse the command line, run a verb, and turn every outcome into an exit code."""

from __future__ import annotations

import argparse
import io
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from harness import __version__
from harness.cli import check, compare, doctor, explain, export, importing, leaderboard, rank, score, tasks, verify
from harness.errors import ExitCode, HarnessError

if TYPE_CHECKING:
    from collections.abc import Sequence

_VERBS = {
    "score": score,
    "check": check,
    "tasks": tasks,
    "import": importing,
    "export": export,
    "verify": verify,
    "rank": rank,
    "compare": compare,
    "explain": explain,
    "leaderboard": leaderboard,
    "doctor": doctor,
}
_EPILOG = """\
examples:
  harness tasks                                 which tasks there are
  harness tasks my-task                         test sets, metrics and importers of one
  harness check submissions/my-task/my-system   what would be refused, before you send it
  harness score                                 score everything, write the leaderboard to site/
  harness rank my-task                          rank ranges, and what the test sets can tell apart
  harness doctor                                what this machine can do to keep systems apart, and to time them

exit codes: 0 good, 1 finished but some failed, 2 usage, 3 invalid submission, 4 system failed,
  5 integrity, 6 environment, 7 refused by policy, 70 our bug
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command. Returns the exit code; it never lets an exception out."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal that lacks a character is no failure
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy: our products are small, and threads wait
    arguments = _parser().parse_args(argv)
    try:
        code = int(arguments.run(arguments))
        sys.stdout.flush()  # here, where a reader that went away can still be handled
    except HarnessError as error:
        _report(error, arguments)
        return int(error.exit_code)
    except KeyboardInterrupt:
        print("interrupted: what was stored is kept, run it again to continue", file=sys.stderr)
        return int(ExitCode.INTERRUPTED)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader went away: say no more
        return int(ExitCode.GOOD)
    except OSError as error:
        _report(_from_os(error), arguments)
        return int(ExitCode.ENVIRONMENT)
    except Exception:  # noqa: BLE001 - the last line of defence: a bug becomes a file, not a traceback
        print(_save_bug(), file=sys.stderr)
        return int(ExitCode.BUG)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="harness",
        description="Run shared tasks: check and score submissions, publish a leaderboard.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"harness {__version__}")
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    for name, verb in _VERBS.items():
        child = verbs.add_parser(
            name,
            help=verb.SUMMARY,
            description=verb.SUMMARY[0].upper() + verb.SUMMARY[1:] + ".",
            epilog=verb.EPILOG,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        verb.add_arguments(child)
        _add_common(child)
        child.set_defaults(run=verb.run)
    return parser


def _add_common(parser: argparse.ArgumentParser) -> None:
    common = parser.add_argument_group("everywhere")
    common.add_argument("--workspace", metavar="DIR", type=Path, help="the workspace (default: the current folder)")
    common.add_argument(
        "--tasks",
        metavar="DIR",
        type=Path,
        action="append",
        default=[],
        dest="task_folders",
        help="a further folder of tasks; may be repeated (also: HARNESS_TASKS)",
    )
    common.add_argument("--json", action="store_true", help="print the same facts as JSON")


def _report(error: HarnessError, arguments: argparse.Namespace) -> None:
    from harness.cli import terminal

    problems = terminal.located(error.problems, arguments)
    if arguments.json:
        terminal.say_json({"problems": [problem.to_dict() for problem in problems]})
    else:
        terminal.report(problems)


def _from_os(error: OSError) -> HarnessError:
    from harness.catalogue import problem
    from harness.errors import EnvironmentFault

    return EnvironmentFault(problem("E014", file=error.filename, what=error.strerror or str(error)))


def _save_bug() -> str:
    """Write the traceback to a file and say where it is."""
    import tempfile
    import traceback

    with tempfile.NamedTemporaryFile("w", prefix="harness-bug-", suffix=".txt", delete=False, encoding="utf-8") as file:
        file.write(f"harness {__version__}, python {sys.version}\n{sys.argv}\n\n{traceback.format_exc()}")
    return f"error[BUG]: this is a bug in the harness\n  help: please report it with the file {file.name}"
