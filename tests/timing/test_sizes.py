"""How large a model is."""

from __future__ import annotations

import os
import zlib

import pytest

from harness.timing.sizes import model_size


@pytest.fixture
def model(tmp_path):
    """1000 zeros, 10 random bytes in a folder below, and a second name of the first file."""
    (tmp_path / "deep").mkdir()
    (tmp_path / "a").write_bytes(bytes(1000))
    (tmp_path / "deep" / "b").write_bytes(bytes(range(10)))
    (tmp_path / "deep" / "c").hardlink_to(tmp_path / "a")
    return tmp_path


def test_every_inode_counts_once(model):
    found = model_size([model])
    assert (found.bytes, found.files) == (1010, 2)


def test_paths_that_overlap_count_once(model):
    assert model_size([model, model / "deep", model / "a"]).bytes == 1010


def test_compressed_is_one_stream_of_zlib(tmp_path):
    (tmp_path / "a").write_bytes(b"ab" * 5000)
    (tmp_path / "b").write_bytes(b"cd" * 5000)
    found = model_size([tmp_path])
    assert found.compressed == len(zlib.compress(b"ab" * 5000 + b"cd" * 5000, 6))
    assert found.compressed_by == "zlib-6"


def test_a_large_model_is_not_compressed(model):
    assert model_size([model], limit=1009).compressed is None
    assert model_size([model], limit=1010).compressed is not None


def test_links_and_pipes_are_not_followed(model):
    (model / "out").symlink_to("/etc")
    (model / "passwd").symlink_to("/etc/passwd")
    os.mkfifo(model / "pipe")
    assert model_size([model]).bytes == 1010


def test_a_path_that_is_not_there_is_no_empty_model(tmp_path):
    with pytest.raises(FileNotFoundError):
        model_size([tmp_path / "absent"])
