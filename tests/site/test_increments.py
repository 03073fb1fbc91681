"""A site that was brought up to date equals one that is made anew, whatever has changed."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import replace

import msgspec
import pytest

from harness.records import Flag
from harness.site import pages, publish
from harness.site.site import Meaning, Records

SETS = ("en-de", "en-fr")
VALUES = {"alpha": 0.9, "beta": 0.8, "gamma": 0.7}


def records(make, folder) -> Records:
    """Everything that a site can show, a little of each."""
    return Records(
        results=[make.result(one, value, test_set=name) for name in SETS for one, value in VALUES.items()],
        absent=[("terminology", "en-de", "late")],
        comparisons=[make.comparison(VALUES, test_set=name) for name in SETS],
        derived=[make.derived("term_success", dict.fromkeys(SETS, 0.5), VALUES)],
        timings=[make.timing(one, 10.0 * n) for n, one in enumerate(VALUES, 1)],
        segments={("terminology", "en-de", one): make.segments(folder, [make.segment(1)], one) for one in VALUES},
        metrics={("terminology", "bleu"): Meaning("BLEU", "n-grams", "Papineni")},
    )


def with_first(found, kind, /, **facts):
    """Records in which the first of a kind is another."""
    first, *rest = getattr(found, kind)
    return replace(found, **{kind: [msgspec.structs.replace(first, **facts), *rest]})


CHANGES = {
    "a score": lambda found, make: with_first(found, "results", scores=make.scores(0.95)),
    "a name": lambda found, _: with_first(found, "results", name="Omega"),
    "a kind": lambda found, _: with_first(found, "results", kind="baseline"),
    "a notice": lambda found, _: with_first(found, "results", notices={"N016": 3}),
    "a title": lambda found, _: with_first(found, "results", title="Another test set"),
    "a version": lambda found, make: with_first(found, "results", provenance=make.provenance({"numpy": "3.0"})),
    "no system": lambda found, _: replace(found, results=[one for one in found.results if one.system != "beta"]),
    "a further system": lambda found, make: replace(found, results=[*found.results, make.result("delta", 0.1)]),
    "a further test set": lambda found, make: replace(found, results=[*found.results, make.result(test_set="en-es")]),
    "a further task": lambda found, make: replace(found, results=[*found.results, make.result(task="gender")]),
    "nothing missing": lambda found, _: replace(found, absent=[]),
    "a cluster": lambda found, make: replace(found, comparisons=[make.comparison({**VALUES, "beta": 0.9})]),
    "no comparison": lambda found, _: replace(found, comparisons=[]),
    "an average": lambda found, _: with_first(found, "derived", weights=dict(zip(SETS, (0.25, 0.75), strict=True))),
    "no average": lambda found, _: replace(found, derived=[]),
    "a void timing": lambda found, _: with_first(
        found, "timings", flags=[Flag(name="noise", detail="much", voids=True)]
    ),
    "a machine": lambda found, _: with_first(found, "timings", machine={"cpu": "Another"}),
    "no timing": lambda found, _: replace(found, timings=[]),
    "no segments": lambda found, _: replace(found, segments={}),
    "a meaning": lambda found, _: replace(found, metrics={}),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_mended_site_equals_a_new_one(tmp_path, make, change):
    before = records(make, tmp_path)
    after = change(before, make)
    pages.build(before, tmp_path / "mended", tmp_path / "none")
    assert pages.build(before, tmp_path / "mended", tmp_path / "none") == []
    (tmp_path / "new").mkdir()
    shutil.copyfile(tmp_path / "mended/changes.json", tmp_path / "new/changes.json")  # what was there first is history
    assert pages.build(after, tmp_path / "mended", tmp_path / "none") != []
    pages.build(after, tmp_path / "new", tmp_path / "none")
    assert contents(tmp_path / "mended") == contents(tmp_path / "new")


def test_segments_that_change_are_shown(tmp_path, make):
    before = records(make, tmp_path)
    paths = dict.fromkeys(before.segments, make.segments(tmp_path, [make.segment(1, 0.0)], "alpha"))
    pages.build(before, tmp_path / "mended", tmp_path / "none")
    pages.build(replace(before, segments=paths), tmp_path / "mended", tmp_path / "none")
    pages.build(replace(before, segments=paths), tmp_path / "new", tmp_path / "none")
    assert contents(tmp_path / "mended") == contents(tmp_path / "new")


def contents(folder):
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    return {place: path.read_bytes() for place, path in sorted(found.items()) if place != ".lock"}


def test_files_that_no_longer_belong_are_removed_and_foreign_ones_are_kept(tmp_path, make):
    site = tmp_path / "site"
    pages.build(records(make, tmp_path), site, tmp_path / "none")
    (mine,) = {path.parent for path in site.rglob("pairs/*.csv")}
    (mine / "notes.csv").write_text("a,b", "utf-8")
    (tmp_path / "outside.csv").write_text("a,b", "utf-8")
    sums = site / publish.SUMS
    forged = f"{hashlib.sha256(b'a,b').hexdigest()}  ../outside.csv\n{hashlib.sha256(b'old').hexdigest()}  notes.txt\n"
    sums.write_text(sums.read_text("utf-8") + forged, "utf-8")
    (site / "notes.txt").write_text("mine now", "utf-8")
    pages.build(Records(results=[]), site, tmp_path / "none")
    assert [path.name for path in site.rglob("*.csv")] == ["notes.csv"]
    assert (tmp_path / "outside.csv").exists()
    assert (site / "notes.txt").exists()
    assert not list(site.glob("data/*/*.json"))
