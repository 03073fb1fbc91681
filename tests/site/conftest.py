"""Small results for the tests of the site; every fact that a test is about is an argument."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import replace
from html.parser import HTMLParser
from itertools import combinations
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from harness import plan as planning
from harness.cli import leaderboard
from harness.records import (
    COMPARISON_SCHEMA,
    DERIVED_SCHEMA,
    REFERENCE,
    SCHEMA,
    SEGMENTS_SCHEMA,
    TIMING_SCHEMA,
    Comparison,
    Derived,
    DerivedValue,
    Flag,
    Interval,
    Isolation,
    Pair,
    Provenance,
    Quantity,
    Ranked,
    Result,
    Said,
    Score,
    SegmentRow,
    Segments,
    Span,
    Timing,
)
from harness.site import pages
from harness.site.site import Records
from harness.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

METHOD = "percentile|resamples:1000|seed:0|level:0.95"
BLEU_SIGNATURE = "nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:2.6.0"


def score(metric: str = "term_success", value: float | None = 0.8, **facts: Any) -> Score:
    """A fraction with an interval and its counts, unless `facts` say otherwise."""
    known: dict[str, Any] = {"unit": "fraction", "n": 958, "signature": f"{metric}|v:1", "method": METHOD}
    if value is not None:
        half = 0.012345678901 if facts.get("unit", "fraction") == "fraction" else 1.2345678901
        known["interval"] = Interval(lo=value - half, hi=value + half)
    if metric == "term_success":
        known["numerator"] = 0 if value is None else round(value * 958)
    return Score(metric=metric, value=value, **{**known, **facts})


def scores(primary: float | None, bleu: float | None = 31.25) -> list[Score]:
    """The primary metric and BLEU, in the order of a task's manifest."""
    reason = None if primary is not None else "undefined: 0 of 0"
    points = score("bleu", bleu, unit="points", signature=BLEU_SIGNATURE)
    return [score(value=primary, reason=reason), points]


def result(system: str = "alpha", primary: float | None = 0.8, **facts: Any) -> Result:
    """One record; `facts` replace fields of `Result`."""
    known: dict[str, Any] = {
        "schema": SCHEMA,
        "task": "terminology",
        "test_set": "en-de",
        "collection": "wmt25",
        "system": system,
        "name": system.title(),
        "team": "team-a",
        "kind": "primary",
        "segments": 500,
        "scores": scores(primary),
        "notices": {},
        "provenance": provenance(),
        "primary": "term_success",
        "tags": {"source_language": "en", "target_language": "de", "mode": "proper"},
    }
    return Result(**{**known, **facts})


def reference(**facts: Any) -> Result:
    """The ceiling row."""
    return result(REFERENCE, 1.0, name="Reference", team=REFERENCE, kind="ceiling", **facts)


def provenance(packages: Mapping[str, str] | None = None) -> Provenance:
    """Digests that look like digests."""
    versions = {"numpy": "2.4.6", "sacrebleu": "2.6.0"} if packages is None else dict(packages)
    return Provenance(
        gold="a1" * 32,
        manifest="b2" * 32,
        outputs="c3" * 32,
        task_version="1.0.0",
        harness="0.1.0",
        python="3.11",
        packages=versions,
    )


def quantity(name: str, value: float | None, unit: str = "s", **facts: Any) -> Quantity:
    """A number of a timing with an interval of a tenth to each side, unless `facts` say otherwise."""
    ends: dict[str, Any] = {} if value is None else {"lo": value * 0.9, "hi": value * 1.1}
    return Quantity(name=name, unit=unit, value=value, **{"n": 100, **ends, **facts})


def timing(system: str = "alpha", speed: float = 100.0, **facts: Any) -> Timing:
    """A valid timing at `speed` requests per second; `facts` replace fields of `Timing`."""
    numbers = [
        quantity("load", 1.5, lo=None, hi=None),
        quantity("latency-p50", 1 / speed),
        quantity("throughput", speed, "requests/s"),
        quantity("throughput-ratio", speed / 100, "requests/unit"),
        quantity("peak-memory", 3 * 2.0**20, "bytes", lo=None, hi=None),
    ]
    known: dict[str, Any] = {
        "schema": TIMING_SCHEMA,
        "task": "terminology",
        "test_set": "en-de",
        "system": system,
        "name": system.title(),
        "team": "team-a",
        "kind": "primary",
        "backend": "cpu1",
        "scenario": "offline",
        "quick": False,
        "protocol": "jsonl",
        "unit": "segment",
        "flags": [],
        "quantities": numbers,
        "latencies": [[10_000_000]],
        "isolation": Isolation(level="L3", selftest="d4" * 32, gaps=["The kernel is shared."]),
        "machine_id": "0123456789abcdef",
        "env_id": "fedcba9876543210",
        "machine": {"cpu": "Imaginary CPU", "threads": "8", "memory": "16 GiB"},
        "processes": 3,
        "blocks": 40,
        "rejected": 1,
        "decoys": 20,
        "seed": 7,
        "gold": "a1" * 32,
        "submission": "e5" * 32,
        "outputs": "c3" * 32,
        "harness": "0.1.0",
    }
    return Timing(**{**known, **facts})


def comparison(values: Mapping[str, float], **facts: Any) -> Comparison:
    """Systems by value, each in a cluster of its own; p of a pair is 10 to the minus ten times their difference."""
    order = sorted(values, key=lambda system: (-values[system], system))
    pairs = [
        Pair(a=a, b=b, difference=values[a] - values[b], lo=None, hi=None, p=p, p_holm=p)
        for a, b in combinations(order, 2)
        if (p := 10 ** (10 * (values[b] - values[a])))
    ]
    known: dict[str, Any] = {
        "schema": COMPARISON_SCHEMA,
        "task": "terminology",
        "test_set": "en-de",
        "metric": "term_success",
        "unit": "fraction",
        "best": "higher",
        "segments": 500,
        "blocks": 500,
        "gold": "a1" * 32,
        "outputs": dict.fromkeys(order, "c3" * 32),
        "task_version": "1.0.0",
        "signature": "term_success|v:1",
        "method": "paired-bootstrap|resamples:1000|seed:0|level:0.95|alpha:0.05|holm:student-tails",
        "systems": [Ranked(system=system, value=values[system], cluster=n) for n, system in enumerate(order, 1)],
        "pairs": pairs,
    }
    return Comparison(**{**known, **facts})


def derived(metric: str, weights: Mapping[str, float], values: Mapping[str, float | None], **facts: Any) -> Derived:
    """A number over several test sets."""
    known: dict[str, Any] = {
        "schema": DERIVED_SCHEMA,
        "task": "terminology",
        "name": f"{metric}-change",
        "title": f"Change of {metric}",
        "metric": metric,
        "unit": "fraction",
        "best": "higher",
        "tags": {"source_language": "en"},
        "weights": dict(weights),
        "outputs": {},
        "task_version": "1.0.0",
        "signatures": {},
        "method": METHOD,
        "systems": [DerivedValue(system=one, value=found, lo=None, hi=None, parts=2) for one, found in values.items()],
    }
    return Derived(**{**known, **facts})


def said(source: Any = "A drug.", output: Any = "Ein Arzneimittel.", **facts: Any) -> Said:
    """A request with one reference."""
    known: dict[str, Any] = {"id": "1", "references": ["Eine Arznei." if isinstance(source, str) else source]}
    return Said(source=source, output=output, **{**known, **facts})


def span(start: int = 0, end: int = 3, verdict: str = "found", **facts: Any) -> Span:
    """Evidence of the primary metric in the output of request 1."""
    known: dict[str, Any] = {"metric": "term_success", "request": "1", "text": "output", "label": "drug → Arzneimittel"}
    return Span(start=start, end=end, verdict=verdict, **{**known, **facts})


def segment(number: int = 1, value: float | None = 1.0, *evidence: Span, **facts: Any) -> SegmentRow:
    """A segment of one request, with values of the primary metric and BLEU."""
    known: dict[str, Any] = {"id": str(number), "block": str(number), "tags": {}, "said": [said()]}
    return SegmentRow(values=[value, 31.25], evidence=list(evidence), **{**known, **facts})


def segments(folder: Path, rows: Sequence[SegmentRow], system: str = "alpha", **facts: Any) -> Path:
    """A record of segments, written below a folder."""
    known: dict[str, Any] = {"schema": SEGMENTS_SCHEMA, "task": "terminology", "test_set": "en-de", "gold": "a1" * 32}
    known |= {"outputs": "c3" * 32, "metrics": ["term_success", "bleu"]}
    content = msgspec.json.encode(Segments(system=system, rows=list(rows), **{**known, **facts}))
    path = folder / "segments" / f"{hashlib.sha256(content).hexdigest()}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    return path


@pytest.fixture(scope="session")
def make() -> SimpleNamespace:
    """The factories: tests are modules without a package, so they cannot import them."""
    return SimpleNamespace(
        score=score,
        scores=scores,
        provenance=provenance,
        result=result,
        reference=reference,
        quantity=quantity,
        timing=timing,
        comparison=comparison,
        derived=derived,
        said=said,
        span=span,
        segment=segment,
        segments=segments,
    )


class Parsed(HTMLParser):
    """A page as its tags: which are open at each text, every attribute, every text; it must be nested properly."""

    VOID = frozenset({"br", "meta", "link", "input", "wbr"})

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.stack: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[tuple[str, ...], str]] = []
        self.feed(path.read_text("utf-8"))
        self.close()
        assert self.stack == []

    def handle_starttag(self, tag, attrs):
        assert len(dict(attrs)) == len(attrs)
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            kind = dict(attrs).get("class")
            self.stack.append(f"{tag}.{kind}" if kind else tag)

    def handle_endtag(self, tag):
        assert self.stack.pop().partition(".")[0] == tag

    def handle_data(self, data):
        self.texts.append((tuple(self.stack), data))

    @property
    def text(self) -> str:
        return "".join(text for _, text in self.texts)

    def inside(self, element: str) -> list[str]:
        """The texts inside of an element, `tag` or `tag.class`, one for each of them that holds any directly."""
        return [text for stack, text in self.texts if element in stack]

    def values(self, attribute: str, tag: str = "") -> list[str]:
        return [known[attribute] or "" for name, known in self.tags if attribute in known and tag in ("", name)]

    @property
    def shape(self) -> list[tuple[str, tuple[str, ...]]]:
        """Tags and attributes without what stands for invisible characters."""
        shown = [one for one in self.tags if one[0] != "br" and one[1].get("class") != "inv"]
        return [(tag, tuple(known)) for tag, known in shown]


@pytest.fixture(scope="session")
def parse():
    """Read a page."""
    return Parsed


@pytest.fixture
def build(tmp_path):
    """Build a site from results and further records; returns where it lies."""

    def made(*results: Result, **records: Any) -> Path:
        pages.build(Records(results=results, **records), tmp_path / "site", tmp_path / "leaderboard")
        return tmp_path / "site"

    return made


# --- a whole site, and a browser to look at it ---

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")


@pytest.fixture(scope="session")
def whole(repository, tmp_path_factory) -> Path:
    """The site of the bundled submissions, scored by `harness score`, with timings as if most of them ran."""
    workspace = tmp_path_factory.mktemp("whole")
    running = shutil.ignore_patterns("*-live")  # it takes a sandbox
    shutil.copytree(repository / "submissions", workspace / "submissions", ignore=running)
    command = [sys.executable, "-m", "harness", "score", "--workspace", str(workspace)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert (workspace / "site/index.html").is_file(), done.stderr
    found = Workspace(workspace)
    plan = planning.make(found)
    records = leaderboard.records_of(found, plan, plan.current, list(found.results.comparisons.records()))
    pages.build(replace(records, timings=timings_of(plan.current)), found.site, found.leaderboard)
    return found.site


SCENARIOS = ("latency", "offline", "server")


def timings_of(results: Sequence[Result]) -> list[Timing]:
    """Timings of a task, on two backends and in three scenarios; the last system's are void."""
    timed = [result for result in results if result.task == "terminology" and result.system != REFERENCE]
    void = Flag(name="noise", detail="19 of 40 blocks were disturbed", voids=True)
    made = []
    for number, result in enumerate(timed):
        names = ("task", "test_set", "system", "name", "team", "kind")
        facts: dict[str, Any] = {name: getattr(result, name) for name in names}
        facts["flags"] = [void] if result.system == timed[-1].system else []
        for backend, factor in (("cpu1", 1), ("cuda", 40)):
            speed = factor * 3.7 ** (1 + number % 5)
            made += [timing(speed=speed, backend=backend, scenario=one, **facts) for one in SCENARIOS]
    return made


@pytest.fixture(scope="session")
def chromium():
    """The browser that the system has, driven by playwright."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        program = next(filter(None, map(shutil.which, BROWSERS)))
        running = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        yield running
        running.close()


@pytest.fixture
def visit(chromium):
    """Open a page from the disk; it remembers the messages of its console and the addresses that it asked for."""
    with ExitStack() as stack:

        def open_page(path: Path | str, *, width: int = 1280, **facts: Any) -> Any:
            context = chromium.new_context(viewport={"width": width, "height": 900}, **facts)
            stack.callback(context.close)
            page = context.new_page()
            page.trouble, page.requested = [], []
            page.on("console", lambda message: page.trouble.append(message.text))
            page.on("pageerror", lambda error: page.trouble.append(str(error)))
            page.on("request", lambda request: page.requested.append(request.url))
            page.goto(path if isinstance(path, str) else path.as_uri())
            return page

        yield open_page
