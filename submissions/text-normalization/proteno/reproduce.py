"""Reproduce the figures of the README: import the Proteno corpus, train, answer through the protocol, score, time.

SOURCE is the archive's folder data/English or data/Spanish, or a JSON Lines file {"unnorm": …, "norm": …}, which is
the training part alone: then its last fifth is held out and scored in place of a test part.
"""

# ruff: noqa: T201 - a script prints

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proteno import classes
from proteno.generation import generate
from proteno.realign import realign
from proteno.taggers import TAGGERS

HERE = Path(__file__).resolve().parent
TASK, SYSTEM = "text-normalization", "proteno"
EXAMPLE = "example:\n  python reproduce.py PATH/TO/proteno/data/English"
HELD_OUT = 0.2
OPTIONS = {"en": [], "es": ["--keep-marks"]}
"""Spanish references leave most silent marks as they are, and some not, without a rule."""
ARTICLE = {"en": ("97.4", "8 + 2658"), "es": ("99.1", "10 + 279")}
"""Token accuracy in per cent and classes (predefined + generated), as reported; which tokens count is not said."""
RULES = {
    "token-accuracy-strict": "all tokens, exact strings",
    "token-accuracy": "all tokens, canonical form",
    "sentence-accuracy-strict": "all tokens of the sentence right, exact strings",
    "sentence-accuracy": "all tokens of the sentence right, canonical form",
    "change-accuracy": "tokens to be changed and spoken, canonical form",
    "spoken-change-accuracy-strict": "tokens to be changed and spoken, exact strings",
    "over-normalization": "of tokens that are right as they are: wrong",
    "wer": "word errors, canonical form",
}
Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Parts:
    """What a corpus is split into; by name: what is scored.

    whole  the imported training part
    train  what of it is trained on: all, if there is a test part
    """

    language: str
    whole: Rows
    train: Rows
    tests: dict[str, Rows]


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLE, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("source", metavar="SOURCE", type=Path)
    parser.add_argument("--tagger", choices=TAGGERS, default="crf", help="default: crf; the others need torch")
    parser.add_argument("--core", action="store_true", help="with the smaller set of predefined classes only")
    parser.add_argument("--workspace", type=Path, metavar="DIR", help="work there and keep it (default: nothing stays)")
    return parser.parse_args()


def harness(*words: object) -> str:
    """What a command of the harness prints. Raises RuntimeError with its message if it fails."""
    command = [sys.executable, "-m", "harness", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - written here
    if done.returncode:
        message = f"harness {words[0]}: {done.stderr.strip() or done.stdout.strip()}"
        raise RuntimeError(message)
    return done.stdout


def read(file: Path) -> Rows:
    """The rows of a JSON Lines file."""
    return [json.loads(line) for line in file.read_text("utf-8").split("\n") if line]


def write(file: Path, rows: Rows) -> None:
    """Write a JSON Lines file, and the folders above it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")


def split(workspace: Path) -> Parts:
    """The imported parts. Beside a test part stand its sentences that are not in the training part word by word."""
    folder = workspace / "testsets" / TASK
    (gold,) = folder.glob("proteno-*-train/gold.jsonl")
    language = gold.parent.name.split("-")[1]
    whole, test = read(gold), folder / f"proteno-{language}-test" / "gold.jsonl"
    train = whole
    if test.exists():
        tests = {f"proteno-{language}-test": read(test)}
    else:
        first = int(len(whole) * (1 - HELD_OUT))
        tests, train = {f"proteno-{language}-held-out-test": whole[first:]}, whole[:first]
    known = {tuple(row["source"]) for row in train}
    unseen = [row for rows in tests.values() for row in rows if tuple(row["source"]) not in known]
    return Parts(language, whole, train, tests | {f"proteno-{language}-unseen-test": unseen})


def lay_out(workspace: Path, parts: Parts) -> Path:
    """Write the test sets that the import did not, and a copy of this system without models; the copy's folder."""
    for name, rows in parts.tests.items():
        folder = workspace / "testsets" / TASK / name
        if not folder.exists():
            write(folder / "gold.jsonl", rows)
            tags = f'tags = {{ language = "{parts.language}" }}'
            (folder / "testset.toml").write_text(f'id = "{name}"\ncompat = ["proteno"]\n{tags}\n', "utf-8")
    copy = workspace / "submissions" / TASK / SYSTEM
    shutil.copytree(HERE, copy, ignore=shutil.ignore_patterns("model", ".*", "__pycache__"), dirs_exist_ok=True)
    return copy


def train(copy: Path, parts: Parts, chosen: argparse.Namespace) -> tuple[float, float]:
    """Train in a process of its own; its processor seconds and its largest memory in MB."""
    gold = copy.parents[2] / "training.jsonl"
    write(gold, parts.train)
    options = [*OPTIONS.get(parts.language, []), "--tagger", chosen.tagger, *(["--core"] if chosen.core else [])]
    command = [sys.executable, str(copy / "train.py"), parts.language, str(gold), *options]
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL)  # noqa: S603 - written here
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise RuntimeError("training failed, see above")
    kilobytes = usage.ru_maxrss / 1024 if sys.platform == "darwin" else usage.ru_maxrss
    return usage.ru_utime + usage.ru_stime, kilobytes / 1024


def class_counts(parts: Parts, *, core: bool) -> str:
    """Predefined + generated classes that the whole training part takes."""
    language, predefined = classes.load(parts.language, core=core)
    tokens = [row["source"] for row in parts.whole]
    said = [realign(language, row["source"], row["reference"]) for row in parts.whole]
    return f"{len(predefined)} + {generate(predefined, tokens, said)[1]}"


def score(workspace: Path, parts: Parts) -> tuple[dict[tuple[str, str], float], dict[str, dict[str, Any]]]:
    """Values by (test set, metric), and the timing of the first test set by quantity."""
    first, *_ = parts.tests
    common = ("--trust", "harness", "--workspace", workspace)
    for name in parts.tests:
        timed = ("--backend", "cpu1", "--scenario", "offline", "--quick") if name == first else ()
        harness("score", f"{TASK}/{SYSTEM}/{name}", *timed, *common)
    results, timings = (
        [json.loads(line) for line in harness("export", what, "--as", "jsonl", "--workspace", workspace).splitlines()]
        for what in ("results", "timings")
    )
    values = {(row["test_set"], row["metric"]): row["value"] for row in results if row["system"] == SYSTEM}
    return values, {row["quantity"]: row for row in timings if row["scenario"] == "offline"}


def show(parts: Parts, values: dict[tuple[str, str], float]) -> None:
    """The table of figures, in per cent, and the numbers of classes."""
    accuracy, counts = ARTICLE.get(parts.language, ("-", "-"))
    print(f"| metric | {' | '.join(parts.tests)} | what counts |")
    print(f"|{'---|' * (len(parts.tests) + 2)}")
    for metric, rule in RULES.items():
        ours = [f"{100 * values[name, metric]:.2f}" for name in parts.tests]
        print(f"| {metric} | {' | '.join(ours)} | {rule} |")
    print(f"| token accuracy of the article, as reported | {accuracy} | - | not said |")
    print("classes, predefined + generated, for the whole training part:")
    print(f"  all: {class_counts(parts, core=False)}; smaller set: {class_counts(parts, core=True)}")
    print(f"  the article, as reported: {counts}")


def run(chosen: argparse.Namespace, workspace: Path) -> None:
    """All of it, in a workspace."""
    print(harness("import", "proteno", chosen.source.resolve(), "--workspace", workspace).strip().splitlines()[-1])
    parts = split(workspace)
    for name, rows in parts.tests.items():
        print(f"{name}: {len(rows)} sentences, {sum(len(row['source']) for row in rows)} tokens")
    if f"proteno-{parts.language}-test" not in parts.tests:
        print(f"There is no test part here. Scored is a held-out share, the last {HELD_OUT:.0%} of the training part.")
    seconds, memory = train(lay_out(workspace, parts), parts, chosen)
    started = time.perf_counter()
    values, timing = score(workspace, parts)
    show(parts, values)
    tokens = [len(row["source"]) for row in next(iter(parts.tests.values()))]
    print(f"training on {len(parts.train)} sentences: {seconds:.0f} CPU seconds, {memory:.0f} MB")
    print(f"scoring and timing: {time.perf_counter() - started:.0f} s")
    if rate := timing.get("throughput", {}).get("value"):
        state = "" if timing["throughput"]["valid"] else " (void: something disturbed the machine or the system)"
        print(f"answering, one core, through the protocol: {rate * sum(tokens) / len(tokens):.0f} tokens/s{state}")
    for name, unit, share in (("peak-memory", "MB", 1e6), ("model-size", "kB", 1e3), ("load", "s", 1)):
        if timing.get(name, {}).get("value") is not None:
            print(f"{name}: {timing[name]['value'] / share:.3g} {unit}")


def main() -> None:
    """Reproduce in the workspace that was named, or in one that goes."""
    chosen = arguments()
    if chosen.workspace is not None:
        run(chosen, chosen.workspace.resolve())
        return
    with tempfile.TemporaryDirectory() as folder:
        run(chosen, Path(folder))


if __name__ == "__main__":
    try:
        main()
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        sys.exit(f"error: {error}")
