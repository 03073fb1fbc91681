from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import unicodedata
import zipfile
from pathlib import Path

import numpy as np
import pytest

PROTENO = Path(__file__).resolve().parents[2] / "submissions" / "text-normalization" / "proteno"
KINDS = ("bilstm", "bilstm-crf", "transformer")
SMALL = {"word": 16, "character": 8, "filters": 16, "hidden": 16, "device": "cpu", "budget": 96, "rate": 0.01}
"""Large enough for toy sentences, small enough to train in a second."""


@pytest.fixture(scope="module", autouse=True)
def _proteno_is_found():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(PROTENO))
        yield


@pytest.fixture(scope="module")
def torch():
    return pytest.importorskip("torch", reason="no torch: the networks of Proteno need it (pip install torch)")


@pytest.fixture(scope="module")
def networks(torch):
    from proteno.taggers import networks

    return networks


@pytest.fixture(scope="module")
def layers(torch):
    from proteno.taggers import networks_layers

    return networks_layers


@pytest.fixture(scope="module")
def training(torch):
    from proteno.taggers import networks_training

    return networks_training


@pytest.fixture
def cuda(torch):
    if not torch.cuda.is_available():
        pytest.skip("no card: torch sees no CUDA device on this machine")
    return torch.device("cuda")


def corpus(numbers):
    """Each number twice: a price after `$`, and a year after `in`, so that only the neighbour tells which."""
    prices = [["it", "costs", "$", str(number), "."] for number in numbers]
    years = [["born", "in", str(number), "."] for number in numbers]
    labels = [["self", "self", "silence", "cardinal", "silence"], ["self", "self", "year", "silence"]]
    return prices + years, [labels[0]] * len(prices) + [labels[1]] * len(years)


TRAINING = corpus(range(1800, 1860))
UNSEEN = corpus(range(1960, 1975))


def labelled(tagger, sentences):
    from proteno.decoding import decode

    everything = list(range(len(tagger.labels)))
    paths = (decode(lattice, [everything] * len(lattice.emissions)) for lattice in tagger.lattices(sentences))
    return [[tagger.labels[label] for label in path] for path in paths]


@pytest.fixture(scope="module", params=KINDS)
def tagger(request, networks):
    return networks.train(*TRAINING, kind=request.param, epochs=25, held_out=0, **SMALL)


# --- what is computed ---


def scores_of_paths(emissions, transitions):
    """By path, for one sentence without padding: the sum of what it emits and of its transitions."""
    length, labels = emissions.shape
    return {
        path: sum(float(emissions[at, label]) for at, label in enumerate(path))
        + sum(float(transitions[pair]) for pair in itertools.pairwise(path))
        for path in itertools.product(range(labels), repeat=length)
    }


@pytest.fixture
def random_batch(torch):
    """Emissions of three sentences of 4, 2 and 1 tokens with 3 labels, transitions, and which tokens are present."""
    generator = torch.Generator().manual_seed(7)
    lengths = torch.tensor([4, 2, 1])
    emissions = torch.randn(3, 4, 3, generator=generator, dtype=torch.float64)
    transitions = torch.randn(3, 3, generator=generator, dtype=torch.float64)
    return emissions, transitions, lengths, torch.arange(4) < lengths[:, None]


def test_the_log_partition_is_the_sum_over_all_paths(torch, layers, random_batch):
    emissions, transitions, lengths, present = random_batch
    found = layers.log_partition(emissions, transitions, present)
    for total, sentence, length in zip(found, emissions, lengths, strict=True):
        paths = scores_of_paths(sentence[:length], transitions)
        assert float(total) == pytest.approx(np.logaddexp.reduce(list(paths.values())), abs=1e-12)


def test_paths_with_a_label_that_is_not_allowed_are_no_part_of_the_sum(torch, layers, random_batch):
    emissions, transitions, _, present = random_batch
    emissions[0, 1, 2] = emissions[0, 2, 0] = emissions[0, 2, 1] = -torch.inf
    paths = scores_of_paths(emissions[0].nan_to_num(neginf=0), transitions)
    possible = [score for path, score in paths.items() if path[1] != 2 and path[2] == 2]
    total = layers.log_partition(emissions, transitions, present)[0]
    assert len(possible) == 3 * 2 * 1 * 3
    assert float(total) == pytest.approx(np.logaddexp.reduce(possible), abs=1e-12)


def test_what_stands_in_padding_changes_nothing(torch, layers, random_batch):
    emissions, transitions, _, present = random_batch
    path = torch.zeros(3, 4, dtype=torch.long)
    other = torch.where(present[:, :, None], emissions, 99.0)
    other_path = torch.where(present, path, 2)
    assert torch.equal(
        layers.log_partition(emissions, transitions, present), layers.log_partition(other, transitions, present)
    )
    assert torch.equal(
        layers.path_score(emissions, transitions, path, present),
        layers.path_score(other, transitions, other_path, present),
    )


def test_the_score_of_a_path_is_its_emissions_and_transitions(torch, layers, random_batch):
    emissions, transitions, lengths, present = random_batch
    path = torch.tensor([[0, 2, 1, 1], [2, 2, 0, 0], [1, 0, 0, 0]])
    found = layers.path_score(emissions, transitions, path, present)
    for score, sentence, length, labels in zip(found, emissions, lengths, path.tolist(), strict=True):
        assert float(score) == pytest.approx(scores_of_paths(sentence[:length], transitions)[tuple(labels[:length])])


def test_the_loss_of_the_crf_is_minus_the_log_probability_of_the_path_per_token(torch, layers, random_batch):
    emissions, transitions, lengths, _ = random_batch
    network = layers.Network("bilstm-crf", (3, 3), 3, layers.Shape(hidden=4)).double()
    network.transitions.data = transitions
    gold = torch.tensor([[0, 2, 1, 1], [2, 2, 0, 0], [1, 0, 0, 0]])
    expected = 0.0
    for sentence, length, labels in zip(emissions, lengths, gold.tolist(), strict=True):
        paths = scores_of_paths(sentence[:length], transitions)
        expected += np.logaddexp.reduce(list(paths.values())) - paths[tuple(labels[:length])]
    assert network.loss(emissions, gold, lengths).item() == pytest.approx(expected / 7)


def test_gradients_are_finite_where_labels_are_not_allowed(torch, layers, random_batch):
    emissions, transitions, _, present = random_batch
    emissions[0, :, 1] = -torch.inf
    emissions.requires_grad_()
    transitions.requires_grad_()
    layers.log_partition(emissions, transitions, present).sum().backward()
    assert torch.isfinite(emissions.grad).all()
    assert torch.isfinite(transitions.grad).all()
    assert (emissions.grad[0, :, 1] == 0).all()
    assert torch.allclose(emissions.grad.sum(2), present.double())  # the probabilities of the labels of a token


# --- what is learnt ---


def test_a_neighbour_decides_and_numbers_that_training_lacked_are_known_by_their_characters(tagger):
    sentences, labels = UNSEEN
    assert not {token for sentence in sentences for token in sentence if token.isdecimal()} & set(tagger.inputs.words)
    assert labelled(tagger, sentences) == labels


def test_lattices_have_a_row_for_each_token_and_a_column_for_each_label(tagger):
    sentences = [["born"], [], ["it", "costs", "$", "7"]]
    lattices = tagger.lattices(sentences)
    assert tagger.labels == ("cardinal", "self", "silence", "year")
    assert [lattice.emissions.shape for lattice in lattices] == [(1, 4), (0, 4), (4, 4)]
    assert {lattice.transitions.shape for lattice in lattices} == {(4, 4)}
    assert all(np.isfinite(lattice.emissions).all() for lattice in lattices)
    assert tagger.lattices([]) == []
    assert bool(lattices[0].transitions.any()) is (tagger.kind == "bilstm-crf")


def test_a_sentence_is_scored_alike_whatever_stands_beside_it(tagger):
    sentences = [*UNSEEN[0], ["in"], ["€"] * 40]
    together = tagger.lattices(sentences)
    for sentence, lattice in zip(sentences, together, strict=True):
        alone = tagger.lattices([sentence])[0]
        np.testing.assert_allclose(alone.emissions, lattice.emissions, atol=1e-4)


def test_order_of_tokens_matters(tagger):
    forth, back = tagger.lattices([["in", "1970", "$"], ["$", "1970", "in"]])
    assert not np.allclose(forth.emissions[1], back.emissions[1], atol=1e-2)


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_gives_the_same_weights_and_leaves_other_random_numbers_alone(kind, networks, torch):
    torch.manual_seed(5)
    before = torch.get_rng_state()
    first, again, other = (
        networks.train(*TRAINING, kind=kind, epochs=2, seed=seed, **SMALL).network.state_dict() for seed in (1, 1, 2)
    )
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["scores.weight"], other["scores.weight"])
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("kind", KINDS)
def test_where_one_label_alone_is_allowed_nothing_is_left_to_learn(kind, networks):
    sentences, labels = TRAINING
    allowed = [[[label] for label in line] for line in labels]
    told = []
    networks.train(sentences, labels, allowed, told.append, kind=kind, epochs=1, **SMALL)
    assert told[0].loss == pytest.approx(0.0, abs=1e-5)
    assert told[0].accuracy == 1


def test_labels_that_no_token_has_may_be_allowed(networks):
    sentences, labels = TRAINING
    allowed = [[{label, "ordinal"} for label in line] for line in labels]
    assert "ordinal" not in networks.train(sentences, labels, allowed, epochs=1, **SMALL).labels


@pytest.mark.parametrize("kind", KINDS)
def test_a_right_label_that_does_not_accept_its_token_is_learnt_and_counts_as_wrong(kind, networks):
    sentences, labels = TRAINING
    labels = [["noise" if label == "year" else label for label in line] for line in labels]
    allowed = [[["self"] if label == "noise" else [label] for label in line] for line in labels]
    told = []
    networks.train(sentences, labels, allowed, told.append, kind=kind, epochs=5, patience=5, held_out=0.5, **SMALL)
    assert told[0].loss > told[-1].loss > 0
    sizes = [len(line) for line in labels]
    assert {epoch.accuracy for epoch in told} == {told[0].accuracy}
    assert (sum(sizes) - len(sizes) / 2) / sum(sizes) == pytest.approx(told[0].accuracy, abs=0.05)


def test_learning_ends_when_the_held_out_share_gets_no_better(networks):
    sentences, labels = TRAINING
    told = []
    networks.train(sentences, labels, None, told.append, epochs=40, patience=3, held_out=0.2, **SMALL)
    best = max(range(len(told)), key=lambda at: told[at].accuracy)
    assert [epoch.number for epoch in told] == list(range(1, best + 1 + 3 + 1))
    assert len(told) < 40
    assert told[-1].loss < told[0].loss
    assert all(epoch.seconds > 0 for epoch in told)


def test_the_weights_of_the_best_epoch_are_kept(networks, layers, training, torch):
    """A rate that is far too high makes accuracies jump, so that the last epoch is not the best."""
    sentences, labels = TRAINING
    numbers = {label: number for number, label in enumerate(sorted({label for line in labels for label in line}))}
    tokens, known = training.examples(sentences, labels, None, numbers)
    inputs = networks.Inputs.of(sentences)
    table = torch.from_numpy(inputs.table(tokens))
    told = []
    with torch.random.fork_rng([]):
        torch.manual_seed(3)
        network = layers.Network("bilstm", inputs.sizes, len(numbers), layers.Shape(hidden=8))
        torch.manual_seed(4)
        training.fit(network, table, known, training.Plan(epochs=6, patience=5, rate=1.0), told.append)
        torch.manual_seed(4)
        held, _ = training._parts(list(map(len, sentences)), training.Plan().held_out)
    accuracies = [epoch.accuracy for epoch in told]
    assert accuracies[-1] < max(accuracies)
    assert training._accuracy(network, table, known.at(held)) == max(accuracies)


def test_without_a_held_out_share_all_epochs_are_used(networks):
    told = []
    networks.train(*TRAINING, None, told.append, epochs=3, patience=1, held_out=0, **SMALL)
    assert [epoch.accuracy for epoch in told] == [None] * 3


# --- what is seen of a token ---


def test_a_character_that_training_lacked_is_seen_by_its_category():
    from proteno.taggers.networks_inputs import CATEGORIES, CHARACTERS, UNKNOWN, Inputs

    inputs = Inputs.of([["aA"]])
    table = inputs.table(["aA", "bB", "中"])
    assert (table[0] == 0).all()
    assert (table[2, CHARACTERS][:2] == UNKNOWN).all()
    assert table[1, CATEGORIES].tolist() == table[2, CATEGORIES].tolist() != table[3, CATEGORIES].tolist()


def test_every_category_of_unicode_has_a_number():
    from proteno.taggers.networks_inputs import CATEGORIES_OF_UNICODE

    assert set(CATEGORIES_OF_UNICODE) == {unicodedata.category(chr(code)) for code in range(sys.maxunicode + 1)}


def test_of_a_long_token_both_ends_are_seen():
    from proteno.taggers.networks_inputs import CHARACTERS, LENGTH, WIDTH, Inputs

    token = "abcdefgh" + "x" * 100 + "stuvwxyz"
    inputs = Inputs.of([[token]])
    row = inputs.table([token])[1]
    assert row[CHARACTERS].tolist() == inputs.table(["abcdefghstuvwxyz"])[1][CHARACTERS].tolist()
    assert row[LENGTH] == WIDTH


def test_a_word_is_known_in_any_case_and_only_if_it_is_frequent_enough():
    from proteno.taggers.networks_inputs import Inputs

    assert Inputs.of([["March", "march", "May"]], 2).words == ("march",)


def test_batches_hold_every_sentence_once_and_no_more_than_their_budget():
    from proteno.taggers.networks_inputs import batches

    lengths = [3, 50, 0, 1, 2, 3, 9, 1, 7]
    groups = batches(lengths, 12)
    assert sorted(itertools.chain.from_iterable(groups)) == [0, 1, 3, 4, 5, 6, 7, 8]
    sizes = [len(group) * max(lengths[position] for position in group) for group in groups]
    assert max(size for group, size in zip(groups, sizes, strict=True) if len(group) > 1) <= 12
    assert batches([], 12) == []


# --- what is saved ---


def test_a_saved_tagger_scores_alike(tagger, networks, tmp_path):
    tagger.save(tmp_path)
    again = networks.load(tmp_path, device="cpu")
    assert again.labels == tagger.labels
    for one, other in zip(tagger.lattices(UNSEEN[0]), again.lattices(UNSEEN[0]), strict=True):
        np.testing.assert_array_equal(one.emissions, other.emissions)
        np.testing.assert_array_equal(one.transitions, other.transitions)


def test_what_is_saved_is_plain_and_the_same_each_time(tagger, tmp_path):
    folders = [tmp_path / "once", tmp_path / "again"]
    for folder in folders:
        folder.mkdir()
        tagger.save(folder)
    names = sorted(path.name for path in folders[0].iterdir())
    assert names == ["network.json", "network.npz"]
    assert all((folders[0] / name).read_bytes() == (folders[1] / name).read_bytes() for name in names)
    assert json.loads((folders[0] / "network.json").read_text("utf-8"))["kind"] == tagger.kind
    with np.load(folders[0] / "network.npz", allow_pickle=False) as weights:
        assert {weights[name].dtype for name in weights.files} == {np.dtype(np.float32)}
    with zipfile.ZipFile(folders[0] / "network.npz") as archive:
        assert all(name.endswith(".npy") for name in archive.namelist())


def test_weights_that_hide_a_pickle_are_refused(networks, tmp_path, torch):
    tagger = networks.train(*TRAINING, epochs=1, **SMALL)
    tagger.save(tmp_path)
    np.savez(tmp_path / "network.npz", **{"scores.bias": np.array([{}], dtype=object)})
    with pytest.raises(ValueError, match="allow_pickle"):
        networks.load(tmp_path)


# --- what is refused ---


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"kind": "oracle"}, ValueError, "no network 'oracle'; there are bilstm, bilstm-crf, transformer"),
        ({"device": "tpu"}, ValueError, "no device 'tpu'"),
        ({"depth": 3}, TypeError, "no setting 'depth'"),
    ],
)
def test_settings_that_there_are_not_are_refused(networks, settings, error, message):
    with pytest.raises(error, match=message):
        networks.train(*TRAINING, **(SMALL | settings))


@pytest.mark.parametrize(
    ("sentences", "labels", "allowed", "message"),
    [
        ([["a", "b"]], [["self"]], None, "differ in number"),
        ([["a"]], [["self"]], [[]], "differ in number"),
        ([["a"]], [["self"]], [[["silence"]]], "'a' is a token that no label accepts"),
        ([[], []], [[], []], None, "no tokens to learn from"),
        ([], [], None, "no tokens to learn from"),
    ],
)
def test_data_that_teach_nothing_are_refused(networks, sentences, labels, allowed, message):
    with pytest.raises(ValueError, match=message):
        networks.train(sentences, labels, allowed, **SMALL)


def test_there_is_no_silent_way_from_a_card_to_the_cpu(networks, torch, tmp_path):
    if torch.cuda.is_available():
        pytest.skip("a card is there: nothing to refuse")
    with pytest.raises(ValueError, match="torch sees no card"):
        networks.train(*TRAINING, **(SMALL | {"device": "cuda"}))
    networks.train(*TRAINING, epochs=1, **SMALL).save(tmp_path)
    with pytest.raises(ValueError, match="torch sees no card"):
        networks.load(tmp_path, device="cuda")
    assert networks.load(tmp_path).network.device.type == "cpu"


@pytest.mark.parametrize("kind", KINDS)
def test_a_card_trains_and_scores_like_the_cpu(kind, networks, cuda, tmp_path):
    tagger = networks.train(*TRAINING, kind=kind, epochs=25, held_out=0, **(SMALL | {"device": "cuda"}))
    assert tagger.network.device.type == "cuda"
    assert labelled(tagger, UNSEEN[0]) == UNSEEN[1]
    tagger.save(tmp_path)
    for one, other in zip(
        tagger.lattices(UNSEEN[0]), networks.load(tmp_path, device="cpu").lattices(UNSEEN[0]), strict=True
    ):
        np.testing.assert_allclose(one.emissions, other.emissions, atol=1e-2)


# --- in Proteno ---


@pytest.mark.parametrize("kind", KINDS)
def test_proteno_trains_reads_and_is_saved_with_a_network(kind, networks, tmp_path):
    from proteno import classes, model

    said = {one.description.name: one.reading for one in classes.load("en")[1]}
    said |= {"self": str, "silence": lambda _: ""}

    def read(part):
        return [[said[label](token) for token, label in zip(*line, strict=True)] for line in zip(*part, strict=True)]

    trained = model.train("en", TRAINING[0], read(TRAINING), tagger=kind, epochs=25, held_out=0, **SMALL)
    assert trained.say_all(UNSEEN[0]) == read(UNSEEN)
    assert read(UNSEEN)[0][3] != read(UNSEEN)[15][2]  # 1960 as a price and as a year
    trained.save(tmp_path)
    assert model.load(tmp_path).say_all(UNSEEN[0]) == read(UNSEEN)


# --- who needs torch ---


def test_torch_is_not_imported_before_a_network_is_used():
    modules = "proteno.taggers, proteno.taggers.networks_inputs, proteno.decoding, proteno.model"
    code = f"import sys, {modules}; assert 'torch' not in sys.modules"
    environment = {**os.environ, "PYTHONPATH": str(PROTENO)}
    subprocess.run([sys.executable, "-c", code], cwd=PROTENO, check=True, env=environment)


def test_every_network_has_a_name_among_the_taggers(networks, layers):
    from proteno.taggers import TAGGERS

    assert {name for name, module in TAGGERS.items() if module == "networks"} == set(layers.KINDS)
