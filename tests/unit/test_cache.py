"""The cache of statistics gives back what was put in, or nothing: it never fails and never lies."""

from __future__ import annotations

import errno
import io
import os
import zipfile

import numpy as np
import pytest
from scipy.sparse import coo_array, csc_array, csr_array, csr_matrix

from harness.api import Statistics
from harness.cache import StatisticsCache

from . import toys

KEY = (("result/1", "toy"), "dev", "alpha", ("gold", "manifest", "outputs"), frozenset({("accuracy", "v1", "none")}))
ROWS = np.array([[1, 1], [0, 1], [2, 3]], dtype=np.int64)
HITS = Statistics(("hits", "segments"), ROWS)
CELLS = Statistics((("refund", "1"), ("refund", "2"), ("cancel", "1")), csr_array(np.array([[1, 0, 0], [0, 0, 2]])))


@pytest.fixture
def cache(tmp_path):
    return StatisticsCache(tmp_path / ".harness" / "statistics")


def file_of(cache):
    (path,) = (path for path in cache.folder.rglob("*") if path.is_file())
    return path


def dense(found):
    return found.rows.toarray() if hasattr(found.rows, "toarray") else found.rows


def equal(found, expected):
    """Whether statistics are the same: names, numbers, and the type of the numbers."""
    one, other = dense(found), dense(expected)
    return found.columns == expected.columns and one.dtype == other.dtype and np.array_equal(one, other)


# --- what was put in comes out ---


def test_what_was_never_put_in_is_a_miss(cache):
    assert cache.get(KEY) is None
    assert not cache.folder.exists(), "looking writes nothing"


@pytest.mark.parametrize(
    "rows",
    [
        ROWS,
        ROWS.astype(np.float64) / 3,
        ROWS.astype(np.int8),
        ROWS.astype(bool),
        np.asfortranarray(ROWS),
        ROWS[::-1],
        ROWS[:0],
        np.array([[2**53 + 1, -1]]),
    ],
    ids=["int64", "float64", "int8", "bool", "by column", "a view", "no segment", "beyond float64"],
)
def test_dense_rows_come_out_equal(cache, rows):
    expected = Statistics(("hits", "segments"), rows)
    cache.put(KEY, {"accuracy": expected})
    found = cache.get(KEY)
    assert list(found) == ["accuracy"]
    assert equal(found["accuracy"], expected)


@pytest.mark.parametrize("kind", [csr_array, csc_array, coo_array, csr_matrix])
@pytest.mark.parametrize("dtype", [np.int64, np.float64])
def test_sparse_rows_come_out_equal_and_sparse(cache, kind, dtype):
    rows = np.array([[0, 3, 0], [0, 0, 0], [1, 0, 2], [0, 0, 0]], dtype=dtype)
    expected = Statistics(("a", "b", "c"), kind(rows))
    cache.put(KEY, {"acc": expected})
    found = cache.get(KEY)["acc"]
    assert hasattr(found.rows, "tocsr")
    assert found.rows.shape == (4, 3)
    assert equal(found, expected)


def test_columns_may_be_tuples_of_words_and_stay_tuples(cache):
    cache.put(KEY, {"acc": CELLS})
    assert cache.get(KEY)["acc"].columns == (("refund", "1"), ("refund", "2"), ("cancel", "1"))


@pytest.mark.parametrize("name", ["Ünïcödé 😀", "", "a\x00", "\x00", "line\nfeed", '"', "\ud800"])
def test_columns_may_have_any_name(cache, name):
    expected = Statistics((name, (name, name)), ROWS)
    cache.put(KEY, {name: expected})
    found = cache.get(KEY)
    assert list(found) == [name]
    assert equal(found[name], expected)


def test_statistics_without_columns_come_out_equal(cache):
    expected = {"none": Statistics((), np.zeros((3, 0), np.int64)), "sparse": Statistics((), csr_array((3, 0)))}
    cache.put(KEY, expected)
    found = cache.get(KEY)
    assert {name: item.rows.shape for name, item in found.items()} == {"none": (3, 0), "sparse": (3, 0)}


def test_a_cell_in_which_every_metric_failed_is_known(cache):
    cache.put(KEY, {})
    assert cache.get(KEY) == {}


def test_what_metrics_share_stays_shared(cache):
    cache.put(KEY, {"accuracy": HITS, "errors": HITS, "acc": CELLS, "other": Statistics(HITS.columns, ROWS.copy())})
    found = cache.get(KEY)
    assert list(found) == ["accuracy", "errors", "acc", "other"]
    assert found["accuracy"] is found["errors"]
    assert found["accuracy"] is not found["other"]
    assert equal(found["accuracy"], HITS)
    assert equal(found["acc"], CELLS)
    assert equal(found["other"], HITS)


def test_shared_statistics_are_written_once(cache):
    rows = np.arange(20_000).reshape(10_000, 2)
    shared = Statistics(("a", "b"), rows)
    cache.put(KEY, {f"metric-{number}": shared for number in range(10)})
    assert file_of(cache).stat().st_size < 2 * rows.nbytes


def test_the_last_put_wins(cache):
    cache.put(KEY, {"accuracy": HITS, "broken": CELLS})
    cache.put(KEY, {"accuracy": Statistics(("other",), ROWS[:, :1])})
    assert list(cache.get(KEY)) == ["accuracy"]
    assert cache.get(KEY)["accuracy"].columns == ("other",)
    assert file_of(cache).suffix == ".npz", "and leaves no other file"


def test_another_cache_on_the_same_folder_finds_it(cache):
    cache.put(KEY, {"accuracy": HITS})
    assert equal(StatisticsCache(cache.folder).get(KEY)["accuracy"], HITS)


def test_other_processes_find_it_in_one_file(cache):
    """Sets of words have another order in every process."""
    words = tuple("abcdefghij")
    code = f"""
import numpy as np
from pathlib import Path
from harness.api import Statistics
from harness.cache import StatisticsCache

statistics = Statistics(("a",), np.ones((1, 1)))
StatisticsCache(Path({str(cache.folder)!r})).put(("k", frozenset({words!r})), {{"m": statistics}})
"""
    for seed in ("1", "2"):
        assert toys.python(code, PYTHONHASHSEED=seed).returncode == 0
    assert cache.get(("k", frozenset(words))) is not None
    assert file_of(cache).is_file()


# --- keys ---


OTHER_KEYS = [
    (("result/2", "toy"), *KEY[1:]),
    (("result/1", "yot"), *KEY[1:]),
    (KEY[0], "test", *KEY[2:]),
    (*KEY[:2], "beta", *KEY[3:]),
    (*KEY[:3], ("dlog", "manifest", "outputs"), KEY[4]),
    (*KEY[:3], ("gold", "manifest2", "outputs"), KEY[4]),
    (*KEY[:3], ("gold", "manifestoutputs", ""), KEY[4]),
    (*KEY[:4], frozenset({("accuracy", "v2", "none")})),
    (*KEY[:4], frozenset({("accuracy", "v1", "none"), ("bleu", "v1", "none")})),
    (*KEY[:4], frozenset()),
    (*KEY[:4], (("accuracy", "v1", "none"),)),
    KEY[:4],
]


def test_keys_that_differ_in_any_part_do_not_collide(cache):
    for number, key in enumerate([KEY, *OTHER_KEYS]):
        cache.put(key, {"m": Statistics(("a",), np.array([[number]]))})
    found = [int(cache.get(key)["m"].rows[0, 0]) for key in [KEY, *OTHER_KEYS]]
    assert found == list(range(len(OTHER_KEYS) + 1))


@pytest.mark.parametrize(
    ("one", "other"),
    [(("a", "b"), ("ab", "")), (("a", ("b", "c")), (("a", "b"), "c")), (("1",), (1,)), (("a, b",), ("a", "b"))],
)
def test_keys_that_look_alike_do_not_collide(cache, one, other):
    cache.put(one, {"accuracy": HITS})
    assert cache.get(other) is None


# --- files that are not what they should be ---


def stored(cache):
    cache.put(KEY, {"accuracy": HITS, "acc": CELLS})
    return file_of(cache), file_of(cache).read_bytes()


def is_miss_or_right(found):
    return found is None or (equal(found["accuracy"], HITS) and equal(found["acc"], CELLS))


def test_a_truncated_file_is_a_miss(cache):
    path, content = stored(cache)
    for length in range(len(content)):
        path.write_bytes(content[:length])
        assert cache.get(KEY) is None, f"{length} of {len(content)} bytes"


def test_a_damaged_byte_is_a_miss_or_does_no_harm(cache):
    """What names and numbers are has a checksum; a time stamp may change unnoticed."""
    path, content = stored(cache)
    misses = 0
    for place in range(0, len(content), 4):
        for flipped in (0x01, 0x80, 0xFF):
            path.write_bytes(content[:place] + bytes([content[place] ^ flipped]) + content[place + 1 :])
            found = cache.get(KEY)
            assert is_miss_or_right(found), f"byte {place} ^ {flipped}"
            misses += found is None
    assert misses > len(content) / 4


def npz(**arrays):
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return stream.getvalue()


def npy(array):
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def zipped(**members):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)
    return stream.getvalue()


def with_index(text, **arrays):
    return npz(index=np.array(text), **arrays)


GOOD_INDEX = '{"metrics": {"accuracy": 0}, "columns": [["hits", "segments"]]}'
FOREIGN = {
    "empty": b"",
    "text": b"no archive at all\n",
    "zeros": bytes(1000),
    "pickle": b"\x80\x04K\x01.",
    "one array": npy(ROWS),
    "archive without members": zipped(),
    "other arrays": npz(a=ROWS),
    "no arrays behind the index": with_index(GOOD_INDEX),
    "index is no JSON": with_index("{"),
    "index is a list": with_index("[]"),
    "index is null": with_index("null"),
    "index is a number": npz(index=np.array(7)),
    "index lacks metrics": with_index('{"columns": []}'),
    "index lacks columns": with_index('{"metrics": {}}'),
    "metrics are a list": with_index('{"metrics": [], "columns": []}'),
    "columns are a number": with_index('{"metrics": {}, "columns": 1}'),
    "columns are numbers": with_index('{"metrics": {}, "columns": [1]}'),
    "metric without rows": with_index('{"metrics": {"accuracy": 5}, "columns": []}'),
    "metric of words": with_index('{"metrics": {"accuracy": "rows"}, "columns": []}'),
    "member is no array": zipped(index=b"text"),
    "member is a huge array": zipped(
        index=npy(np.array(GOOD_INDEX)),
        **{
            "rows-0": b"\x93NUMPY\x01\x00"
            + (b"v\x00{'descr': '<i8', 'fortran_order': False, 'shape': (2, " + b"9" * 15 + b")}").ljust(120)
            + b"\n"
        },
    ),
    "objects": npz(**{"index": np.array(GOOD_INDEX), "rows-0": np.array([[{}, {}]], dtype=object)}),
    "too few columns": with_index(GOOD_INDEX, **{"rows-0": ROWS[:, :1]}),
    "no matrix": with_index(GOOD_INDEX, **{"rows-0": ROWS[0]}),
    "sparse beyond its columns": with_index(
        GOOD_INDEX, **{"data-0": np.ones(1), "indices-0": np.array([9]), "indptr-0": np.array([0, 1])}
    ),
    "sparse with nothing": with_index(
        GOOD_INDEX, **{"data-0": np.ones(0), "indices-0": np.ones(0, int), "indptr-0": np.ones(0, int)}
    ),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_a_foreign_file_is_a_miss(cache, name):
    path, _ = stored(cache)
    path.write_bytes(FOREIGN[name])
    assert cache.get(KEY) is None


def test_a_file_that_may_not_be_read_is_a_miss(cache):
    path, _ = stored(cache)
    path.unlink()
    path.mkdir()
    assert cache.get(KEY) is None


def test_a_damaged_file_is_mended_by_the_next_put(cache):
    path, content = stored(cache)
    path.write_bytes(content[: len(content) // 2])
    assert is_miss_or_right(cache.get(KEY))
    cache.put(KEY, {"accuracy": HITS, "acc": CELLS})
    found = cache.get(KEY)
    assert found is not None
    assert is_miss_or_right(found)


# --- places that cannot be written ---


def unwritable(cache):
    """A file where the folder should be: not even root can write into it."""
    cache.folder.parent.mkdir(parents=True)
    cache.folder.write_text("a file in the way")


def test_a_folder_that_cannot_be_written_is_a_miss_and_no_error(cache):
    unwritable(cache)
    cache.put(KEY, {"accuracy": HITS})
    assert cache.get(KEY) is None


@pytest.mark.parametrize("function", ["numpy.savez", "pathlib.Path.replace"])
def test_a_disk_that_is_full_is_a_miss_and_leaves_nothing_behind(cache, monkeypatch, function):
    def fails(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(function, fails)
    cache.put(KEY, {"accuracy": HITS})
    monkeypatch.undo()
    assert [path for path in cache.folder.rglob("*") if path.is_file()] == []
    assert cache.get(KEY) is None


def test_a_file_of_the_cache_may_be_read_and_replaced_at_once(cache):
    """A reader sees a whole file: the new one takes the place of the old one, which stays readable."""
    path, content = stored(cache)
    with path.open("rb") as reader:
        cache.put(KEY, {"accuracy": CELLS})
        assert os.fstat(reader.fileno()).st_nlink == 0
        assert reader.read() == content
