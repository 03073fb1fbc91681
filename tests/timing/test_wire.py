from __future__ import annotations

import json

import pytest

from harness.timing import REPLY_BYTES, Asked, SystemFault
from harness.timing.wire import JsonLines, Lines, escape, unescape


def refused(wire, line):
    with pytest.raises(SystemFault) as caught:
        wire.decode(line)
    assert caught.value.code == "X012"
    return caught.value.facts["what"]


class TestJsonLines:
    @pytest.fixture
    def wire(self):
        made = JsonLines({"task": "terminology", "unit": "segment"})
        made.encode(Asked("q1", "one"))
        return made

    def test_the_hello_says_the_protocol_and_what_will_be_asked(self, wire):
        assert json.loads(wire.hello()) == {"harness": 1, "task": "terminology", "unit": "segment"}

    def test_a_request_is_one_line_of_utf8_that_begins_with_its_id(self):
        line = JsonLines().encode(Asked("q7", "Zeile\nzwei \u2028 ü", {"terms": {"a": "b"}}))
        assert line == '{"id":"q7","source":"Zeile\\nzwei \u2028 ü","terms":{"a":"b"}}\n'.encode()

    def test_a_source_may_be_a_list_of_tokens(self):
        assert JsonLines().encode(Asked("q7", ["a", "b"])) == b'{"id":"q7","source":["a","b"]}\n'

    def test_no_field_takes_the_place_of_id_and_source(self):
        line = JsonLines().encode(Asked("q7", "one", {"id": "segment 12", "source": "else"}))
        assert line == b'{"id":"q7","source":"one"}\n'

    @pytest.mark.parametrize("output", ["eins", "", "a\nb", ["a", "b"], []])
    def test_a_reply_is_a_text_or_a_list_of_texts(self, wire, output):
        assert wire.decode(json.dumps({"id": "q1", "output": output}).encode()) == ("q1", output)

    def test_further_keys_of_a_reply_are_passed_over(self, wire):
        assert wire.decode(b'{"id":"q1","output":"x","score":0.5}') == ("q1", "x")

    def test_replies_come_in_any_order(self, wire):
        wire.encode(Asked("q2", "two"))
        assert [wire.decode(b'{"id":"q%d","output":"x"}' % n)[0] for n in (2, 1)] == ["q2", "q1"]

    @pytest.mark.parametrize(
        ("line", "why"),
        [
            (b'{"id":"q1","id":"q2","output":"x"}', "stands twice"),
            (b'{"id":"q1","output":"x","p":NaN}', "not a finite number"),
            (b'{"id":"q1","output":"\xff"}', "not UTF-8 at byte 22"),
            (b'{"id":"q1","output":"\\ud800"}', "lone surrogate"),
            (b'{"id":"q1","output":' + b"[" * 70 + b"]" * 70 + b"}", "nested"),
            (b'{"id":"q1","output":"' + b"x" * REPLY_BYTES + b'"}', "longer than 64 KiB"),
            (b'{"id":1,"output":"x"}', "`id`, a text"),
            (b'{"id":"q1"}', "and `output`"),
            (b'{"id":"q1","output":null}', "a text or a list of texts"),
            (b'{"id":"q1","output":["x",1]}', "a text or a list of texts"),
            (b'{"id":"q9","output":"x"}', "id 'q9' was not asked"),
            (b'["q1","x"]', "not a JSON object"),
            (b'{"id":"q1","output":"x"} x', "not a JSON value"),
            (b"", "not a JSON value"),
            (b"Translating\x1b[31m", "it wrote: Translating\\x1b[31m"),
        ],
    )
    def test_anything_else_breaks_the_protocol_and_is_shown_escaped(self, wire, line, why):
        assert why in refused(wire, line)

    def test_no_request_is_answered_twice(self, wire):
        wire.decode(b'{"id":"q1","output":"x"}')
        assert "id 'q1' was answered before" in refused(wire, b'{"id":"q1","output":"x"}')

    def test_a_banner_says_ready_and_protocol_1(self, wire):
        wire.ready(b'{"ready": true, "protocol": 1, "model": "base"}')

    @pytest.mark.parametrize(
        ("banner", "why"),
        [
            (b"Loading...", "before it was ready: not a JSON value"),
            (b'{"ready":1,"protocol":1}', "before it was ready it wrote something else"),
            (b'{"id":"q1","output":"x"}', "before it was ready it wrote something else"),
            (b'{"ready":true}', "does not speak protocol 1"),
            (b'{"ready":true,"protocol":2}', "does not speak protocol 1"),
            (b'{"ready":true,"protocol":true}', "does not speak protocol 1"),
            (b'{"ready":true,"protocol":1.0}', "does not speak protocol 1"),
        ],
    )
    def test_another_banner_breaks_the_protocol(self, wire, banner, why):
        with pytest.raises(SystemFault) as caught:
            wire.ready(banner)
        assert why in caught.value.facts["what"]

    def test_the_end_is_said(self, wire):
        assert wire.end() == b'{"end":true}\n'


class TestLines:
    @pytest.mark.parametrize(
        ("text", "line"),
        [
            ("plain", "plain"),
            ("", ""),
            ("two\nlines", r"two\nlines"),
            ("a\r\nb", r"a\r\nb"),
            ("back\\slash", r"back\\slash"),
            ("literal \\n", r"literal \\n"),
            ("\u2028 \x85 \x0b stay", "\u2028 \x85 \x0b stay"),
        ],
    )
    def test_a_text_is_one_line_and_comes_back(self, text, line):
        assert escape(text) == line
        assert unescape(line) == text

    @pytest.mark.parametrize(
        ("line", "why"), [("a\\tb", "'\\t' in a reply"), ("end\\", "'\\' in"), ("a\r", "carriage")]
    )
    def test_other_escapes_are_refused(self, line, why):
        with pytest.raises(SystemFault) as caught:
            unescape(line)
        assert why in caught.value.facts["what"]

    def test_replies_belong_to_requests_in_their_order(self):
        wire = Lines()
        assert [wire.encode(Asked(f"q{n}", f"s{n}")) for n in (1, 2)] == [b"s1\n", b"s2\n"]
        assert [wire.decode(b"a"), wire.decode(b"b\\nc")] == [("q1", "a"), ("q2", "b\nc")]

    def test_a_line_too_many_is_refused(self):
        assert "nothing asked for" in refused(Lines(), b"a")

    def test_tokens_cannot_be_sent(self):
        with pytest.raises(SystemFault) as caught:
            Lines().encode(Asked("q1", ["a", "b"]))
        assert caught.value.code == "X013"

    def test_there_is_no_hello_no_banner_and_no_end_but_that_of_the_input(self):
        wire = Lines()
        assert (wire.hello(), wire.end(), wire.has_banner) == (b"", b"", False)
        with pytest.raises(SystemFault):
            wire.ready(b"ready")
