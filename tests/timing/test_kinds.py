from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import replace

import pytest

from harness.manifest import RunTable
from harness.sandbox import Level
from harness.timing import Asked, SystemFault, nulls
from harness.timing.kinds.making import make, pair

from .places import place

HELLO = {
    "task": "terminology",
    "test_set": "dev",
    "unit": "segment",
    "tags": {"source_language": "en", "target_language": "de"},
}
SOURCES = ("one", "zwei", "três")


@contextmanager
def running(where=None, **table):
    """A system that is stopped whatever happens."""
    made = make(RunTable(**table), where or place(), {**HELLO, "unit": table.get("unit", "segment")}, 16)
    try:
        made.start()
        yield made
    finally:
        made.stop(0.2)


def jsonl(how):
    return running(command=["python", "jsonl.py", how])


def lines(how):
    return running(protocol="lines", command=["python", "lines.py", how])


def http(how):
    return running(protocol="http", command=["python", "server.py", "{port}", how])


def requests(*sources):
    return [Asked(f"q{number}", source) for number, source in enumerate(sources)]


def ask_all(system, sources, deadline_s=30):
    return [system.ask(request, deadline_s) for request in requests(*sources)]


def fault(code, call, *arguments, **keywords):
    with pytest.raises(SystemFault) as caught:
        call(*arguments, **keywords)
    assert caught.value.code == code
    return caught.value.facts


class TestEveryKind:
    @pytest.fixture(params=["jsonl", "lines", "callable", "http"])
    def system(self, request):
        table = {
            "jsonl": {"command": ["python", "jsonl.py", "echo"]},
            "lines": {"command": ["python", "lines.py", "echo"]},
            "callable": {"callable": "functions:echo"},
            "http": {"command": ["python", "server.py", "{port}", "echo"]},
        }[request.param]
        with running(protocol=request.param, **table) as made:
            made.load(30)
            yield made

    def test_texts_arrive_whole_both_ways(self, system):
        sources = ["plain", "", "two\nlines\r\n", "back\\slash \\n", "ü \u2028 \x85 漢字 😀", "x" * 50_000]
        assert [replied.output for replied in ask_all(system, sources)] == sources

    def test_replies_carry_the_ids_and_stamps_in_order(self, system):
        replied = ask_all(system, SOURCES)
        assert [one.id for one in replied] == ["q0", "q1", "q2"]
        stamps = [stamp for one in replied for stamp in (one.sent, one.received)]
        assert stamps == sorted(stamps)
        assert system.first_output == replied[0].received

    def test_it_may_be_asked_one_by_one_and_all_at_once_in_turn(self, system):
        asked = [Asked(f"q{number}", f"text {number}") for number in range(400)]
        replied = [system.ask(asked[0], 30), *system.pour(asked[1:300], 30), system.ask(asked[300], 30)]
        replied += system.pour(asked[301:], 30, end=True)
        assert {one.id: one.output for one in replied} == {one.id: one.source for one in asked}

    def test_a_request_is_sent_when_it_is_due_and_stamped_with_that_moment(self, system):
        offsets = [0, 20_000_000, 20_000_000, 50_000_000]
        replied = sorted(system.pour(requests("a", "b", "c", "d"), 30, due=offsets), key=lambda one: one.id)
        assert [one.sent - replied[0].sent for one in replied] == offsets
        assert all(one.received > one.sent for one in replied)

    def test_it_ends_by_itself_when_it_is_stopped(self, system):
        ask_all(system, SOURCES)
        assert system.pids()
        assert system.stop(30).status == 0
        assert system.pids() == set()

    def test_it_may_be_stopped_without_having_been_asked(self, system):
        assert system.stop(30).status == 0


class TestJsonl:
    def test_the_system_is_told_what_it_will_be_asked(self):
        with jsonl("hello") as system:
            system.load(30)
            said = json.loads(system.ask(Asked("q0", ""), 30).output)
        assert said == {"harness": 1, **HELLO}

    def test_replies_out_of_order_find_their_requests(self):
        with jsonl("backwards") as system:
            system.load(30)
            replied = system.pour(requests(*SOURCES), 30)
        assert [(one.id, one.output) for one in replied] == [("q2", "três"), ("q1", "zwei"), ("q0", "one")]

    def test_a_corpus_system_answers_after_the_end(self):
        with running(command=["python", "jsonl.py", "corpus"], unit="corpus") as system:
            system.load(30)
            replied = system.pour(requests(*SOURCES), 30, end=True)
            assert [one.output for one in replied] == ["3 one", "3 zwei", "3 três"]
            assert system.stop(30).status == 0

    @pytest.mark.parametrize(
        ("how", "code", "why"),
        [
            ("slow-without-banner", "X011", "; is stdout flushed?"),
            ("dies-loading", "X010", "its output ended: exit status 1"),
            ("talks-before-it-is-ready", "X012", "it wrote: Loading checkpoint shards: 100%"),
            ("protocol-2", "X012", "does not speak protocol 1"),
        ],
    )
    def test_loading_can_fail(self, how, code, why):
        with jsonl(how) as system:
            facts = fault(code, system.load, 0.5 if code == "X011" else 30)
        assert facts["request"] == "0 (ready)"
        assert why in facts["detail" if code == "X011" else "what"]

    def test_nothing_but_the_banner_may_be_said_before_the_first_request(self):
        with jsonl("talks-after-it-is-ready") as system:
            assert "ready!" in fault("X012", lambda: [system.load(30), *ask_all(system, SOURCES)])["what"]

    @pytest.mark.parametrize("poured", [False, True], ids=["asked", "poured"])
    @pytest.mark.parametrize(
        ("how", "number", "code", "why"),
        [
            ("ignores", 1, "X011", "; is stdout flushed?"),
            ("half-a-line", 1, "X011", ""),
            ("floods", 1, "X012", "longer than 64 KiB"),
            ("garbage", 1, "X012", "it wrote: translating..."),
            ("not-utf8", 1, "X012", "not UTF-8 at byte"),
            ("wrong-id", 2, "X012", "id 'q999' was not asked"),
            ("same-id", 2, "X012", "id 'q0' was answered before"),
            ("early", 2, "X012", "it wrote"),
            ("two-lines", None, "X012", "it wrote"),
            ("chatty", None, "X012", ""),
            ("dies", 3, "X010", "its output ended: exit status 3"),
            ("killed", 3, "X010", "its output ended: signal 9, SIGKILL"),
            ("closes-stdout", 1, "X010", "its output ended: it closed its output and went on"),
        ],
    )
    def test_a_fault_names_the_request_and_the_reason(self, how, number, code, why, poured):
        with jsonl(how) as system:
            system.load(30)
            limit = 0.5 if code == "X011" else 30
            if poured:
                facts = fault(code, system.pour, requests(*SOURCES), limit, end=code == "X012")
            else:
                facts = fault(code, ask_all, system, SOURCES, limit)
            if how == "dies":
                assert b"out of words" in system.stop(0).stderr
        assert why in facts["detail" if code == "X011" else "what"]
        assert number is None or poured or facts["request"] == number
        assert facts["expected"] == 3 if poured else facts["expected"] == facts["request"]

    def test_a_line_after_the_end_breaks_the_protocol(self):
        with jsonl("goes-on") as system:
            system.load(30)
            assert "more than it was asked for" in fault("X012", system.pour, requests(*SOURCES), 30, end=True)["what"]

    def test_a_system_that_will_not_end_is_killed(self):
        with jsonl("will-not-end") as system:
            system.load(30)
            ask_all(system, SOURCES)
            assert system.stop(0.2).status == -9

    def test_a_command_that_does_not_exist_cannot_start(self):
        system = make(RunTable(command=["./no-such-file"]), place(), HELLO)
        assert "./no-such-file: No such file" in fault("X013", system.start)["what"]
        assert system.stop().status is None


class TestLines:
    def test_a_plain_command_is_a_system(self):
        with running(protocol="lines", command=["cat"]) as system:
            system.load(30)
            assert [one.output for one in ask_all(system, SOURCES)] == list(SOURCES)

    def test_it_is_ready_at_once_because_it_cannot_say(self):
        with lines("reads-nothing") as system:
            assert system.load(0) > 0

    def test_a_system_that_never_flushes_is_late_alone_and_good_at_the_end_of_the_input(self):
        with lines("never-flushes") as system:
            facts = fault("X011", system.ask, requests("one")[0], 0.5)
            assert facts == {"request": 1, "expected": 1, "limit": 0.5, "found": 0, "detail": "; is stdout flushed?"}
        with lines("never-flushes") as system:
            assert [one.output for one in system.pour(requests(*SOURCES), 30, end=True)] == list(SOURCES)

    def test_tokens_cannot_be_sent(self):
        with lines("echo") as system:
            assert "lists of tokens" in fault("X013", system.ask, Asked("q0", ["a"]), 1)["what"]


class TestCallable:
    def test_what_it_prints_is_no_reply(self):
        with running(protocol="callable", callable="functions:upper") as system:
            system.load(30)
            assert [one.output for one in ask_all(system, SOURCES)] == ["ONE", "ZWEI", "TRÊS"]

    def test_a_class_is_made_once(self):
        with running(protocol="callable", callable="functions:Counter") as system:
            system.load(30)
            assert [one.output for one in ask_all(system, SOURCES)] == ["1 one", "2 zwei", "3 três"]

    def test_a_corpus_function_gets_all_requests(self):
        with running(protocol="callable", callable="functions:count", unit="corpus") as system:
            system.load(30)
            replied = system.pour(requests(*SOURCES), 30, end=True)
        assert [one.output for one in replied] == ["3 one", "3 zwei", "3 três"]

    @pytest.mark.parametrize(
        ("name", "unit", "why"),
        [
            ("functions:fails", "segment", b"KeyError: 'no word for one'"),
            ("functions:short", "corpus", b"ValueError: 2 outputs for 3 requests"),
        ],
    )
    def test_an_exception_ends_the_system_with_its_traceback(self, name, unit, why):
        with running(protocol="callable", callable=name, unit=unit) as system:
            system.load(30)
            facts = fault("X010", system.pour, requests(*SOURCES), 30, end=True)
            assert facts["what"] == "its output ended: exit status 1"
            assert why in system.stop().stderr

    def test_a_function_that_does_not_exist_ends_the_system_while_it_loads(self):
        with running(protocol="callable", callable="functions:nothing") as system:
            assert fault("X010", system.load, 30)["request"] == "0 (ready)"
            assert b"AttributeError" in system.stop().stderr


class TestHttp:
    def test_chunked_responses_are_read(self):
        with http("chunked") as system:
            system.load(30)
            assert [one.output for one in ask_all(system, SOURCES)] == list(SOURCES)

    def test_a_server_that_is_never_ready_is_late(self):
        with http("never-ready") as system:
            facts = fault("X011", system.load, 0.5)
        assert facts["detail"] == "; GET /ready on 127.0.0.1:{port} was not answered with 200"

    def test_a_server_that_cannot_be_started_has_an_exit_status(self):
        with running(protocol="http", command=["./no-such-server", "{port}"]) as system:
            assert fault("X010", system.load, 30)["what"] == "exit status 127"
            assert system.stop().stderr == b"./no-such-server: No such file or directory\n"

    @pytest.mark.parametrize(
        ("how", "code", "why"),
        [
            ("hangs", "X011", ""),
            ("dies", "X010", "the connection was closed; it has to be kept: exit status 3"),
            ("http1.0", "X010", "the connection was closed; it has to be kept"),
            ("500", "X012", "the response is not 200"),
            ("wrong-id", "X012", "id '?' was not asked"),
            ("floods", "X012", "longer than 64 KiB"),
            ("twice", "X012", ""),
            ("no-length", "X012", "neither Content-Length nor chunks"),
        ],
    )
    def test_a_fault_names_the_reason(self, how, code, why):
        with http(how) as system:
            system.load(30)
            facts = fault(code, ask_all, system, SOURCES, 0.5 if code == "X011" else 30)
        assert why in facts["detail" if code == "X011" else "what"]


class TestBatch:
    def batch(self, how):
        return running(protocol="batch", command=["python", "batch.py", how])

    def test_the_command_is_told_languages_and_batch_size(self):
        with self.batch("echo") as system:
            system.load(1)
            replied = system.pour(requests("one", "two\nlines"), 30)
        assert [one.output for one in replied] == ["en-de 16 one", "en-de 16 two\nlines"]

    def test_all_replies_have_the_stamps_of_the_process(self):
        with self.batch("echo") as system:
            replied = system.pour(requests(*SOURCES), 30)
        assert len({(one.sent, one.received) for one in replied}) == 1
        assert replied[0].sent < replied[0].received == system.first_output

    def test_every_call_is_a_process(self):
        with self.batch("echo") as system:
            first, second = system.ask(Asked("q0", "one"), 30), system.ask(Asked("q1", "two"), 30)
            assert first.received < second.sent
            assert system.stop().status == 0

    def test_a_missing_line_breaks_the_protocol_with_both_numbers(self):
        with self.batch("drops-one") as system:
            facts = fault("X012", system.pour, requests(*SOURCES), 30)
        assert facts == {"request": 2, "what": "3 lines are expected, 2 came"}

    def test_a_failing_command_ended(self):
        with self.batch("fails") as system:
            facts = fault("X010", system.pour, requests(*SOURCES), 30)
            assert facts == {"request": 1, "expected": 3, "what": "exit status 1"}
            assert system.stop().stderr == b"no model for en-de\n"

    def test_a_hanging_command_is_late(self):
        with self.batch("hangs") as system:
            assert fault("X011", system.pour, requests(*SOURCES), 0.3)["limit"] == 0.3

    def test_it_cannot_be_asked_at_given_moments(self):
        with self.batch("echo") as system:
            assert "while it runs" in fault("X013", system.pour, requests("one"), 1, due=[0])["what"]

    def test_a_test_set_without_languages_is_named(self):
        assert pair({"test_set": "dev", "tags": {"source_language": "en"}}) == "dev"


class TestMaking:
    @pytest.mark.parametrize(
        ("table", "why"),
        [
            ({"protocol": "jsonl"}, 'protocol "jsonl" needs a `command`'),
            ({"protocol": "callable"}, 'protocol "callable" needs `callable`'),
            ({"protocol": "container"}, 'protocol "container" needs `image`'),
            ({"protocol": "http", "command": ["x"], "unit": "corpus"}, "has no end of input"),
        ],
    )
    def test_a_table_that_lacks_something_cannot_start(self, table, why):
        assert why in fault("X013", make, RunTable(**table), place(), HELLO)["what"]

    def test_an_http_command_names_the_port(self):
        system = make(RunTable(protocol="http", command=["x"]), place(), HELLO)
        assert "needs the word {port}" in fault("X013", system.start)["what"]


class TestContainer:
    IMAGE = "registry.example/team/system@sha256:" + "0" * 64

    def test_an_image_is_started_with_its_words_and_without_what_is_ours(self):
        started = []

        def starter(command, room, limits, level, **descriptors):
            started.append((command, room, level, sorted(descriptors)))
            raise FileNotFoundError(2, "No such file or directory")

        table = RunTable(protocol="container", image=self.IMAGE, command=["python", "run.py"])
        fault("X013", make(table, replace(place(), starter=starter), HELLO).start)
        [(command, room, level, descriptors)] = started
        assert command == [self.IMAGE, "python", "run.py"]
        assert (room.readable, room.environment, level) == ((), {}, Level.CONTAINER)
        assert descriptors == ["pass_fds", "stdin", "stdout"]


class TestNulls:
    @pytest.mark.parametrize("protocol", ["lines", "jsonl"])
    def test_the_floor_has_a_median_and_a_tail(self, protocol):
        floor = nulls.floor(protocol, place(), n=200)
        assert 0 < floor.p50_ns <= floor.p99_ns
        assert floor.n == 200


@pytest.mark.sandbox
class TestInABox:
    @pytest.fixture(params=[Level.NONE, Level.BUBBLEWRAP], ids=str)
    def boxed(self, request):
        return place(request.param)

    @pytest.mark.parametrize(
        ("protocol", "table"),
        [
            ("jsonl", {"command": ["python", "jsonl.py", "echo"]}),
            ("lines", {"command": ["python", "lines.py", "echo"]}),
            ("callable", {"callable": "functions:echo"}),
            ("http", {"command": ["python", "server.py", "{port}", "echo"]}),
            ("batch", {"command": ["python", "batch.py", "echo"]}),
        ],
    )
    def test_every_kind_answers_and_ends(self, boxed, protocol, table):
        with running(boxed, protocol=protocol, **table) as system:
            system.load(30)
            outputs = [one.output for one in system.pour(requests(*SOURCES), 30)]
            ending = system.stop(30)
        prefix = "en-de 16 " if protocol == "batch" else ""
        assert outputs == [prefix + source for source in SOURCES]
        assert (ending.status, ending.orphans) == (0, 0)

    def test_relay_and_null_system_need_nothing_of_the_harness_in_the_room(self):
        bare = place(Level.BUBBLEWRAP, ours=False)
        assert nulls.floor("jsonl", bare, n=100).p50_ns > 0
        with running(bare, protocol="http", command=["python", "server.py", "{port}", "echo"]) as system:
            system.load(30)
            assert system.ask(Asked("q0", "one"), 30).output == "one"
