"""The store: a record is there completely or not at all, under the sha256 of its bytes."""

from __future__ import annotations

import errno
import hashlib
import json
import multiprocessing
import os
import time

import pytest

from harness.errors import EnvironmentFault, IntegrityError
from harness.records import SCHEMA, Interval, Provenance, Result, Score
from harness.store import results_in


def result(system="alpha", value=0.5):
    score = Score(
        metric="accuracy",
        value=value,
        unit="fraction",
        n=4,
        signature="v1",
        method="none",
        interval=Interval(lo=0.0, hi=1.0),
    )
    provenance = Provenance(
        gold="g", manifest="m", outputs="o", task_version="1", harness="0", python="3", packages={"numpy": "2"}
    )
    facts = {"schema": SCHEMA, "task": "toy", "test_set": "dev", "collection": "dev", "system": system, "name": system}
    facts |= {"team": "us", "kind": "primary", "segments": 4, "scores": [score], "notices": {}, "tags": {}}
    return Result(**facts, provenance=provenance, primary="accuracy")


@pytest.fixture
def store(tmp_path):
    return results_in(tmp_path / "results" / "records")


def files(store):
    return sorted(path for path in store.folder.rglob("*") if path.is_file())


def test_a_record_is_named_by_its_sha256(store):
    (path,) = store.put([result()])
    assert path == store.folder / "toy" / "dev" / f"{hashlib.sha256(path.read_bytes()).hexdigest()}.json"


def test_a_record_reads_back_equal(store):
    (path,) = store.put([result()])
    assert store.read(path) == result()
    assert list(store.records()) == [result()]


def test_storing_twice_writes_once(store):
    (first,) = store.put([result()])
    before = first.stat()
    (second,) = store.put([result()])
    assert (second, files(store)) == (first, [first])
    assert (second.stat().st_ino, second.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_different_records_lie_side_by_side(store):
    paths = store.put([result("alpha"), result("beta"), result("alpha")])
    assert sorted(set(paths)) == files(store)
    assert len(files(store)) == 2


def test_an_empty_store_has_no_results(store):
    assert (store.paths(), list(store.records()), store.put([])) == ([], [], [])


def test_a_record_is_readable_by_others(store):
    (path,) = store.put([result()])
    assert path.stat().st_mode & 0o777 == 0o644


def test_every_flipped_byte_is_detected(store):
    (path,) = store.put([result()])
    content = path.read_bytes()
    for position in range(len(content)):
        path.write_bytes(content[:position] + bytes([content[position] ^ 1]) + content[position + 1 :])
        with pytest.raises(IntegrityError, match="R010"):
            store.read(path)


@pytest.mark.parametrize("length", [0, 1, -1])
def test_a_truncated_record_is_detected(store, length):
    (path,) = store.put([result()])
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(IntegrityError, match="R010"):
        list(store.records())


def rename_to_hash(path, content):
    """Write `content` as somebody who knows the rule for names would."""
    named = path.with_name(f"{hashlib.sha256(content).hexdigest()}.json")
    named.write_bytes(content)
    return named


def spaced(table):
    return json.dumps(table).encode()


def compact(table):
    return json.dumps(table, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


@pytest.mark.parametrize(
    "rewrite",
    [
        pytest.param(spaced, id="white space"),
        pytest.param(lambda table: compact(table) + b"\n", id="final line feed"),
        pytest.param(lambda table: compact(table).replace(b"0.5", b"0.50"), id="longer number"),
        pytest.param(lambda table: compact(table).replace(b"alpha", b"alph\\u0061"), id="needless escape"),
    ],
)
def test_the_same_facts_in_other_bytes_are_no_record(store, rewrite):
    (path,) = store.put([result()])
    table = json.loads(path.read_bytes())
    named = rename_to_hash(path, rewrite(table))
    assert named != path
    assert store.read(named) == result(), "reading is fast and checks the name only"
    with pytest.raises(IntegrityError, match=r"R011.*not canonical"):
        store.verify(named)


def test_a_record_in_the_folder_of_another_test_set_is_misplaced(store):
    (path,) = store.put([result()])
    store.verify(path)
    moved = store.folder / "toy" / "other" / path.name
    moved.parent.mkdir()
    path.rename(moved)
    with pytest.raises(IntegrityError, match=r"R011.*another test set"):
        store.verify(moved)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"{}", id="missing keys"),
        pytest.param(b"[1]", id="another shape"),
        pytest.param(b"\xff\xfe", id="not UTF-8"),
        pytest.param(b"{" * 2000, id="deep"),
    ],
)
def test_other_content_is_no_record(store, content):
    (path,) = store.put([result()])
    with pytest.raises(IntegrityError, match="R011"):
        store.read(rename_to_hash(path, content))


def test_an_unknown_key_is_no_record(store):
    (path,) = store.put([result()])
    content = compact({**json.loads(path.read_bytes()), "zzz": 1})
    with pytest.raises(IntegrityError, match=r"R011.*zzz"):
        store.read(rename_to_hash(path, content))


# --- the machine refuses ---


@pytest.mark.parametrize("call", ["link", "fsync"])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
def test_a_failing_disk_is_reported_and_leaves_nothing_half_written(store, monkeypatch, call, number):
    (kept,) = store.put([result("kept")])

    def fail(*_, **__):
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(os, call, fail)
        with pytest.raises(EnvironmentFault, match="E010") as caught:
            store.put([result("new")])
    assert os.strerror(number) in str(caught.value)
    assert files(store) == [kept]
    assert len(store.put([result("new")])) == 1, "once there is space it is stored"
    assert len(list(store.records())) == 2


def test_a_disk_that_fills_up_keeps_what_was_linked(store, monkeypatch):
    link, calls = os.link, []

    def second_fails(source, target, **facts):
        calls.append(target)
        if len(calls) == 2:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        link(source, target, **facts)

    monkeypatch.setattr(os, "link", second_fails)
    with pytest.raises(EnvironmentFault, match="E010"):
        store.put([result("first"), result("second")])
    assert [record.system for record in store.records()] == ["first"]
    assert len(files(store)) == 1


def test_a_file_where_a_folder_should_be_is_an_environment_fault(store):
    store.folder.parent.mkdir(parents=True)
    store.folder.write_text("in the way")
    with pytest.raises(EnvironmentFault, match="E010"):
        store.put([result()])


def test_content_is_flushed_before_it_is_named_and_the_folder_after(store, monkeypatch):
    calls = []
    fsync, link = os.fsync, os.link

    def flushed(descriptor):
        calls.append("folder" if os.path.isdir(f"/proc/self/fd/{descriptor}") else "file")  # noqa: PTH112
        fsync(descriptor)

    def linked(source, target, **facts):
        calls.append("link")
        link(source, target, **facts)

    store.put([result("makes the folders")])
    monkeypatch.setattr(os, "fsync", flushed)
    monkeypatch.setattr(os, "link", linked)
    store.put([result("a"), result("b")])
    assert calls == ["file", "link", "file", "link", "folder"]


# --- what killed writers leave ---


def leave_temporary(store, age):
    """A temporary file as a killed writer leaves it, `age` seconds old."""
    (path,) = store.put([result("earlier")])
    left = path.with_name(".tmp-left")
    left.write_bytes(b'{"half')
    os.utime(left, (time.time() - age,) * 2)
    return left


def test_old_temporaries_are_swept_by_the_next_writer(store):
    left = leave_temporary(store, age=2 * 3600)
    store.put([result("next")])
    assert not left.exists()


def test_young_temporaries_may_still_be_in_use(store):
    left = leave_temporary(store, age=60)
    store.put([result("next")])
    assert left.exists()


def test_temporaries_are_no_records(store):
    leave_temporary(store, age=0)
    assert [record.system for record in store.records()] == ["earlier"]


# --- several writers ---

WRITERS, SHARED, OWN = 4, 25, 25


def write_many(folder, writer, barrier):
    store = results_in(folder)
    barrier.wait()
    for number in range(max(SHARED, OWN)):
        store.put([result(f"shared-{number}"), result(f"own-{writer}-{number}")])


def test_concurrent_writers_lose_and_duplicate_nothing(store):
    context = multiprocessing.get_context("fork")
    barrier = context.Barrier(WRITERS)
    writers = [context.Process(target=write_many, args=(store.folder, n, barrier)) for n in range(WRITERS)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    assert [writer.exitcode for writer in writers] == [0] * WRITERS
    found = sorted(record.system for record in store.records())
    expected = [f"shared-{n}" for n in range(SHARED)]
    expected += [f"own-{writer}-{n}" for writer in range(WRITERS) for n in range(OWN)]
    assert found == sorted(expected)
    assert len(files(store)) == len(expected), "no temporary is left"
