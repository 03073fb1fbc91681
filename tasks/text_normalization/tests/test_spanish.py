"""Tagged Spanish sentences and their tokens: one test for each rule."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ..spanish import Span, align, scan


def aligned(tokens, tagged):
    return align(tokens.split(" "), tagged)


class TestTokens:
    """Which token gets which reading."""

    def test_a_tagged_token_is_read_as_the_tag_says_and_the_others_as_they_are_written(self):
        tagged = 'El <error what="diez">10</error> de Febrero.'
        assert aligned("el 10 de febrero .", tagged) == ["el", "diez", "de", "febrero", "."]

    def test_text_of_another_language_is_dropped(self):
        tagged = '<lang id="en">Green Day</lang> tiene <error what="dos">2</error> discos'
        assert aligned("tiene 2 discos", tagged) == ["tiene", "dos", "discos"]

    def test_tags_inside_text_of_another_language_are_dropped_with_it(self):
        tagged = 'Ver <lang id="xx">Act <error what="one">1</error></lang><error what="dos">2</error>'
        assert aligned("ver 2", tagged) == ["ver", "dos"]

    def test_white_space_of_any_kind_counts_nowhere(self):
        tagged = 'unas <error what="once mil">11\u00a0000</error>\u2009cajas'
        assert align(["unas", "11\u00a0000", "cajas"], tagged) == ["unas", "once mil", "cajas"]
        assert align(["unas", "11000", "cajas"], tagged) == ["unas", "once mil", "cajas"]

    def test_a_token_of_several_tags_gets_their_readings_in_order(self):
        tagged = '<error what="dos mil">2</error> <error what="trescientos cinco">305</error> metros'
        assert aligned("2305 metros", tagged) == ["dos mil trescientos cinco", "metros"]

    def test_what_lies_between_the_tags_of_a_token_is_kept(self):
        assert aligned("zonapdf1", 'Zona<error what="pe de efe">PDF</error>1') == ["zona pe de efe 1"]

    def test_a_tag_around_several_tokens_gives_its_reading_to_the_first(self):
        assert aligned("la pág . 3", 'la <error what="página">pág.</error> 3') == ["la", "página", "", "3"]

    def test_a_tag_that_ends_inside_a_token_leaves_the_rest_of_it(self):
        assert aligned("a bc d", '<error what="uno">a b</error>c d') == ["uno", "c", "d"]

    @pytest.mark.parametrize(
        ("tokens", "tagged", "expected"),
        [
            ("97 %", '<error what="noventa y siete por ciento">97 %</error>', ["noventa y siete", "por ciento"]),
            ("97 %", '<error what="noventa y siete por ciento">97%</error>', ["noventa y siete", "por ciento"]),
            ("1 % .", '<error what="uno por ciento">1%.</error>', ["uno", "por ciento", ""]),
            ("97%", '<error what="noventa y siete por ciento">97%</error>', ["noventa y siete por ciento"]),
            ("97 %", '97 <error what="por ciento">%</error>', ["97", "por ciento"]),
            ("97 %", '97 <error what="por ciento"> %</error>', ["97", "por ciento"]),
            ("97 %", '<error what="noventa y siete por ceinto">97 %</error>', ["noventa y siete por ceinto", ""]),
            ("97 % a", '<error what="mucho por ciento">97 % a</error>', ["mucho por ciento", "", ""]),
        ],
    )
    def test_a_number_and_its_percent_sign_are_told_apart(self, tokens, tagged, expected):
        assert aligned(tokens, tagged) == expected


class TestTags:
    """What is a tag, and what it says."""

    @pytest.mark.parametrize("reading", ["", " ", "\u00a0"])
    def test_a_reading_of_white_space_is_silence(self, reading):
        assert aligned("1 - 2", f'1<error what="{reading}">-</error>2') == ["1", "", "2"]

    def test_white_space_inside_a_reading_is_collapsed(self):
        assert aligned("22", '<error what=" veinte  y dos ">22</error>') == ["veinte y dos"]

    def test_of_tags_inside_tags_the_outermost_counts(self):
        tagged = '<error what="treinta"><error what="tres">30</error></error> barcos'
        assert aligned("30 barcos", tagged) == ["treinta", "barcos"]

    def test_stray_angle_brackets_are_text(self):
        tagged = '<error what="da">--></error> <error what="cero">0</error> < <b> >'
        assert aligned("--> 0 < <b> >", tagged) == ["da", "cero", "<", "<b>", ">"]

    def test_entities_are_text_and_nothing_is_fetched_or_expanded(self):
        assert aligned("&amp; &x;", "&amp; &x;") == ["&amp;", "&x;"]

    def test_a_web_address_that_the_tokens_have_is_aligned(self):
        tokens = "ver http :// a . es hoy"
        assert aligned(tokens, "Ver http://a.es hoy") == tokens.split(" ")


class TestWhatCannotBeAligned:
    @pytest.mark.parametrize(
        ("tokens", "tagged", "reason"),
        [
            ("ver ya", "Ver http://a.es ya", "at character 3 the tokens go on 'ya', the text 'http://a.esya'"),
            ("ver hoy .", "Ver hoy", "at character 6 the tokens go on '.', the text ''"),
            ("a", 'a<error what="b"></error>', "a tag <error> holds no text"),
            ("a", '<error what="b">a', "a tag is not closed"),
            ("a", '<lang id="en">a', "a tag is not closed"),
            ("a", "a</error>", "</error> closes nothing"),
            ("a", "a</lang>", "</lang> closes nothing"),
        ],
    )
    def test_the_reason_is_told(self, tokens, tagged, reason):
        with pytest.raises(ValueError, match=f"^{re.escape(reason)}$"):
            aligned(tokens, tagged)


def test_spans_are_offsets_into_the_characters_without_white_space():
    assert scan('A <error what="uno">1</error> b') == ("a1b", [Span(1, 2, "uno")])


WORDS = st.lists(st.text("abc1%.", min_size=1, max_size=4), min_size=1, max_size=8)


@given(WORDS, st.data())
def test_a_sentence_with_each_token_tagged_or_not_gets_exactly_these_readings(tokens, data):
    readings = [data.draw(st.sampled_from([None, "", "uno", "dos tres"])) for _ in tokens]
    tagged = " ".join(
        token if reading is None else f'<error what="{reading}">{token}</error>'
        for token, reading in zip(tokens, readings, strict=True)
    )
    expected = [token if reading is None else reading for token, reading in zip(tokens, readings, strict=True)]
    assert align(tokens, tagged) == expected


@given(st.text("ab <>/=\"'", max_size=30), WORDS)
def test_any_text_is_aligned_or_refused_with_a_reason(tagged, tokens):
    try:
        assert len(align(tokens, tagged)) == len(tokens)
    except ValueError as error:
        assert str(error)  # noqa: PT017 - either is fine, and nothing else
