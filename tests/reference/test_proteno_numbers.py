"""Numbers in words: expected words were written by hand, from grammars of the languages."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.usefixtures("proteno")


@pytest.fixture(scope="module")
def say(proteno):
    from proteno import classes

    languages = {name: classes.load(name)[0] for name in ("en", "es", "ta")}
    return lambda language, rules, number: languages[language].numbers.say(number, rules)


@pytest.mark.parametrize(
    ("rules", "number", "words"),
    [
        ("cardinal", 0, "zero"),
        ("cardinal", 115, "one hundred fifteen"),
        ("cardinal", 90_000, "ninety thousand"),
        ("cardinal", 2_000_031, "two million thirty one"),
        ("ordinal", 12, "twelfth"),
        ("ordinal", 40, "fortieth"),
        ("ordinal", 121, "one hundred twenty first"),
        ("year", 1066, "ten sixty six"),
        ("year", 1805, "eighteen o five"),
        ("year", 1900, "nineteen hundred"),
        ("year", 2000, "two thousand"),
        ("year", 2009, "two thousand nine"),
        ("year", 2012, "twenty twelve"),
        ("year_oh", 1905, "nineteen oh five"),
        ("decade", 80, "eighties"),
        ("decade", 1930, "nineteen thirties"),
        ("decade", 1935, None),
        ("decade", 25, None),
        ("year", 10_000, None),
        ("cardinal", 10**15, None),
    ],
)
def test_english(say, rules, number, words):
    assert say("en", rules, number) == words


@pytest.mark.parametrize(
    ("rules", "number", "words"),
    [
        ("cardinal", 16, "dieciséis"),
        ("cardinal", 100, "cien"),
        ("cardinal", 101, "ciento uno"),
        ("cardinal", 21_000, "veintiún mil"),
        ("cardinal", 1_000_000, "un millón"),
        ("cardinal", 31_500_000, "treinta y un millones quinientos mil"),
        ("masculine", 41, "cuarenta y un"),
        ("feminine", 221, "doscientas veintiuna"),
        ("feminine", 231_000, "doscientas treinta y un mil"),
        ("ordinal", 13, "decimotercero"),
        ("ordinal", 50, "quincuagésimo"),
        ("ordinal_short", 3, "tercer"),
        ("ordinal_feminine", 22, "vigésima segunda"),
        ("month", 9, "septiembre"),
        ("month", 13, None),
        ("month", 0, None),
        ("ordinal", 1000, None),
    ],
)
def test_spanish(say, rules, number, words):
    assert say("es", rules, number) == words


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (9, "ஒன்பது"),
        (21, "இருபத்து ஒன்று"),
        (105, "நூற்று ஐந்து"),
        (950, "தொள்ளாயிரத்து ஐம்பது"),
        (1947, "ஆயிரத்து தொள்ளாயிரத்து நாற்பத்து ஏழு"),
        (350_000, "மூன்று லட்சத்து ஐம்பது ஆயிரம்"),
        (10_000_000, "ஒரு கோடி"),
    ],
)
def test_tamil(say, number, words):
    assert say("ta", "cardinal", number) == words


@pytest.mark.parametrize("language", ["en", "es", "ta"])
def test_no_two_numbers_are_said_alike(say, language):
    numbers = [*range(10_000), *range(10_000, 2_000_000, 997)]
    words = [say(language, "cardinal", number) for number in numbers]
    assert None not in words
    assert len(set(words)) == len(numbers)
    assert all(text == " ".join(text.split()) and "{" not in text for text in words)


@pytest.mark.parametrize(
    ("text", "value"), [("I", 1), ("IV", 4), ("XIX", 19), ("XC", 90), ("MCMXCIX", 1999), ("MMMCMXCIX", 3999)]
)
def test_roman_numerals(text, value):
    from proteno.numbers import roman

    assert roman(text) == value


@pytest.mark.parametrize("text", ["", "IIII", "VX", "IC", "MIX.", "ii", "A", "MMMM"])
def test_what_is_no_roman_numeral(text):
    from proteno.numbers import roman

    assert roman(text) is None


def test_a_set_of_rules_may_add_to_another():
    from proteno.numbers import Numbers

    few = {"limit": 30, "1": "one", "2": "two", "20": ["xx", "xx {rest}"]}
    numbers = Numbers({"a": few, "b": {"extends": "a", "1": "1st"}})
    assert [numbers.say(number, "b") for number in (1, 2, 21, 22, 20, 3, 23, 0, 30)] == [
        "1st", "two", "xx 1st", "xx two", "xx", None, None, None, None,
    ]  # fmt: skip
