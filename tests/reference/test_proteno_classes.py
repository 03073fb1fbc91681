from __future__ import annotations

import pytest

pytestmark = pytest.mark.usefixtures("proteno")


@pytest.fixture(scope="module")
def readings(proteno):
    """What each class that accepts a token says for it."""
    from proteno import classes
    from proteno.generation import Inventory

    def readings(language, token, *, core=False):
        return Inventory(classes.load(language, core=core)[1], {}).readings(token)

    return readings


@pytest.fixture(scope="module")
def english(proteno):
    from proteno import classes

    return classes.load("en")[0]


class TestTokens:
    @pytest.mark.parametrize(
        ("text", "tokens"),
        [
            ("6-21-21", ["6", "-", "21", "-", "21"]),
            ("It costs $5.", ["It", "costs", "$", "5", "."]),
            ("15km  ¿Qué?", ["15", "km", "¿", "Qué", "?"]),
            ("…!!", ["…", "!", "!"]),
            ("5கிமீ", ["5", "கிமீ"]),
            ("cafe\u0301", ["café"]),
            (" \n", []),
        ],
    )
    def test_text_is_split_at_spaces_and_where_the_class_of_characters_changes(self, text, tokens):
        from proteno.tokens import tokenise

        assert tokenise(text) == tokens


class TestClasses:
    def test_an_english_number_is_accepted_by_the_classes_of_numbers_only(self, readings):
        assert readings("en", "1905") == {
            "year": "nineteen o five",
            "cardinal": "one thousand nine hundred five",
            "ordinal": "one thousand nine hundred fifth",
            "digits": "one nine o five",
            "year-oh": "nineteen oh five",
        }

    def test_the_smaller_set_has_as_many_classes_as_the_article(self):
        """8 for English, 10 for Spanish, 8 for Tamil."""
        from proteno import classes

        assert [len(classes.load(language, core=True)[1]) for language in ("en", "es", "ta")] == [8, 10, 8]

    @pytest.mark.parametrize(
        ("language", "token", "label", "reading"),
        [
            ("en", "FBI", "letters", "f b i"),
            ("en", "PCs", "letters-plural", "p c's"),
            ("en", "March", "lower", "march"),
            ("en", "21st", "ordinal", "twenty first"),
            ("en", "1,250", "cardinal", "one thousand two hundred fifty"),
            ("en", "1970s", "decade", "nineteen seventies"),
            ("en", "VIII", "roman-ordinal", "the eighth"),
            ("en", "05", "oh-and-number", "oh five"),
            ("en", "12km", "pieces", "twelve kilometers"),
            ("en", "B12", "pieces", "b twelve"),
            ("en", "$", "units", "dollars"),
            ("es", "html", "initials", "h.t.m.l."),
            ("es", "OMS", "letters", "o eme ese"),
            ("es", "2.301", "masculine", "dos mil trescientos un"),
            ("es", "xiv", "roman", "catorce"),
            ("es", "2ª", "ordinal-feminine", "segunda"),
            ("es", "%", "units", "por ciento"),
            ("ta", "50", "cardinal", "ஐம்பது"),
            ("ta", "௫", "cardinal", "ஐந்து"),
        ],
    )
    def test_readings(self, readings, language, token, label, reading):
        assert readings(language, token)[label] == reading

    @pytest.mark.parametrize(
        ("language", "token", "label"),
        [
            ("en", "march", "lower"),
            ("en", "3000", "year"),
            ("en", "IIX", "roman"),
            ("en", "A", "letters"),
            ("en", "x", "silence"),
            ("es", "ñ", "silence"),
            ("ta", "கி", "silence"),
        ],
    )
    def test_what_a_class_does_not_accept(self, readings, language, token, label):
        assert label not in readings(language, token)

    @pytest.mark.parametrize("language", ["en", "es", "ta"])
    def test_no_number_is_silent_and_none_stays_in_digits(self, readings, language):
        for token in ("0", "007", "5", "12,50", "1.000", "1970", "9" * 30):
            said = readings(language, token).values()
            assert not any(not text or any(char.isdigit() for char in text) for text in said)

    def test_a_language_without_data_is_refused(self):
        from proteno import classes

        with pytest.raises(ValueError, match="no language 'xx'; there are en, es, ta"):
            classes.load("xx")


class TestGeneration:
    @pytest.fixture
    def generate(self):
        from proteno import classes
        from proteno.generation import generate

        def make(*pairs):
            return generate(classes.load("en")[1], [[token] for token, _ in pairs], [[said] for _, said in pairs])

        return make

    def test_a_reading_that_a_class_makes_generates_none(self, generate):
        inventory, needed = generate(("5", "five"), ("FBI", "f b i"), ("the", "the"), (",", ""))
        assert (needed, inventory.generated) == (0, {})

    def test_a_generated_class_accepts_its_raw_token_only(self, generate):
        inventory, needed = generate(("&", "and"), ("&", "and"), ("St", "saint"))
        assert needed == 2
        assert inventory.readings("&")["AG0"] == "and"
        assert [label for token in ("st", "St.", "§") for label in inventory.readings(token) if label[:2] == "AG"] == []

    def test_ranks_follow_how_often_a_class_is_needed_and_then_the_data(self, generate):
        inventory, _ = generate(*[("St", said) for said in ("street", "saint", "stone", "saint")])
        assert inventory.generated == {"St": ("saint", "street", "stone")}
        assert inventory.labels(["St"], ["stone"]) == ["AG2"]

    def test_what_is_seen_once_among_many_is_noise_and_counted_all_the_same(self, generate):
        inventory, needed = generate(("6", "sixth twenty thirteen"), *[("6", "six")] * 49)
        assert (needed, inventory.generated) == (1, {})
        assert inventory.labels(["6"], ["sixth twenty thirteen"]) == ["noise"]
        inventory, _ = generate(("6", "sixth twenty thirteen"), *[("6", "six")] * 48)
        assert inventory.generated == {"6": ("sixth twenty thirteen",)}

    def test_every_reading_of_the_training_data_has_its_label(self, generate):
        pairs = [("Dr", "doctor"), ("Dr", "drive"), ("12", "twelve"), (".", "point"), (".", "")]
        inventory, _ = generate(*pairs)
        assert [inventory.readings(token)[inventory.label(token, said)] for token, said in pairs] == [
            said for _, said in pairs
        ]

    def test_other_lengths_are_refused(self):
        from proteno.generation import generate

        with pytest.raises(ValueError, match="shorter"):
            generate((), [["a", "b"]], [["a"]])


class TestRealignment:
    @pytest.mark.parametrize(
        ("tokens", "readings", "realigned"),
        [
            ("$ 5", "|five dollars", "dollars|five"),
            ("$ 1 . 5 million", "|one|point|five|million dollars", "dollars|one|point|five|million"),
            ("$ 40 - 60", "|forty|to|sixty dollars", "dollars|forty|to|sixty"),
            ("£ 4 . 20", "|four pounds||twenty pence", "pounds|four|pence|twenty"),
            ("of $ 2 . ,", "of||two dollars||", "of|dollars|two||"),
        ],
    )
    def test_the_word_of_a_sign_goes_to_the_sign_and_comes_back(self, english, tokens, readings, realigned):
        from proteno.realign import realign, restore

        found = realign(english, tokens.split(), readings.split("|"))
        assert found == realigned.split("|")
        assert restore(english, tokens.split(), found) == readings.split("|")

    @pytest.mark.parametrize(
        ("tokens", "readings"),
        [
            ("$ 5", "|five pounds"),
            ("$ 5", "|five"),
            ("$ five", "|five dollars"),
            ("$", ""),
            ("5 $", "five dollars|"),
            ("$ 5", "dollar|five"),
        ],
    )
    def test_readings_in_which_nothing_swaps_stay(self, english, tokens, readings):
        from proteno.realign import realign

        assert realign(english, tokens.split(), readings.split("|")) == readings.split("|")

    def test_silent_marks_may_be_kept(self):
        from proteno.realign import with_marks

        assert with_marks([":", "x", "%", "…"], ["", "", "por ciento", "…"]) == [":", "", "por ciento", "…"]
