"""Where a term stands in a text, and how many terms get a place of their own."""

from __future__ import annotations

import unicodedata
from itertools import pairwise, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ..matching import EDGE_LETTERS, EXACT_UP_TO, _exact, boundary, find, outermost, place


def found(term, text, language, *, lemmas=True):
    """The stretches of the original text in which a term was found."""
    return [text[start:end] for start, end in find(term, text, language, lemmas=lemmas)]


class TestTokenBoundaries:
    @pytest.mark.parametrize(
        ("language", "expected"),
        [
            ("en", "token"),
            ("fr", "token"),
            ("de", "edge"),
            ("fi", "edge"),
            ("zh", "free"),
            ("ja", "free"),
            ("", "token"),
        ],
    )
    def test_the_target_language_decides(self, language, expected):
        assert boundary(language) == expected

    @pytest.mark.parametrize("text", ["the server", "a perimeter", "erosion"])
    def test_a_term_inside_a_word_is_not_found(self, text):
        assert found("er", text, "en") == []

    @pytest.mark.parametrize("text", ["(drug)", "drug,", "“drug”", "drug's", "a drug."])
    def test_punctuation_is_a_boundary(self, text):
        assert found("drug", text, "en") == ["drug"]

    def test_underscore_and_digits_belong_to_the_word(self):
        assert found("drug", "drug_2 drug2", "en") == []


class TestEdges:
    def test_a_term_opens_or_closes_a_compound(self):
        assert found("Blutdruck", "Das Blutdruckmessgerät", "de") == ["Blutdruck"]
        assert found("Messgerät", "Das Blutdruckmessgerät", "de") == ["messgerät"]

    def test_a_term_in_the_middle_of_a_compound_is_missed(self):
        assert found("druck", "Das Blutdruckmessgerät", "de") == []

    def test_a_term_may_both_open_and_close_a_compound(self):
        assert find("Haus", "Haushaus", "de", lemmas=False) == [(0, 4), (4, 8)]

    def test_a_whole_word_is_one_place_not_two(self):
        assert find("Haus", "Haus", "de", lemmas=False) == [(0, 4)]

    def test_a_term_of_several_words_may_sit_between_compounds(self):
        assert found("Druck im Rohr", "Luftdruck im Rohrsystem", "de") == ["druck im Rohr"]

    def test_words_inside_a_term_must_be_equal(self):
        assert found("Druck im Rohr", "Druck beim Rohr", "de") == []

    @pytest.mark.parametrize(("term", "text"), [("Tür", "Haustür"), ("Arm", "Armband"), ("A1-2", "A1-24")])
    def test_a_term_under_four_letters_needs_token_boundaries(self, term, text):
        assert EDGE_LETTERS == 4
        assert found(term, text, "de", lemmas=False) == []

    @pytest.mark.parametrize(("term", "text"), [("Tor?", "Tor?"), ("Tür", "die Tür.")])
    def test_a_short_term_is_found_as_a_word(self, term, text):
        assert found(term, text, "de", lemmas=False) == [term]

    def test_only_letters_count_for_the_length(self):
        assert found("Typ2", "Typ2x", "de", lemmas=False) == []
        assert found("Typen2", "Typen2x", "de", lemmas=False) == ["Typen2"]


class TestTextWithoutSpaces:
    @pytest.mark.parametrize(("language", "term"), [("zh", "血压"), ("ja", "血圧")])
    def test_a_term_may_stand_anywhere(self, language, term):
        assert found(term, f"请量{term}計", language) == [term]

    def test_overlapping_places_are_all_given(self):
        assert find("一一", "一一一", "zh", lemmas=False) == [(0, 2), (1, 3)]


class TestForms:
    def test_an_inflected_form_is_found_by_its_lemma(self):
        assert found("drug", "two drugs", "en") == ["drugs"]
        assert found("heart attack", "two heart attacks", "en") == ["heart attacks"]
        assert found("Arzneimittel", "des Arzneimittels", "de") == ["Arzneimittels"]

    def test_an_inflected_term_is_found_in_its_base_form(self):
        assert found("drugs", "one drug", "en") == ["drug"]

    def test_without_lemmas_only_the_surface_form_counts(self):
        assert found("drug", "two drugs", "en", lemmas=False) == []
        assert found("drug", "two drug", "en", lemmas=False) == ["drug"]

    def test_a_surface_form_is_found_in_a_language_without_lemmas(self):
        assert found("odjur", "två odjur", "xx") == ["odjur"]


class TestSpelling:
    @pytest.mark.parametrize("text", ["BLOOD PRESSURE", "Blood Pressure", "blood\tpressure", "blood\n pressure"])
    def test_case_and_white_space_do_not_matter(self, text):
        assert found("blood pressure", text, "en", lemmas=False) == [text]

    @pytest.mark.parametrize(("term", "text"), [("STRASSE", "Straße"), ("Straße", "STRASSE"), ("Straße", "Strasse")])
    def test_sharp_s_equals_double_s(self, term, text):
        assert found(term, f"die {text}.", "de", lemmas=False) == [text]

    @pytest.mark.parametrize("term_form", ["NFC", "NFD"])
    @pytest.mark.parametrize("text_form", ["NFC", "NFD"])
    def test_composed_and_decomposed_text_are_the_same(self, term_form, text_form):
        term = unicodedata.normalize(term_form, "Gerät")
        text = unicodedata.normalize(text_form, "für das Gerät, bitte")
        assert found(term, text, "de") == [unicodedata.normalize(text_form, "Gerät")]

    def test_composed_and_decomposed_hangul_are_the_same(self):
        text = unicodedata.normalize("NFD", "이 혈압 이")
        assert found("혈압", text, "ko") == [unicodedata.normalize("NFD", "혈압")]

    def test_compatibility_characters_differ_unless_case_folding_joins_them(self):
        assert found("x2", "x²", "en") == []
        assert found("film", "\N{LATIN SMALL LIGATURE FI}lm", "en", lemmas=False) == ["\N{LATIN SMALL LIGATURE FI}lm"]

    @pytest.mark.parametrize("character", ["\u00ad", "\u200b", "\u200c", "\u200d", "\u2060", "\ufeff"], ids=ascii)
    def test_zero_width_characters_are_not_there(self, character):
        text = f"der Blut{character}druck."
        assert found("Blutdruck", text, "de") == [f"Blut{character}druck"]
        assert found(f"Blut{character}druck", "der Blutdruck.", "de") == ["Blutdruck"]

    def test_a_byte_order_mark_moves_no_place(self):
        assert find("drug", "\ufeffa drug", "en", lemmas=False) == [(3, 7)]

    def test_what_looks_like_a_pattern_is_text(self):
        assert found("p. ex", "pX ex", "fr", lemmas=False) == []
        assert found("c+ (", "in c+ ( x", "en", lemmas=False) == ["c+ ("]

    @pytest.mark.parametrize("term", ["", " ", "\u200b"])
    def test_a_term_of_nothing_is_nowhere(self, term):
        assert find(term, "anything", "en", lemmas=True) == []

    @pytest.mark.parametrize("text", ["", " ", "a"])
    def test_a_term_longer_than_the_text_is_nowhere(self, text):
        assert find("a b", text, "en", lemmas=True) == []


class TestKnownWeaknesses:
    """What README.md warns of. A rule that does better may change these."""

    @pytest.mark.parametrize(
        ("term", "text"),
        [
            ("Bremse", "die Bremsflüssigkeit"),
            ("druck", "das Blutdruckmessgerät"),
            ("Ohr", "drei Ohrentropfen"),
            ("Öl", "das Olivenöl"),
            ("klagende Partei", "beide klagenden Parteien"),
        ],
    )
    def test_a_term_that_a_reader_sees_is_missed(self, term, text):
        assert found(term, text, "de") == []

    @pytest.mark.parametrize(("term", "text"), [("tique", "les tiques"), ("courriel", "des courriels")])
    def test_a_plural_that_the_lemmatiser_does_not_know_is_missed(self, term, text):
        assert found(term, text, "fr") == []

    def test_a_wrong_lemma_may_find_the_right_compound(self):
        assert found("Wunde", "die Wundauflage", "de") == ["Wund"]
        assert found("Wunde", "die Wundauflage", "de", lemmas=False) == []

    def test_an_edge_may_be_false(self):
        assert found("Rate", "Karate", "de") == ["rate"]


class TestPlacesPointIntoTheOriginalText:
    def test_after_decomposed_letters(self):
        text = unicodedata.normalize("NFD", "Für Ärzte über Blutdruck und Gefäße")
        assert found("Blutdruck", text, "de") == ["Blutdruck"]

    def test_after_zero_width_characters(self):
        assert found("drug", "\u200ba\u200b \u200bdrug x", "en") == ["drug"]

    def test_beside_characters_outside_the_basic_plane(self):
        assert found("drug", "😀😀 drug 😀", "en") == ["drug"]

    COMPOUNDS = (
        ("Straße", "die Straßenbahn", "Straße"),
        ("Bahn", "die Straßenbahn", "bahn"),
        ("Gerät", "das Gera\u0308tehaus", "Gera\u0308t"),
        ("Haus", "das Gera\u0308tehaus", "haus"),
        ("Druck", "der Hoch\u00addruck", "druck"),
    )

    @pytest.mark.parametrize(("term", "text", "expected"), COMPOUNDS, ids=ascii)
    def test_inside_a_compound_whose_length_normalisation_changes(self, term, text, expected):
        assert found(term, text, "de", lemmas=False) == [expected]

    @given(
        st.text(st.sampled_from("aäß\u0308 b.\u200bhausHAUS😀가각\u11a8"), max_size=12),
        st.text(st.sampled_from("a\u0308 haus.\u200b😀"), max_size=12),
    )
    def test_a_word_between_blanks_is_found_whatever_surrounds_it(self, before, after):
        text = f"{before} Blutdruck {after}"
        assert "Blutdruck" in found("Blutdruck", text, "en", lemmas=False)

    @given(st.text(max_size=20), st.text(min_size=1, max_size=5), st.sampled_from(["en", "de", "zh"]))
    def test_every_place_is_a_stretch_of_the_text(self, text, term, language):
        for start, end in find(term, f"{text} {term}", language, lemmas=True):
            assert 0 <= start < end <= len(text) + 1 + len(term)

    @given(st.text(max_size=20), st.text(max_size=5))
    def test_places_come_in_order_of_their_end(self, text, term):
        spans = find(term, text, "de", lemmas=True)
        assert spans == sorted(set(spans), key=lambda span: (span[1], span[0]))


class TestOutermost:
    def test_a_term_inside_a_longer_term_is_not_required(self):
        assert outermost([[(0, 5)], [(0, 14)]]) == [None, (0, 14)]

    def test_a_term_that_also_stands_alone_is_required_there(self):
        assert outermost([[(0, 5), (20, 25)], [(0, 14)]]) == [(20, 25), (0, 14)]

    def test_terms_that_only_overlap_are_both_required(self):
        assert outermost([[(0, 10)], [(5, 15)]]) == [(0, 10), (5, 15)]

    def test_a_term_that_occurs_nowhere_is_not_required(self):
        assert outermost([[], [(0, 5)]]) == [None, (0, 5)]


def maximum(candidates):
    """The largest number of disjoint spans, by trying every choice."""
    best = 0
    for choice in product(*([None, *places] for places in candidates)):
        spans = sorted(span for span in choice if span)
        if all(first[1] <= second[0] for first, second in pairwise(spans)):
            best = max(best, len(spans))
    return best


def by_end(spans):
    return sorted(spans, key=lambda span: (span[1], span[0]))


SPAN = st.tuples(st.integers(0, 12), st.integers(1, 5)).map(lambda pair: (pair[0], pair[0] + pair[1]))
CANDIDATES = st.lists(st.lists(SPAN, max_size=4, unique=True).map(by_end), max_size=6)


class TestPlace:
    def test_one_place_never_serves_two_terms(self):
        assert sorted(place([[(0, 5)], [(0, 5)]]), key=bool) == [None, (0, 5)]

    def test_two_terms_share_one_compound(self):
        text = "Blutdruckmessgerät"
        candidates = [find(term, text, "de", lemmas=False) for term in ("Blutdruck", "Messgerät")]
        assert place(candidates) == [(0, 9), (9, 18)]

    def test_two_terms_that_claim_the_same_part_of_a_compound_do_not(self):
        text = "Blutdruckmessgerät"
        candidates = [find(term, text, "de", lemmas=False) for term in ("Blutdruck", "Blutdruckmess")]
        assert sum(span is not None for span in place(candidates)) == 1

    def test_a_term_moves_aside_for_another(self):
        assert place([[(0, 5), (10, 15)], [(0, 5)]]) == [(10, 15), (0, 5)]

    def test_a_long_chain_of_moves_is_found(self):
        chain = [by_end([(n, n + 1), (n + 1, n + 2)]) for n in range(10)] + [[(0, 1)]]
        assert None not in place(chain)

    def test_terms_without_a_place_get_none(self):
        assert place([[], [(0, 5)], []]) == [None, (0, 5), None]

    def test_nothing_to_place(self):
        assert place([]) == []

    @given(CANDIDATES)
    def test_the_number_of_terms_placed_is_the_largest_possible(self, candidates):
        assert sum(span is not None for span in place(candidates)) == maximum(candidates)

    @given(CANDIDATES)
    def test_each_term_gets_one_of_its_places_and_no_two_overlap(self, candidates):
        placed = place(candidates)
        assert all(span is None or span in places for span, places in zip(placed, candidates, strict=True))
        spans = sorted(span for span in placed if span)
        assert all(first[1] <= second[0] for first, second in pairwise(spans))

    @given(CANDIDATES, st.randoms(use_true_random=False))
    def test_the_order_of_the_terms_does_not_change_how_many(self, candidates, random):
        before = sum(span is not None for span in place(candidates))
        random.shuffle(candidates)
        assert sum(span is not None for span in place(candidates)) == before

    @given(st.lists(st.lists(SPAN, max_size=3, unique=True), min_size=EXACT_UP_TO + 1, max_size=EXACT_UP_TO + 1))
    def test_a_large_group_gets_at_least_half_of_the_maximum(self, drawn):
        candidates = [by_end([*places, (0, 40)]) for places in drawn]  # the last span joins all to one group
        placed = [span for span in place(candidates) if span]
        most = len(_exact(dict(enumerate(candidates))))
        assert most / 2 <= len(placed) <= most

    def test_a_large_group_can_get_less_than_the_maximum(self):
        moves_aside, stands_still = [(0, 2), (4, 5)], [(1, 3)]
        others = [[(10 + n, 11 + n), (2, 60)] for n in range(EXACT_UP_TO - 1)]
        candidates = [moves_aside, stands_still, *others]
        assert len(_exact(dict(enumerate(candidates)))) == 13
        assert sum(span is not None for span in place(candidates)) == 12
