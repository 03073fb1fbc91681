"""Segments: what one system said and scored on every segment."""

from __future__ import annotations

import json
import os

import pytest

from harness import segments
from harness.store import results_in

from . import toys


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = toys.workspace(tmp_path_factory.mktemp("segments"), test_sets=("dev",))
    assert toys.run("score", "--workspace", folder).returncode == 0
    return folder


def found_in(root, system):
    (result,) = [record for record in results_in(root / "results" / "records").records() if record.system == system]
    return result, segments.read(segments.path_of(result, root / "results" / "segments"))


def test_every_result_has_its_segments(root):
    assert len(list((root / "results" / "segments").rglob("*.json"))) == 3
    for system in ("good", "half", "@reference"):
        result, found = found_in(root, system)
        assert (found.system, found.task, found.test_set) == (system, "toy", "dev")
        assert (found.gold, found.outputs) == (result.provenance.gold, result.provenance.outputs)


def test_a_segment_holds_texts_and_values(root):
    _, found = found_in(root, "half")
    assert found.metrics == ["accuracy"]
    assert [row.values for row in found.rows] == [[1.0], [1.0], [0.0], [0.0]]
    (said,) = found.rows[2].said
    assert (said.id, said.source, said.references, said.output) == ("3", "three", ["THREE"], "?")
    assert found.rows[2].evidence == []


def test_their_mean_is_the_score_where_the_metric_is_a_mean(root):
    for system in ("good", "half"):
        result, found = found_in(root, system)
        values = [row.values[0] for row in found.rows]
        assert sum(values) / len(values) == result.scores[0].value


def test_what_was_deleted_is_written_again_with_the_same_bytes(root):
    result, _ = found_in(root, "half")
    path = segments.path_of(result, root / "results" / "segments")
    before = path.read_bytes()
    path.unlink()
    assert toys.run("score", "--workspace", root).returncode == 0
    assert path.read_bytes() == before


def test_scoring_again_touches_none(root):
    before = {path: os.stat(path).st_mtime_ns for path in (root / "results").rglob("*.json")}  # noqa: PTH116 - as elsewhere
    assert toys.run("score", "--workspace", root).returncode == 0
    assert {path: os.stat(path).st_mtime_ns for path in (root / "results").rglob("*.json")} == before  # noqa: PTH116


def test_evidence_and_unanswered_requests_are_there(repository, tmp_path):
    """The bundled clustering that answers 36 of 240 utterances."""
    source = repository / "submissions" / "intent-discovery" / "confident-only"
    for path in source.rglob("*.*"):
        toys.write(
            tmp_path / "submissions" / "intent-discovery" / "confident-only" / path.relative_to(source),
            path.read_text("utf-8"),
        )
    assert toys.run("score", "--workspace", tmp_path).returncode == 0
    _, found = found_in(tmp_path, "confident-only")
    silent = [row for row in found.rows if row.said[0].output is None]
    assert len(silent) == 204
    assert {span.verdict for row in silent for span in row.evidence} == {"unanswered"}
    assert {span.verdict for row in found.rows for span in row.evidence} == {"right", "wrong", "unanswered"}
    assert found.metrics == []
    assert {row.block for row in found.rows} == {row.id.partition("-")[0] for row in found.rows}


def test_tokens_are_lists(repository, tmp_path):
    source = repository / "submissions" / "text-normalization" / "rules"
    for name in ("submission.toml", "outputs/starter-en-test.jsonl"):
        toys.write(tmp_path / "submissions" / "text-normalization" / "rules" / name, (source / name).read_text("utf-8"))
    assert toys.run("score", "--workspace", tmp_path).returncode == 0
    _, found = found_in(tmp_path, "rules")
    row = found.rows[0]
    assert len(row.said[0].output) == len(row.said[0].source) == len(row.said[0].references[0])
    assert any(span.token is not None for row in found.rows for span in row.evidence)
    json.dumps(row.said[0].output)
