"""The files beside the pages: whole, described by their schema, summed, and harmless in a spreadsheet."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import math

import msgspec
import pytest

from harness import canonical
from harness.records import Result
from harness.site import downloads, publish
from harness.tables import RESULTS

FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"]


@pytest.fixture
def site(build, make):
    values = {"alpha": 0.7123456789012345, "beta": 0.5}
    return build(
        *(make.result(system, value) for system, value in values.items()),
        make.result("beta", None, test_set="en-fr"),
        make.reference(),
        comparisons=[make.comparison(values)],
        derived=[make.derived("bleu", {"en-de": 1, "en-fr": -1}, {"alpha": None, "beta": 0.25})],
        timings=[make.timing(), make.timing(test_set="en-fr", system="beta")],
        absent=[("terminology", "en-fr", "alpha")],
    )


def read(path, kind=None):
    return json.loads(path.read_bytes()) if kind is None else msgspec.json.decode(path.read_bytes(), type=kind)


def test_a_test_set_has_all_its_records(site):
    found = read(site / "data/terminology/en-de.json", downloads.TestSetFile)
    assert [one.system for one in found.results] == ["@reference", "alpha", "beta"]
    assert [len(part) for part in (found.comparisons, found.timings, found.absent)] == [1, 1, 0]
    assert len(read(site / "data/terminology/en-fr.json", downloads.TestSetFile).absent) == 1


def test_everything_is_in_one_file(site):
    found = read(site / "data/all.json", downloads.Everything)
    parts = (found.results, found.comparisons, found.derived, found.timings, found.absent)
    assert [len(part) for part in parts] == [4, 1, 1, 2, 1]


def test_a_record_is_the_one_that_its_digest_names(site, make):
    named = {entry["id"]: entry["system"] for entry in read(site / "changes.json") if entry["test_set"] == "en-de"}
    for record in read(site / "data/terminology/en-de.json")["results"]:
        assert named[canonical.digest(canonical.encode(record))] == record["system"]
        assert msgspec.convert(record, Result) == msgspec.json.decode(json.dumps(record).encode(), type=Result)


def test_the_table_has_full_precision_and_no_zero_for_what_is_missing(site):
    rows = list(csv.DictReader(io.StringIO((site / "data/terminology/en-de.csv").read_text("utf-8"))))
    assert tuple(rows[0]) == downloads.COLUMNS
    assert set(RESULTS) < set(rows[0])
    (alpha,) = (row for row in rows if (row["system"], row["metric"]) == ("alpha", "term_success"))
    assert float(alpha["value"]) == 0.7123456789012345
    missing = csv.DictReader(io.StringIO((site / "data/terminology/en-fr.csv").read_text("utf-8")))
    assert [row["value"] for row in missing] == ["", "31.25"]


@pytest.mark.parametrize("text", FORMULAS)
def test_no_text_is_a_formula_and_numbers_stay_numbers(build, make, text):
    scores = [make.score(value=-0.25, best="zero")]
    site = build(make.result(name=text, team=text, scores=scores))
    with (site / "data/terminology/en-de.csv").open(encoding="utf-8", newline="") as stream:
        (row,) = csv.DictReader(stream)
    assert (row["name"], row["team"]) == (f"'{text}", f"'{text}")
    assert float(row["value"]) == -0.25


def test_every_file_is_what_its_schema_says(site):
    schema = read(site / "data/schema.json")
    for place, name in (
        ("all", "Everything"),
        ("terminology/en-de", "TestSetFile"),
        ("terminology/en-fr", "TestSetFile"),
    ):
        check(read(site / f"data/{place}.json"), schema["$defs"][name], schema["$defs"])
    for entry in read(site / "changes.json"):
        check(entry, schema["$defs"]["Entry"], schema["$defs"])


def test_the_schema_refuses_what_is_none(site):
    schema = read(site / "data/schema.json")
    found = read(site / "data/all.json")
    found["results"][0]["segments"] = "many"
    with pytest.raises(AssertionError):
        check(found, schema["$defs"]["Everything"], schema["$defs"])


def check(value, schema, parts):
    """As much of JSON Schema as our own schemas use."""
    if "$ref" in schema:
        check(value, parts[schema["$ref"].rpartition("/")[2]], parts)
        return
    if "anyOf" in schema:
        assert any(fits(value, one, parts) for one in schema["anyOf"]), value
    assert value in schema.get("enum", [value])
    kinds = {
        "object": dict,
        "array": list,
        "string": str,
        "integer": int,
        "number": (int, float),
        "boolean": bool,
        "null": type(None),
    }
    if "type" in schema:
        assert isinstance(value, kinds[schema["type"]]), (value, schema)
        assert not (schema["type"] == "number" and math.isnan(value))
    if isinstance(value, dict):
        assert set(schema.get("required", ())) <= set(value)
        for key, item in value.items():
            known = schema.get("properties", {}).get(key, schema.get("additionalProperties", True))
            assert known is not False, key
            if isinstance(known, dict):
                check(item, known, parts)
    if isinstance(value, list) and isinstance(schema.get("items"), dict):
        for item in value:
            check(item, schema["items"], parts)


def fits(value, schema, parts):
    try:
        check(value, schema, parts)
    except AssertionError:
        return False
    return True


def test_the_sums_cover_every_file_for_readers(site):
    lines = (site / publish.SUMS).read_text("utf-8").splitlines()
    sums = {place: digest for digest, _, place in (line.partition("  ") for line in lines)}
    files = {path.relative_to(site).as_posix(): path for path in site.rglob("*") if path.is_file()}
    assert set(sums) == set(files) - {publish.SUMS, ".lock", ".inputs.json"}
    assert all(hashlib.sha256(files[place].read_bytes()).hexdigest() == digest for place, digest in sums.items())


def test_the_page_leads_to_every_file(site, parse):
    links = set(parse(site / "downloads.html").values("href", "a"))
    files = {path.relative_to(site).as_posix() for path in site.rglob("*") if path.suffix in {".json", ".csv", ".xml"}}
    assert files - {".inputs.json"} <= links
    assert {"SHA256SUMS", "cite.bib"} <= links
    assert "Nothing is signed" in parse(site / "downloads.html").text


def test_two_states_have_two_names(build, make, parse):
    names = []
    for value in (0.5, 0.6):
        text = parse(build(make.result("alpha", value)) / "downloads.html").inside("code")
        names += [word for word in text if len(word) == 64]
    assert len(set(names)) == len(names) == 2
