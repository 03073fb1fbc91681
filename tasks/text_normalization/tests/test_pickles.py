"""Pickles of lists of strings are read, and no other is run."""

from __future__ import annotations

import os
import pickle
import struct

import numpy as np
import pytest

from .. import pickles
from ..importers import proteno
from .archives import READINGS, TOKENS, refusal, write_pickles


def short(text):
    return pickle.SHORT_BINUNICODE + bytes([len(text.encode())]) + text.encode()


def called(module, name, *arguments):
    """A pickle of one list that holds what a global returns for some strings."""
    strings = b"".join(map(short, arguments))
    call = short(module) + short(name) + pickle.STACK_GLOBAL + pickle.MARK + strings + pickle.TUPLE + pickle.REDUCE
    return b"\x80\x04" + pickle.EMPTY_LIST + pickle.MARK + call + pickle.APPENDS + b"."


def numpy_pickle(lists, text, module="numpy.core.multiarray", order="<", content=None):
    """A pickle of lists of strings, the last of which is written as NumPy writes its strings."""
    size = len(text)
    content = text.encode("utf-32-le") if content is None else content
    dtype = (
        *(short("numpy"), short("dtype"), pickle.STACK_GLOBAL),
        *(short(f"U{size}"), pickle.NEWFALSE, pickle.NEWTRUE, pickle.TUPLE3, pickle.REDUCE),
        *(pickle.MARK, pickle.BININT1, b"\x03", short(order), pickle.NONE, pickle.NONE, pickle.NONE),
        *(pickle.BININT1, bytes([4 * size]), pickle.BININT1, b"\x04", pickle.BININT1, b"\x08"),
        *(pickle.TUPLE, pickle.BUILD),
    )
    scalar = (short(module), short("scalar"), pickle.STACK_GLOBAL, *dtype)
    payload = (pickle.SHORT_BINBYTES, bytes([len(content)]), content, pickle.TUPLE2, pickle.REDUCE)
    head = pickle.dumps(lists, 4)
    body = head[11:-1] if head[2:3] == pickle.FRAME else head[2:-1]
    last = b"".join((pickle.EMPTY_LIST, *scalar, *payload, pickle.APPEND))
    return b"\x80\x04" + body + last + pickle.APPEND + b"."


class Reduced:
    """An object whose pickle calls something."""

    def __init__(self, *call):
        self.call = call

    def __reduce__(self):
        function, *arguments = self.call
        return function, tuple(arguments)


def nested(depth):
    return b"\x80\x04" + pickle.EMPTY_LIST * depth + pickle.APPEND * (depth - 1) + b"."


def repeated(times, of):
    """A list that holds one list of `of` strings many times over."""
    inner = pickle.EMPTY_LIST + pickle.MEMOIZE + pickle.MARK + short("a") * of + pickle.APPENDS
    again = (pickle.BINGET + b"\0") * times
    return b"\x80\x04" + pickle.EMPTY_LIST + pickle.MARK + inner + again + pickle.APPENDS + b"."


class TestStringsOfNumpy:
    def test_they_are_read_where_a_string_may_stand(self, tmp_path):
        readings = numpy_pickle([["On", "5"]], "meters")
        found = proteno(write_pickles(tmp_path / "English", [["On", "5"], ["metres"]], readings))
        assert [row["reference"] for part in found.test_sets for row in part.rows] == [["On", "5"], ["meters"]]

    @pytest.mark.parametrize("text", ["meters", "año", "", "one " * 100])
    def test_what_numpy_itself_writes_is_read(self, tmp_path, text):
        readings = pickle.dumps([["a"], [np.str_(text)]], 4)
        assert b"multiarray" in readings
        found = proteno(write_pickles(tmp_path / "English", [["a"], ["5"]], readings))
        assert found.test_sets[-1].rows[-1]["reference"] == [text]

    def test_both_names_of_the_module_of_numpy_are_known(self, tmp_path):
        for number, module in enumerate(("numpy.core.multiarray", "numpy._core.multiarray")):
            readings = numpy_pickle([["a"]], "meters", module=module)
            found = proteno(write_pickles(tmp_path / str(number), [["a"], ["metres"]], readings))
            assert found.test_sets[-1].rows[-1]["reference"] == ["meters"]

    def test_the_padding_of_a_string_of_numpy_is_cut_off(self, tmp_path):
        readings = numpy_pickle([["a"]], "meters\0\0")
        found = proteno(write_pickles(tmp_path / "English", [["a"], ["metres"]], readings))
        assert found.test_sets[-1].rows[-1]["reference"] == ["meters"]


class TestHostilePickles:
    """None of them runs, and each is refused with its reason."""

    @pytest.mark.parametrize("place", [0, 1], ids=["tokens", "readings"])
    @pytest.mark.parametrize("written_by", ["Python", "hand"])
    def test_a_command_that_pickle_would_run_is_never_run(self, tmp_path, place, written_by):
        proof = tmp_path / "proof"
        command = f"touch {proof}"
        by_python = pickle.dumps([[Reduced(os.system, command)]], 4)
        content = {"Python": by_python, "hand": called("posix", "system", command)}[written_by]
        pickle.loads(content)  # noqa: S301 - what this test is about
        assert proof.exists(), "the attack is one"
        proof.unlink()
        lists = [TOKENS, READINGS]
        lists[place] = content
        code, said = refusal(write_pickles(tmp_path / "English", *lists))
        reason = {"Python": "it holds the instruction TUPLE1", "hand": "it asks for posix.system"}[written_by]
        assert (code, reason in said) == ("G020", True)
        assert not proof.exists()

    @pytest.mark.parametrize(
        ("module", "name"),
        [
            ("builtins", "eval"),
            ("builtins", "getattr"),
            ("os", "system"),
            ("numpy", "load"),
            ("numpy", "dtype.__init__"),
            ("numpy.core.multiarray", "array"),
            ("numpy.core.multiarray", "scalar.__globals__"),
            ("tasks.text_normalization.pickles", "load"),
        ],
    )
    def test_a_name_that_is_not_on_the_list_is_not_looked_up(self, tmp_path, module, name):
        code, said = refusal(write_pickles(tmp_path / "English", TOKENS, called(module, name, "1")))
        assert (code, f"it asks for {module}.{name}, which is never looked up" in said) == ("G020", True)

    @pytest.mark.parametrize(
        ("content", "instruction"),
        [
            (pickle.dumps([{"a": 1}], 4), "EMPTY_DICT"),
            (pickle.dumps([(1.5, "a")], 4), "BINFLOAT"),
            (b"\x80\x04cos\nsystem\n.", "GLOBAL"),
            (b"\x80\x04(ios\nsystem\n.", "INST"),
            (b"\x80\x04P12\n.", "PERSID"),
            (b"\x80\x04\x82\x01.", "EXT1"),
            (b"\x80\x04]r\xff\xff\xff\x7f.", "LONG_BINPUT"),
            (b"\x80\x04]2a.", "DUP"),
        ],
    )
    def test_an_instruction_that_lists_of_strings_do_not_need_is_refused(self, tmp_path, content, instruction):
        code, said = refusal(write_pickles(tmp_path / "English", TOKENS, content))
        assert (code, f"it holds the instruction {instruction} at byte" in said) == ("G020", True)

    @pytest.mark.parametrize(
        ("content", "reason"),
        [
            (b"", "not a pickle"),
            (b"not a pickle at all", "not a pickle"),
            (pickle.dumps(READINGS, 4)[:-9], "not a pickle"),
            (b"\x80\x04h\x07.", "not a pickle"),
            (b"\x80\x04]a.", "not a pickle"),
            (pickle.dumps("text", 4), "it holds one object of type str"),
            (pickle.dumps(None, 4), "it holds one object of type NoneType"),
            (pickle.dumps([["a"], "b"], 4), "neither a string nor a list of strings, or they are mixed"),
            (pickle.dumps([["a", None]], 4), "neither a string nor a list of strings"),
            (pickle.dumps([[["a"]]], 4), "neither a string nor a list of strings"),
            (nested(100_000), "neither a string nor a list of strings"),
            (b"\x80\x04]\x94h\x00a.", "neither a string nor a list of strings"),
            (pickle.dumps([["\ud800"]], 4), "half a surrogate pair"),
            (numpy_pickle([], "a", order=">"), "no little-endian string"),
            (numpy_pickle([], "a", content=b"abc"), "not a pickle"),
            (called("numpy.core.multiarray", "scalar", "a", "b"), "not a pickle"),
            (called("numpy", "dtype", "U1"), "not a pickle"),
        ],
    )
    def test_what_is_broken_or_no_list_of_strings_is_refused(self, tmp_path, content, reason):
        code, said = refusal(write_pickles(tmp_path / "English", TOKENS, content))
        assert (code, reason in said) == ("G020", True), said

    @pytest.mark.parametrize("protocol", [0, 1, 2, 3, 5])
    def test_another_protocol_is_refused(self, tmp_path, protocol):
        code, said = refusal(write_pickles(tmp_path / "English", TOKENS, READINGS, protocol))
        assert (code, "not a pickle of lists of strings" in said) == ("G020", True)

    def test_a_list_that_holds_one_list_a_million_times_is_refused_before_anybody_walks_through_it(self, tmp_path):
        content = repeated(1_000_000, 1000)
        assert len(content) < 3_000_000
        code, said = refusal(write_pickles(tmp_path / "English", TOKENS, content))
        assert (code, f"it holds more than {pickles.MOST_ITEMS} tokens" in said) == ("G020", True)

    def test_too_many_bytes_are_refused_without_a_look(self, tmp_path, monkeypatch):
        monkeypatch.setattr(pickles, "MOST_BYTES", 20)
        code, said = refusal(write_pickles(tmp_path / "English", TOKENS, READINGS))
        assert (code, "it is larger than 20 bytes" in said) == ("G020", True)

    def test_too_many_instructions_are_refused(self, tmp_path, monkeypatch):
        monkeypatch.setattr(pickles, "MOST_INSTRUCTIONS", 20)
        code, said = refusal(write_pickles(tmp_path / "English", TOKENS, READINGS))
        assert (code, "it holds more than 20 instructions" in said) == ("G020", True)

    def test_the_length_of_a_string_is_not_believed(self, tmp_path):
        content = b"\x80\x04]" + pickle.BINUNICODE + struct.pack("<I", 1 << 31) + b"a" + b"a."
        assert refusal(write_pickles(tmp_path / "English", TOKENS, content))[0] == "G020"

    def test_a_link_is_not_followed(self, tmp_path):
        english = write_pickles(tmp_path / "English", TOKENS, READINGS)
        (english / "norm_list.pkl").rename(english / "elsewhere")
        (english / "norm_list.pkl").symlink_to(english / "elsewhere")
        assert refusal(english)[0] == "S022"
