"""Charts: scales, fronts, labels and colours by hand; what is drawn is what the records say, and no more."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from itertools import combinations, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.records import Flag, Isolation
from harness.site import charts, gains, heat, labels, model, pages, speed, testset
from harness.site.config import Config
from harness.site.labels import Frame
from harness.site.site import Records

POSITIVE = st.floats(min_value=1e-6, max_value=1e9)
NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)
CHART_BYTES = 15_000


# --- scales ---


def test_a_log_axis_ends_at_the_grid_and_spaces_its_ticks_by_their_logarithm():
    scale = charts.logarithmic([1.3, 90.0], (0.0, 300.0))
    assert (scale.lo, scale.hi) == (1.0, 100.0)
    assert [(tick.label, tick.at) for tick in scale.ticks] == [
        ("1", 0.0),
        ("2", 45.2),
        ("5", 104.8),
        ("10", 150.0),
        ("20", 195.2),
        ("50", 254.8),
        ("100", 300.0),
    ]
    assert scale.at(10.0) == 150.0


def test_a_log_axis_without_room_has_ticks_at_powers_of_ten():
    ticks = charts.logarithmic([1.0, 1e6], (0.0, 400.0), speed.compact).ticks
    assert [tick.label for tick in ticks] == ["1", "10", "100", "1k", "10k", "100k", "1M"]


def test_a_log_axis_of_one_value_has_room_on_both_sides():
    scale = charts.logarithmic([10.0], (0.0, 100.0))
    assert (scale.lo, scale.hi) == (5.0, 20.0)


@given(st.lists(POSITIVE, min_size=1))
def test_every_value_lies_on_a_log_axis_and_its_labels_stand_apart(values):
    scale = charts.logarithmic(values, (50.0, 450.0), speed.compact)
    assert scale.lo <= min(values) * (1 + 1e-6)
    assert scale.hi >= max(values) * (1 - 1e-6)
    assert all(50.0 <= scale.at(value) <= 450.0 for value in values)
    assert scale.ticks
    wide = [(tick.at, labels.width(tick.label) * labels.FONT / 2) for tick in scale.ticks]
    assert all(right - left > a + b for (left, a), (right, b) in pairwise(wide))


def test_a_linear_axis_has_ticks_at_round_numbers_and_may_run_backwards():
    scale = charts.linear([0.13, 0.87], (300.0, 0.0))
    assert [(tick.label, tick.at) for tick in scale.ticks] == [
        ("0", 300.0),
        ("0.2", 240.0),
        ("0.4", 180.0),
        ("0.6", 120.0),
        ("0.8", 60.0),
        ("1", 0.0),
    ]


@given(st.lists(st.floats(-1e6, 1e6), min_size=1))
def test_every_value_lies_on_a_linear_axis(values):
    scale = charts.linear(values, (0.0, 100.0))
    slack = 1e-8 * max(1.0, *map(abs, values))
    assert scale.lo <= min(values) + slack
    assert scale.hi >= max(values) - slack
    assert scale.ticks[0].at == 0.0
    assert scale.ticks[-1].at == 100.0


@pytest.mark.parametrize(
    ("value", "shown"), [(0.0002, "200 µs"), (0.005, "5 ms"), (0.1, "100 ms"), (1.0, "1 s"), (20.0, "20 s")]
)
def test_times_of_an_axis_have_a_unit_of_their_size(value, shown):
    assert speed.seconds(value) == shown


def test_a_strip_spans_the_smallest_and_the_largest_end():
    scale = charts.strip([(0.2, 0.4), (0.3, 0.7)])
    assert (scale.lo, scale.hi, scale.at(0.2), scale.at(0.45), scale.at(0.7)) == (0.2, 0.7, 0.0, 50.0, 100.0)
    assert scale.size(0.3, 0.4) == 20.0
    assert scale.size(0.3, 0.3) == 2.0, "an interval of no width is still seen"
    assert (scale.holds(0.7), scale.holds(0.71)) == (True, False)
    assert charts.strip([(0.5, 0.5)]) is None
    assert charts.strip([]) is None


# --- labels ---


@given(st.lists(st.tuples(st.floats(50, 450), st.floats(20, 290), NAMES), max_size=60))
def test_no_label_touches_another_nor_a_mark_nor_the_edge(marks):
    shown = [(x, y, labels.shorten(name)) for x, y, name in marks]
    frame = Frame(50.0, 20.0, 450.0, 290.0)
    found = [label for label in labels.place(shown, frame) if label is not None]
    boxes = [label.box for label in found]
    assert not any(labels.overlap(one, other) for one, other in combinations(boxes, 2))
    size = labels.MARK
    around = [Frame(x - size, y - size, x + size, y + size) for x, y, _ in marks]
    assert not any(labels.overlap(box, mark) for box in boxes for mark in around)
    assert all(frame.left <= box.left and box.right <= frame.right for box in boxes)


def test_the_first_marks_get_their_labels_first():
    found = labels.place([(100.0, 100.0, "one")] * 6, Frame(0.0, 0.0, 200.0, 200.0))
    assert [label is not None for label in found] == [True] * 4 + [False] * 2, "each at a corner of the mark"


def test_wide_characters_are_wide_and_combining_ones_take_no_room():
    assert labels.width("翻訳") > labels.width("ab")
    assert labels.width("e\u0301") == labels.width("e")


# --- fronts ---


def test_a_system_is_dominated_by_one_that_is_better_in_one_and_not_worse_in_the_other():
    points = [(1.0, 0.9), (5.0, 0.8), (3.0, 0.7), (5.0, 0.6), (1.0, 0.9), (0.5, 0.9), (9.0, 0.1)]
    assert speed.dominated(points) == [False, False, True, True, False, True, False]


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=12))
def test_domination_is_what_it_says(points):
    def beats(one, other):
        return one[0] >= other[0] and one[1] >= other[1] and one != other

    assert speed.dominated(points) == [any(beats(other, one) for other in points) for one in points]


def test_a_front_is_a_staircase_from_the_slow_edge_to_the_floor():
    assert speed.staircase([(100.0, 10.0), (200.0, 40.0)], 50.0, 290.0) == "M50 10H100V40H200V290"
    assert speed.staircase([], 50.0, 290.0) == ""


# --- quality against speed ---


def plots_of(make, *systems, timings=None, **facts):
    """The plots of systems (name, quality, requests per second)."""
    results = [make.result(name, quality) for name, quality, _ in systems]
    timed = [make.timing(name, rate, **facts) for name, _, rate in systems if rate] if timings is None else timings
    return speed.plots(model.groups(results, [], (), timed)[0].boards[0])


def test_the_front_and_those_behind_it(make):
    (plot,) = plots_of(make, ("best", 0.9, 10.0), ("fast", 0.6, 900.0), ("beaten", 0.5, 50.0), ("untimed", 0.7, None))
    assert plot.leaders == ("Best", "Fast")
    assert {point.system: point.role for point in plot.points} == {
        "best": "front",
        "fast": "front",
        "beaten": "dominated",
    }
    assert (plot.untimed, plot.void, plot.unknown) == (1, 0, 0)
    best, fast = (next(point for point in plot.points if point.system == name) for name in ("best", "fast"))
    assert best.x < fast.x, "faster is further right"
    assert best.y < fast.y, "better is higher"
    frame = plot.frame
    assert plot.front == f"M{frame.left:g} {best.y:g}H{best.x:g}V{fast.y:g}H{fast.x:g}V{frame.bottom:g}"


def test_a_latency_axis_runs_the_same_way_and_less_is_better(make):
    (plot,) = plots_of(make, ("best", 0.9, 10.0), ("fast", 0.6, 900.0), scenario="latency")
    assert plot.goals == ("lower", "higher")
    assert plot.leaders == ("Best", "Fast")
    assert plot.front.startswith(f"M{plot.frame.right:g} ")


def test_a_metric_of_errors_is_better_below(make):
    results = [
        make.result(name, scores=[make.score("term_success", value, best="lower")])
        for name, value in (("few", 0.1), ("many", 0.6))
    ]
    timed = [make.timing("few", 10.0), make.timing("many", 90.0)]
    (plot,) = speed.plots(model.groups(results, [], (), timed)[0].boards[0])
    assert plot.goals[1] == "lower"
    assert plot.leaders == ("Few", "Many")
    assert plot.front.endswith(f"V{plot.frame.top:g}")


def test_a_difference_is_drawn_by_its_distance_from_zero(make):
    score = make.score("gap", -0.2, best="zero")
    assert speed.quality_of(score)[0] == pytest.approx((0.2, 0.187654321099, 0.212345678901))
    wide = make.score("gap", -0.2, best="zero", interval=None)
    assert speed.quality_of(wide) == ((0.2, 0.2, 0.2), "lower")


def test_backends_scenarios_machines_and_quick_timings_are_never_merged(make):
    timed = [
        make.timing("one", 10.0),
        make.timing("one", 10.0, backend="cpuN"),
        make.timing("one", 10.0, backend="cuda"),
        make.timing("one", 10.0, scenario="latency"),
        make.timing("one", 10.0, quick=True),
        make.timing("one", 10.0, machine_id="f" * 16),
    ]
    found = plots_of(make, ("one", 0.5, None), timings=timed)
    assert len(found) == 6
    assert [plot.shape for plot in found] == ["circle", "circle", "circle", "circle", "square", "diamond"]
    assert len({plot.key for plot in found}) == 6


def test_void_timings_are_counted_and_not_drawn(make):
    void = [Flag(name="noise", detail="19 of 40 blocks", voids=True)]
    timed = [make.timing("good", 10.0), make.timing("void", 99.0, flags=void)]
    (plot,) = plots_of(make, ("good", 0.5, None), ("void", 0.9, None), timings=timed)
    assert [point.system for point in plot.points] == ["good"]
    assert (plot.void, plot.untimed) == (1, 1)
    assert plots_of(make, ("void", 0.9, None), timings=timed[1:]) == (), "nothing to draw, nothing drawn"


def test_yardsticks_and_what_was_not_kept_apart_have_no_part_in_the_front(make):
    low = Isolation(level="L1", selftest="", gaps=[], trusted_by="team-a")
    timed = [
        make.timing("copy", 999.0, kind="floor"),
        make.timing("open", 500.0, isolation=low),
        make.timing("good", 10.0),
    ]
    results = [make.result("copy", 0.95, kind="floor"), make.result("open", 0.9), make.result("good", 0.5)]
    (plot,) = speed.plots(model.groups(results, [], (), timed)[0].boards[0])
    assert {point.system: point.role for point in plot.points} == {"good": "front", "open": "apart", "copy": "apart"}
    assert plot.leaders == ("Good",)


def test_a_timing_without_the_number_is_counted(make):
    timed = [make.timing("one", 10.0, quantities=[make.quantity("throughput", None, reason="nothing was answered")])]
    timed.append(make.timing("two", 10.0))
    (plot,) = plots_of(make, ("one", 0.5, None), ("two", 0.5, None), timings=timed)
    assert plot.unknown == 1


# --- modes ---


@pytest.fixture
def modes(make):
    """Two test sets that differ in a tag, a third one beside, and two derived differences."""
    tags = {"source_language": "en", "target_language": "de"}
    results = [
        make.result(
            system, value, test_set=mode, tags={**tags, "mode": mode}, kind=kind, scores=make.scores(value, points)
        )
        for system, kind, values in (
            ("alpha", "primary", {"plain": (0.4, 30.0), "given": (0.9, 35.0), "other": (0.7, 33.0)}),
            ("beta", "primary", {"plain": (0.5, 31.0)}),
            ("copy", "floor", {"plain": (0.0, 5.0), "given": (0.1, 6.0)}),
        )
        for mode, (value, points) in values.items()
    ]
    weights = {"given": 1.0, "plain": -1.0}
    derived = [
        make.derived("term_success", weights, {"alpha": 0.5, "beta": None}),
        make.derived("bleu", weights, {"alpha": 5.0, "beta": None}, unit="points"),
        make.derived("term_success", {"given": 0.5, "plain": 0.5}, {"alpha": 0.65}, name="mean"),
    ]
    return results, derived


def gains_of(results, derived, test_set="given"):
    (group,) = model.groups(results, [])
    board = next(board for board in group.boards if board.test_set == test_set)
    return gains.plots(group, board, derived)


def test_an_arrow_runs_from_the_mode_that_is_subtracted_to_the_other(modes):
    (plot,) = gains_of(*modes)
    assert (plot.tag, plot.modes, plot.metrics) == ("mode", ("plain", "other", "given"), ("term_success", "bleu"))
    arrow = plot.arrows[0]
    assert [mode for mode, _, _ in arrow.marks] == ["plain", "other", "given"]
    (_, left, bottom), _, (_, right, top) = arrow.marks
    assert arrow.path == f"M{left:g} {bottom:g}L{right:g} {top:g}"
    assert left < right
    assert top < bottom, "more is higher"


def test_a_system_without_both_ends_is_in_the_table_alone(modes):
    (plot,) = gains_of(*modes)
    assert [arrow.system for arrow in plot.arrows] == ["alpha", "copy"]
    assert [line.result.system for line in plot.lines] == ["alpha", "beta", "copy"]
    assert plot.undrawn == 1
    assert [line.counts for line in plot.lines] == [True, True, False]
    assert plot.lines[0].gains[1].value == 5.0


def test_every_test_set_of_the_modes_shows_them_and_no_other(modes, make):
    results, derived = modes
    elsewhere = make.result("alpha", test_set="fr", tags={"mode": "given", "target_language": "fr"})
    for test_set, count in (("plain", 1), ("other", 1), ("given", 1), ("fr", 0)):
        assert len(gains_of([*results, elsewhere], derived, test_set)) == count


def test_one_difference_alone_draws_nothing(modes):
    results, derived = modes
    assert gains_of(results, derived[:1]) == ()
    assert gains_of(results, derived[1:]) == ()
    assert gains_of(results, []) == ()


# --- heat maps and pairs ---


def test_steps_are_equal_parts_and_the_ends_belong_to_them():
    assert [heat.step(value, (0.0, 1.0)) for value in (0.0, 0.19, 0.2, 0.5, 0.99, 1.0)] == [0, 0, 1, 2, 4, 4]
    assert heat.step(0.5, (0.5, 0.5)) == heat.STEPS - 1


def test_a_heat_map_has_the_test_sets_of_a_collection(make):
    results = [
        make.result("alpha", 0.9),
        make.result("beta", 0.4),
        make.result("beta", 0.8, test_set="en-fr"),
        make.result("copy", 0.1, kind="floor"),
    ]
    (group,) = model.groups(results, [("terminology", "en-fr", "alpha")])
    board = group.boards[0]
    found = heat.heat_map(group, board)
    assert found.test_sets == ("en-de", "en-fr")
    assert [row.result.system for row in found.competing] == ["alpha", "beta"]
    assert [[cell.step for cell in row.cells] for row in found.competing] == [[4, None], [0, 4]]
    assert found.competing[0].cells[1].state == "not submitted"
    assert [cell.step for row in found.yardsticks for cell in row.cells] == [None, None]
    assert found.yardsticks[0].cells[1].state == "no result"


def test_the_lower_the_better_colours_the_lower(make):
    def result(system, test_set, value):
        return make.result(system, test_set=test_set, scores=[make.score("term_success", value, best="lower")])

    results = [result("alpha", "en-de", 0.1), result("beta", "en-de", 0.9), result("beta", "en-fr", 0.5)]
    (group,) = model.groups(results, [])
    found = heat.heat_map(group, group.boards[0])
    assert [[cell.step for cell in row.cells] for row in found.competing] == [[4, None], [0, 2]]


def test_one_test_set_is_no_heat_map_and_one_system_has_no_colour(make):
    (group,) = model.groups([make.result("alpha", 0.9)], [])
    assert heat.heat_map(group, group.boards[0]) is None
    (group,) = model.groups([make.result("alpha", 0.9), make.result("alpha", 0.4, test_set="en-fr")], [])
    assert not heat.heat_map(group, group.boards[0]).is_coloured


def board_of(make, values):
    results = [make.result(system, value) for system, value in values.items()]
    return model.groups(results, [], [make.comparison(values)])[0].boards[0]


def test_a_matrix_has_every_pair_once_below_the_diagonal(make):
    matrix = heat.matrix(board_of(make, {"alpha": 0.9, "beta": 0.88, "gamma": 0.5}))
    assert [row.row.result.system for row in matrix.rows] == ["alpha", "beta", "gamma"]
    assert [[cell.shown for cell in row.cells] for row in matrix.rows] == [[], [".631"], ["<.001", "<.001"]]
    assert [[cell.step for cell in row.cells] for row in matrix.rows] == [[], [0], [3, 3]]
    assert [row.apart for row in matrix.rows] == [False, True, True]
    assert matrix.rows[2].cells[0].place == "terminology/en-de/alpha--vs--gamma.html"
    assert matrix.rows[2].cells[0].difference == pytest.approx(-0.4), "row minus column"


def test_a_matrix_shows_the_best_and_says_how_many_there_are(make):
    matrix = heat.matrix(board_of(make, {f"s{n:02}": 0.9 - n / 100 for n in range(30)}))
    assert (len(matrix.rows), matrix.total, matrix.pairs) == (heat.SHOWN, 30, 435)
    assert not matrix.has_differences


def test_nothing_tested_is_no_matrix(make):
    assert heat.matrix(board_of(make, {"alpha": 0.9})) is None
    (group,) = model.groups([make.result()], [])
    assert heat.matrix(group.boards[0]) is None


@pytest.mark.parametrize(("p", "shown"), [(None, "–"), (0.0004, "<.001"), (0.0123, ".012"), (1.0, "1.000")])  # noqa: RUF001
def test_p_values_are_short(p, shown):
    assert heat.p_value(p) == shown


def test_the_file_of_pairs_has_all_of_them_and_guards_formulas(make):
    found = make.comparison({"alpha": 0.9, "=cmd": 0.5, "beta": 0.3})
    lines = heat.pairs_csv(found).splitlines()
    assert lines[0] == "a,b,difference,lo,hi,p,p_holm"
    assert lines[1].startswith("alpha,'=cmd,0.4,,,")
    assert len(lines) == 4


# --- distributions ---


def test_bins_end_at_zero_and_hold_every_difference_that_is_not_zero():
    found = charts.distribution([0.0, 0.0, 0.5, 1.0, -0.25, -1.0])
    assert {(bar.lo, bar.hi): bar.count for bar in found.bars if bar.count} == {
        (-1.0, -0.8): 1,
        (-0.4, -0.2): 1,
        (0.4, 0.6): 1,
        (0.8, 1.0): 1,
    }
    assert (found.above, found.below, found.equal, found.count) == (2, 2, 2, 6)
    assert found.mean == pytest.approx(0.25 / 6)


@given(st.lists(st.floats(-100, 100), min_size=1))
def test_a_distribution_loses_nothing_and_stays_in_its_frame(differences):
    found = charts.distribution(differences)
    assert sum(bar.count for bar in found.bars) == found.above + found.below
    assert found.count == len(differences)
    assert not any(bar.lo < 0 < bar.hi for bar in found.bars)
    for bar in found.bars:
        assert found.frame.left <= bar.x
        assert bar.x + bar.width <= found.frame.right + 0.1
        assert found.frame.top <= bar.y <= found.frame.bottom
        assert (bar.side == "a") == (bar.hi > 0)


def test_there_is_no_distribution_of_nothing():
    with pytest.raises(ValueError, match="empty"):
        charts.distribution([])


# --- on the page ---


def crowd(make, count, name="System"):
    results = [make.result(f"s{n:04}", 0.2 + 0.7 * math.sin(n) ** 2, name=f"{name} {n}") for n in range(count)]
    timed = [make.timing(f"s{n:04}", 10 + 999 * math.cos(n) ** 2, name=f"{name} {n}") for n in range(count)]
    return results, timed


def text_of(folder, make_records):
    pages.build(make_records, folder / "site", folder / "none")
    return (folder / "site/terminology/en-de.html").read_text("utf-8")


@pytest.mark.parametrize("count", [1, 40, 1000])
def test_a_chart_is_small_whatever_is_in_it(tmp_path, make, count):
    results, timed = crowd(make, count, "A system with a name of some length & more")
    text = text_of(tmp_path, Records(results=results, timings=timed))
    found = re.findall(r"<svg class=\"chart\".*?</svg>", text, re.DOTALL)
    assert len(found) == 1
    assert len(found[0].encode()) <= CHART_BYTES
    assert "role=" not in found[0]


def test_every_chart_is_a_figure_with_a_caption(tmp_path, make):
    results, timed = crowd(make, 5)
    text = text_of(tmp_path, Records(results=results, timings=timed))
    assert text.count("<figure") == text.count("<figcaption") == text.count('<svg class="chart"') == 1
    assert "on the front, from the best to the fastest" in text


def test_a_name_is_text_in_a_chart(tmp_path, make):
    evil = '<script>alert(1)</script>"onload="x'
    results = [make.result("one", name=evil), make.result("two", 0.5)]
    records = Records(results=results, timings=[make.timing("one", name=evil), make.timing("two")])
    text = text_of(tmp_path, records)
    assert "<script>alert" not in text
    assert not re.search(r"<[^>]*\sonload=", text)


def test_intervals_are_drawn_where_the_scale_holds_them(tmp_path, make):
    results = [make.result("one", 0.8), make.result("two", 0.7), make.result("copy", 0.0, kind="floor")]
    text = text_of(tmp_path, Records(results=results))
    assert text.count('class="strip"') == 2, "the yardstick lies outside of what the competing systems span"
    alone = [make.result("one", 0.8), make.result("copy", 0.0, kind="floor")]
    board = model.groups(alone, [])[0].boards[0]
    assert testset.strip(board).lo < 0.0 < testset.strip(board).hi


def test_the_file_of_pairs_lies_beside_the_page_that_links_it(tmp_path, make):
    values = {"alpha": 0.9, "beta": 0.5}
    results = [make.result(system, value) for system, value in values.items()]
    text = text_of(tmp_path, Records(results=results, comparisons=[make.comparison(values)]))
    assert 'href="../data/terminology/pairs/en-de.csv"' in text
    assert (tmp_path / "site/data/terminology/pairs/en-de.csv").read_text("utf-8").startswith("a,b,")


def test_a_page_is_made_again_when_a_chart_changes(tmp_path, make):
    results, timed = crowd(make, 3)
    whole = Records(results=results, timings=timed)
    pages.build(whole, tmp_path / "site", tmp_path / "none")
    assert pages.build(whole, tmp_path / "site", tmp_path / "none") == []
    faster = replace(whole, timings=[*timed[:-1], make.timing("s0002", 5000.0)])
    written = pages.build(faster, tmp_path / "site", tmp_path / "none")
    assert tmp_path / "site/terminology/en-de.html" in written


def test_numbers_on_colours_are_legible_in_both_schemes(repository):
    css = (repository / "leaderboard/static/site.css").read_text("utf-8")
    tokens = dict(re.findall(r"--(\w+): light-dark\(([^)]+)\)", css))
    shares = [
        int(share) for share in re.findall(r"\.h[1-4] \{ background: color-mix\(in srgb, var\(--accent\) (\d+)%", css)
    ]
    assert len(shares) == heat.STEPS - 1
    for scheme in (0, 1):
        colour = {name: channels(text.split(",")[scheme].strip()) for name, text in tokens.items()}
        for share in shares:
            mixed = [
                share / 100 * a + (1 - share / 100) * c for a, c in zip(colour["accent"], colour["card"], strict=True)
            ]
            assert contrast(colour["ink"], mixed) >= 4.5


def channels(text):
    digits = text[1:] if len(text) == 7 else "".join(char * 2 for char in text[1:])
    return [int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4)]


def contrast(one, other):
    def luminance(colour):
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour]
        return sum(weight * channel for weight, channel in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    dark, light = sorted(map(luminance, (one, other)))
    return (light + 0.05) / (dark + 0.05)


def test_what_may_not_be_shown_is_in_no_chart(make):
    results, timed = crowd(make, 2)
    hidden = Config(hidden_until={"terminology/*": pages.date_of_build().replace(year=9000)})
    made = pages.of(Records(results=results, timings=timed), hidden, pages.date_of_build())
    assert not list(testset.pages(made))
