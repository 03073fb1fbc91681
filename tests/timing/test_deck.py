"""The order in which a process is asked."""

from __future__ import annotations

from collections import Counter
from itertools import islice

import pytest

from harness.api import Request
from harness.timing.deck import WARM_UP, Deck

from .simulated import texts

REQUESTS = texts(40)
DECOYS = texts(60, name="d")
TOKENS = [Request(f"t{number}", (f"a{number}", "b", f"c{number}", "d")) for number in range(12)]


def sources(cards):
    return [tuple(card.asked.source) if isinstance(card.asked.source, list) else card.asked.source for card in cards]


def words(source):
    return set(source.split(" ") if isinstance(source, str) else source)


class TestPermutation:
    def test_every_request_comes_once(self):
        cards = Deck(REQUESTS, DECOYS, 1).permutation()
        scored = [card.request for card in cards if card.kind == "scored"]
        assert sorted(scored) == sorted(request.id for request in REQUESTS)

    def test_a_card_holds_what_is_asked_and_how_large_it_is(self):
        request = Request("r1", "größer als  drei", ("never shown",), {"terms": {"drei": "three"}})
        (card,) = Deck([request], (), 1).permutation()
        assert (card.asked.source, card.asked.fields) == ("größer als  drei", {"terms": {"drei": "three"}})
        assert (card.characters, card.words, card.request, card.visit) == (16, 3, "r1", 0)

    def test_tokens_are_sent_as_a_list_and_counted_with_the_spaces_between_them(self):
        (card,) = Deck([Request("r1", ("two", "words"))], (), 1).permutation()
        assert card.asked.source == ["two", "words"]
        assert (card.characters, card.words) == (9, 2)

    def test_it_says_how_often_a_request_came_before(self):
        deck = Deck(REQUESTS, (), 1)
        assert [{card.visit for card in deck.permutation()} for _ in range(3)] == [{0}, {1}, {2}]

    def test_ids_are_opaque_and_never_come_again(self):
        deck = Deck(REQUESTS, DECOYS, 1)
        cards = [*islice(deck.warm_up(), 50), *deck.permutation(), *deck.permutation()]
        ids = [card.asked.id for card in cards]
        assert len(set(ids)) == len(ids) == 50 + 46 + 46
        assert all(len(name) == 16 and int(name, 16) >= 0 for name in ids)

    def test_orders_differ_from_one_to_the_next(self):
        deck = Deck(REQUESTS, (), 1)
        first, second = ([card.request for card in deck.permutation()] for _ in range(2))
        assert first != second
        assert first != [request.id for request in REQUESTS]

    def test_the_same_seed_gives_the_same_order(self):
        first, second = (Deck(REQUESTS, DECOYS, 7) for _ in range(2))
        assert [next(first.warm_up()), *first.permutation()] == [next(second.warm_up()), *second.permutation()]

    def test_another_seed_gives_another_order_and_other_decoys(self):
        first, second = (Deck(REQUESTS, DECOYS, seed).permutation() for seed in (7, 8))
        assert sources(first) != sources(second)
        assert {card.asked.source for card in first if card.kind == "decoy"} != {
            card.asked.source for card in second if card.kind == "decoy"
        }

    def test_nothing_to_ask_is_refused(self):
        with pytest.raises(ValueError, match="nothing to ask"):
            Deck([], DECOYS, 1)


class TestDecoys:
    def test_fifteen_in_a_hundred_are_mixed_in(self):
        kinds = Counter(card.kind for card in Deck(REQUESTS, DECOYS, 1).permutation())
        assert kinds == {"scored": 40, "decoy": 6}  # .15 x 40

    def test_they_lie_anywhere_in_the_order(self):
        deck = Deck(REQUESTS, texts(400, name="d"), 1)
        places = [place for _ in range(30) for place, card in enumerate(deck.permutation()) if card.kind == "decoy"]
        assert min(places) < 5
        assert max(places) > 40
        assert 18 < sum(places) / len(places) < 27  # uniform on 0..45: 22.5, with 180 of them +- 1

    def test_none_is_asked_twice_and_none_is_scored(self):
        deck = Deck(REQUESTS, DECOYS, 1)
        cards = [card for _ in range(10) for card in deck.permutation() if card.kind == "decoy"]
        assert len(cards) == 30 == deck.decoys  # half of the sixty warm up
        assert len(set(sources(cards))) == 30
        assert {(card.request, card.visit) for card in cards} == {(None, 0)}

    def test_none_of_those_that_warm_up_is_mixed_in(self):
        deck = Deck(REQUESTS, DECOYS, 1)
        warm = set(sources(deck.warm_up()))
        mixed = {source for _ in range(10) for source in sources(deck.permutation())}
        assert warm <= {decoy.source for decoy in DECOYS}
        assert not warm & mixed

    def test_without_a_source_of_them_only_requests_come(self):
        deck = Deck(REQUESTS, (), 1)
        assert {card.kind for card in deck.permutation()} == {"scored"}
        assert deck.decoys == 0


class TestWarmUp:
    def test_it_offers_three_hundred_that_nobody_scores(self):
        cards = list(Deck(REQUESTS, DECOYS, 1).warm_up())
        assert len(cards) == WARM_UP == 300
        assert {(card.kind, card.request) for card in cards} == {("warm-up", None)}

    @pytest.mark.parametrize("requests", [REQUESTS, TOKENS, texts(2), texts(1)], ids=["texts", "tokens", "two", "one"])
    @pytest.mark.parametrize("seed", range(5))
    def test_without_decoys_it_is_made_of_requests_and_never_one_of_them(self, requests, seed):
        warm = sources(Deck(requests, (), seed).warm_up())
        assert not set(warm) & {request.source for request in requests}
        assert set().union(*map(words, warm)) <= set().union(*(words(request.source) for request in requests))

    def test_it_joins_the_first_half_of_one_with_the_second_half_of_another(self):
        requests = [Request("a", "a1 a2 a3 a4", (), {"terms": "a"}), Request("b", "b1 b2 b3 b4", (), {"terms": "b"})]
        warm = {(card.asked.source, card.asked.fields["terms"]) for card in Deck(requests, (), 1).warm_up()}
        twice = {(f"{one.source} {one.source}", one.fields["terms"]) for one in requests}
        assert warm <= {("a1 a2 b3 b4", "a"), ("b1 b2 a3 a4", "b")} | twice

    def test_halves_of_tokens_are_tokens(self):
        warm = [card.asked.source for card in Deck(TOKENS, (), 1).warm_up()]
        assert all(isinstance(source, list) and len(source) in (4, 8) for source in warm)

    def test_a_language_without_spaces_is_halved_by_characters(self):
        requests = [Request("a", "一二三四"), Request("b", "五六七八")]
        warm = set(sources(Deck(requests, (), 1).warm_up()))
        assert warm <= {"一二七八", "五六三四", "一二三四 一二三四", "五六七八 五六七八"}

    @pytest.mark.parametrize("source", ["", "word", (), ("word",)])
    def test_a_source_that_cannot_be_halved_is_doubled(self, source):
        warm = set(sources(Deck([Request("a", source)], (), 1).warm_up()))
        assert source not in warm

    def test_few_decoys_warm_up_again_and_again(self):
        cards = list(Deck(REQUESTS, texts(8, name="d"), 1).warm_up())
        assert len(set(sources(cards))) == 4
        assert [card.visit for card in cards[:9]] == [0, 0, 0, 0, 1, 1, 1, 1, 2]
