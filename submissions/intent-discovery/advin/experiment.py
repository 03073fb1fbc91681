"""Every number of README.md: run ADVIN, its variants and the baselines on imported test sets with known intents.

    python experiment.py WORKSPACE CACHE --encoder minilm --dataset banking --seed 0

WORKSPACE is a folder into which `harness import textoir` and `harness import clinc150` have written; CACHE keeps
vectors and results, so that what was computed once is only printed. Test sets are those named DATASET-kirNN-seedN;
`clinc150-inside` are those of clinc150 without the thousand utterances that belong to no intent.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import time
import tomllib
from collections import defaultdict
from dataclasses import dataclass, replace
from functools import cache, partial
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from advin import baselines, clustering, corpus, counting, detector, domains, pipeline, tried
from advin.encoders import ENCODERS
from advin.evidence import Evidence, directions
from advin.pipeline import Settings
from advin.transfer import TRANSFERS
from scipy.optimize import linear_sum_assignment
from sklearn.metrics import adjusted_rand_score, f1_score, normalized_mutual_info_score

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

DATASETS = ("banking", "clinc150-inside", "clinc150", "snips", "clinc150-domains")
RATIOS, SEEDS = (25, 50, 75), (0, 1, 2)
INSIDE = "-inside"
TRANSFER = {"tfidf-svd": "whitening", "minilm": "both"}
"""What the submissions do: advin has no torch, advin-minilm has."""
BLIND = {f"{method}, K {count}": (method, count) for method, count in product(baselines.CLUSTERERS, baselines.COUNTS)}
"""Baselines. They do not look at what is told, so one ratio and one seed show them."""
ONCE = f"-kir{RATIOS[0]}-seed{SEEDS[0]}"
COLUMNS = ("acc", "ari", "nmi", "k", "k_ratio", "novel_acc", "f1_known", "f1_open", "detection", "seconds")


@dataclass(frozen=True)
class Case:
    """One test set with its vectors.

    gold      the class of each asked text, and `intents` its intent: the same, but where classes are domains
    scored    which of them belong to a class at all
    classes   how many there are
    """

    evidence: Evidence
    names: Sequence[str]
    domains: Sequence[str | None]
    gold: NDArray[np.str_]
    intents: NDArray[np.str_]
    scored: NDArray[np.bool_]
    classes: int
    is_domain: bool

    @property
    def known(self) -> list[str]:
        """The known classes in the order of their numbers."""
        return sorted({domain for domain in self.domains if domain}) if self.is_domain else list(self.names)


# --- reading ---


def case(workspace: Path, name: str, embed: Callable[[Sequence[str]], Floats]) -> Case:
    """Read a test set as the protocol tells it. Raises OSError if it is not there."""
    folder = workspace / "testsets" / "intent-discovery" / name.replace(INSIDE, "")
    tags = tomllib.loads((folder / "testset.toml").read_text("utf-8"))["tags"]
    rows = [json.loads(line) for line in (folder / "gold.jsonl").read_text("utf-8").split("\n") if line]
    if INSIDE in name:
        rows = [row for row in rows if "given" in row or row["reference"] != tags["open"]]
    told, order = corpus.read([{"source": row["source"], **row.get("given", {})} for row in rows])
    asked = [rows[order[place]] for place in told.asked]
    gold = np.array([row["reference"] for row in asked])
    intents = np.array([row.get("intent", row["reference"]) for row in asked])
    evidence = pipeline.read(told, embed(told.texts))
    return Case(
        evidence,
        told.names,
        told.domains,
        gold,
        intents,
        gold != tags.get("open"),
        int(tags["intents"]),
        tags["level"] == "domain",
    )


def cached(encoder: str, folder: Path) -> Callable[[Sequence[str]], Floats]:
    """An encoder of single texts that keeps what it has seen; tfidf-svd looks at all texts at once, and is not kept."""
    if encoder == "tfidf-svd":
        return lambda texts: ENCODERS[encoder](texts, "cpu")
    file = folder / f"{encoder}.npz"
    known: dict[str, Floats] = {}
    if file.exists():
        kept = np.load(file)
        known = dict(zip(kept["keys"].tolist(), kept["rows"], strict=True))

    def embed(texts: Sequence[str]) -> Floats:
        keys = [hashlib.sha256(text.encode()).hexdigest()[:16] for text in texts]
        new = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
        if new:
            rows = ENCODERS[encoder](list(new.values()), "cpu").astype(np.float32)
            known.update(zip(new, rows, strict=True))
            np.savez(file, keys=np.array(list(known)), rows=np.array(list(known.values())))
        return np.array([known[key] for key in keys], np.float64)

    return embed


# --- variants ---


def variants(found: Case, encoder: str) -> Mapping[str, Callable[[], Ints]]:
    """What is compared: for each name what gives the label of each asked vector, known classes first."""
    evidence = found.evidence.centred()
    detection = detector.detect(evidence)
    known, default = evidence.known, TRANSFER[encoder]
    counted = cache(lambda: counting.count(evidence, detection))
    space = cache(lambda transfer: evidence.mapped(TRANSFERS[transfer](evidence, "cpu")))

    def into(classes: int) -> Ints:
        return pipeline.cluster(space(default), detection, min(max(classes, known + 1), known + len(evidence.asked)))

    def with_transfer(name: str) -> Ints:
        return pipeline.cluster(space(name), detection, counted().classes)

    def alone(by_shares: float | None, by_pairs: float | None) -> Ints:
        return into(counting.combined(by_shares, by_pairs, known, len(evidence.asked)).classes)

    def blind(method: str, count: str) -> Ints:
        settings = baselines.Settings(method, count=count)
        return known + baselines.group(found.evidence.asked, settings, str(found.classes))

    return {
        "advin": lambda: pipeline.find(found.evidence, Settings(transfer=default)).labels,
        **{f"transfer: {name}": partial(with_transfer, name) for name in TRANSFERS},
        "count by shares": lambda: alone(counted().shares, None),
        "count by pairs": lambda: alone(None, counted().pairs),
        "count by recovery": lambda: into(tried.recovery(evidence)),
        "count by silhouette": lambda: into(tried.silhouette(evidence)),
        "count given": lambda: into(found.classes),
        "average linkage, threshold of the known": lambda: known + tried.average_linkage(found.evidence),
        "ward of all, count of advin": lambda: (
            known + clustering.cut(clustering.ward(evidence.asked), counted().classes)
        ),
        **{name: partial(blind, *settings) for name, settings in BLIND.items()},
    }


def runs(found: Case, encoder: str, *, is_first: bool) -> Mapping[str, Callable[[], NDArray[np.str_]]]:
    """All variants for a test set, as functions that label its asked texts; blind baselines for the first one only."""
    if found.is_domain:
        return domain_variants(found, encoder)
    several = {name: run for name, run in variants(found, encoder).items() if is_first or name not in BLIND}
    return {name: partial(_labelled, found, run) for name, run in several.items()}


def _labelled(found: Case, run: Callable[[], Ints]) -> NDArray[np.str_]:
    labels = run()
    return np.array([*found.known, *(f"novel-{number}" for number in range(int(labels.max()) + 1))])[labels]


def domain_variants(found: Case, encoder: str) -> Mapping[str, Callable[[], NDArray[np.str_]]]:
    """Stage 3: for each name what gives the domain of each asked text."""

    def whole() -> NDArray[np.str_]:
        labels = pipeline.find(found.evidence, Settings(transfer=TRANSFER[encoder])).labels
        return _named(found, labels)

    def on_gold() -> NDArray[np.str_]:
        """The intents are given: their domains alone are to be found. Known ones are told."""
        inside = found.scored
        intents, labels = np.unique(found.intents[inside], return_inverse=True)
        asked = found.evidence.centred().asked[inside]
        told = dict(zip(found.names, found.domains, strict=True))
        names, _ = domains.group(
            directions(asked, labels, len(intents)), [told.get(intent) for intent in intents.tolist()]
        )
        answers = np.full(len(inside), "outside", dtype=object)
        answers[inside] = np.array(names)[labels]
        return answers.astype(str)

    return {"advin, domains": whole, "domains of the true intents": on_gold}


def _named(found: Case, labels: Ints) -> NDArray[np.str_]:
    told = corpus.Corpus([], np.zeros(0, np.int64), found.names, found.domains)
    return np.array(pipeline.named(told, found.evidence, labels, "domain"))[labels]


# --- judging ---


def judge(found: Case, said: NDArray[np.str_]) -> dict[str, float]:
    """Clustering of what is scored, detection of all; in percent, but for counts."""
    gold, scored, known = found.gold, found.scored, found.known
    inside, answers = gold[scored], said[scored]
    novel = ~np.isin(inside, known)
    is_known, is_said = np.isin(gold, known), np.isin(said, known)
    names = [*known, ""]
    true, named = np.where(is_known, gold, ""), np.where(is_said, said, "")
    f1s = f1_score(true, named, labels=names, average=None, zero_division=0)
    count = len(np.unique(answers))
    return {
        "acc": 100 * _accuracy(inside, answers),
        "ari": 100 * adjusted_rand_score(inside, answers),
        "nmi": 100 * normalized_mutual_info_score(inside, answers),
        "k": count,
        "k_ratio": count / len(np.unique(inside)),
        "novel_acc": 100 * _accuracy(inside[novel], answers[novel], ~np.isin(answers[novel], known)),
        "f1_known": 100 * float(np.mean(f1s[:-1])),
        "f1_open": 100 * float(f1s[-1]),
        "detection": 100 * float((true == named).mean()),
    }


def _accuracy(gold: NDArray[np.str_], said: NDArray[np.str_], counts: NDArray[np.bool_] | None = None) -> float:
    """The share that is right if clusters and classes are matched one to one; what does not count matches nothing."""
    kept = np.ones(len(gold), bool) if counts is None else counts
    if not kept.any():
        return 0.0
    classes, clusters = (np.unique(labels[kept], return_inverse=True)[1] for labels in (gold, said))
    table = np.zeros((clusters.max() + 1, classes.max() + 1))
    np.add.at(table, (clusters, classes), 1)
    return float(table[linear_sum_assignment(table, maximize=True)].sum()) / len(gold)


def results(options: argparse.Namespace, encoder: str, name: str) -> Sequence[dict[str, Any]]:
    """The results of all variants on one test set; what the cache holds is not computed again."""
    file = options.cache / f"{name}.{encoder}.json"
    kept: dict[str, dict[str, float]] = json.loads(file.read_text("utf-8")) if file.exists() else {}
    if not options.print_only:
        found = case(options.workspace, name, cached(encoder, options.cache))
        for variant, run in runs(found, encoder, is_first=ONCE in name).items():
            if variant in kept or not _wanted(variant, options.variant):
                continue
            start = time.perf_counter()
            said = run()
            seconds = time.perf_counter() - start
            kept[variant] = {**judge(found, said), "seconds": seconds}
            if found.is_domain:
                alone = replace(found, scored=found.scored & ~np.isin(found.gold, found.known))
                kept[f"{variant}, new ones only"] = {**judge(alone, said), "seconds": seconds}
            shown = f"{name}, {encoder}, {variant}: ACC {kept[variant]['acc']:.2f}, K {kept[variant]['k']}"
            print(shown, file=sys.stderr)  # noqa: T201 - a script prints
            file.write_text(json.dumps(kept, indent=1), "utf-8")
    return [{"variant": variant, **values} for variant, values in kept.items() if _wanted(variant, options.variant)]


def _wanted(variant: str, wanted: Sequence[str]) -> bool:
    return not wanted or variant in wanted


# --- printing ---


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Means over seeds, one line per variant; beside the mean K its smallest and largest ratio to the truth."""
    groups: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows:
        groups[row["variant"]].append(row)
    lines = [
        "| variant | ACC | ARI | NMI | K | K / truth | novel ACC | F1-known | F1-open | accuracy | s |",
        "|" + "---|" * 11,
    ]
    for variant, found in groups.items():
        mean = {key: float(np.mean([row[key] for row in found])) for key in COLUMNS}
        ratios = [row["k_ratio"] for row in found]
        spread = f"{mean['k_ratio']:.2f} ({min(ratios):.2f}-{max(ratios):.2f})"
        values = [f"{mean[key]:.2f}" for key in ("acc", "ari", "nmi")]
        detected = [f"{mean[key]:.2f}" for key in ("novel_acc", "f1_known", "f1_open", "detection")]
        cells = [variant, *values, f"{mean['k']:.1f}", spread, *detected, f"{mean['seconds']:.1f}"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    """Compute what is missing, and print one table per dataset, encoder and ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workspace", type=Path)
    parser.add_argument("cache", type=Path)
    parser.add_argument("--dataset", action="append", choices=DATASETS, help="default: all")
    parser.add_argument("--encoder", action="append", choices=ENCODERS, help="default: all")
    parser.add_argument("--ratio", action="append", type=int, choices=RATIOS, help="default: all")
    parser.add_argument("--seed", action="append", type=int, choices=SEEDS, help="default: all")
    parser.add_argument("--variant", action="append", default=[], help="default: all")
    parser.add_argument("--print-only", action="store_true", help="only what the cache holds")
    options = parser.parse_args()
    options.cache.mkdir(parents=True, exist_ok=True)
    for dataset in options.dataset or DATASETS:
        for encoder in options.encoder or ENCODERS:
            for ratio in options.ratio or RATIOS:
                names = [f"{dataset}-kir{ratio}-seed{seed}" for seed in options.seed or SEEDS]
                try:
                    rows = [row for name in names for row in results(options, encoder, name)]
                except (OSError, ImportError) as error:
                    parser.error(str(error))
                title = f"{dataset}, {encoder}, {ratio} % known"
                print(f"\n### {title}\n\n{table(rows)}", flush=True)  # noqa: T201 - as above


if __name__ == "__main__":
    main()
