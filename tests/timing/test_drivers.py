from __future__ import annotations

import contextlib
import itertools
import os
import statistics
import subprocess
import sys
import tempfile
import time

import pytest

from harness.timing import REPLY_BYTES, SystemFault
from harness.timing.drivers import CHUNK, Lockstep, Stream, blocks_of, scheduled

from .places import CHILDREN


class Child:
    """A child program and our ends of its pipes."""

    def __init__(self, name, *arguments):
        source, self.write_fd = os.pipe()
        self.read_fd, sink = os.pipe()
        self.said = tempfile.TemporaryFile()  # noqa: SIM115 - closed in __exit__
        command = [sys.executable, "-I", str(CHILDREN / f"{name}.py"), *map(str, arguments)]
        self.process = subprocess.Popen(command, stdin=source, stdout=sink, stderr=self.said)
        os.close(source)
        os.close(sink)

    def end(self):
        os.close(self.write_fd)
        self.write_fd = -1
        self.process.wait(30)
        self.said.seek(0)
        return self.said.read()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        for descriptor in {self.write_fd, self.read_fd} - {-1}:
            os.close(descriptor)
        self.process.kill()
        self.process.wait()
        self.said.close()


@pytest.fixture
def wires():
    """Four ends: the driver's two, then the system's two, which a test may close."""
    source, write_fd = os.pipe()
    read_fd, sink = os.pipe()
    yield write_fd, read_fd, source, sink
    for descriptor in (write_fd, read_fd, source, sink):
        with contextlib.suppress(OSError):
            os.close(descriptor)


def fault(code, call, *arguments, **keywords):
    with pytest.raises(SystemFault) as caught:
        call(*arguments, **keywords)
    assert caught.value.code == code
    return caught.value.facts


class TestLockstep:
    def test_a_line_goes_out_and_one_comes_back_between_two_stamps(self):
        with Child("lines", "echo") as child:
            driver = Lockstep(child.write_fd, child.read_fd)
            before = time.monotonic_ns()
            sent, received, reply = driver.exchange(b"one\n", 30)
            assert reply == b"one"
            assert before <= sent <= received <= time.monotonic_ns()

    def test_requests_and_replies_may_be_larger_than_a_pipe(self):
        line = b"x" * REPLY_BYTES + b"\n"
        with Child("lines", "echo") as child:
            driver = Lockstep(child.write_fd, child.read_fd)
            assert driver.exchange(line, 30)[2] + b"\n" == line

    def test_a_reply_in_pieces_is_one_reply(self):
        with Child("lines", "byte-by-byte") as child:
            driver = Lockstep(child.write_fd, child.read_fd)
            assert [driver.exchange(line, 30)[2] for line in (b"one\n", b"two\n")] == [b"one", b"two"]

    def test_silence_is_late_and_suggests_to_flush(self):
        with Child("lines", "never-flushes") as child:
            facts = fault("X011", Lockstep(child.write_fd, child.read_fd).exchange, b"one\n", 0.2)
            assert facts == {"limit": 0.2, "found": 0, "detail": "; is stdout flushed?"}

    def test_half_a_line_is_late_and_counted(self):
        with Child("lines", "half") as child:
            facts = fault("X011", Lockstep(child.write_fd, child.read_fd).exchange, b"one two\n", 0.5)
            assert facts == {"limit": 0.5, "found": 4, "detail": ""}

    def test_the_deadline_is_that_of_the_whole_line(self):
        with Child("lines", "trickles") as child:
            assert fault("X011", Lockstep(child.write_fd, child.read_fd).exchange, b"one\n", 0.5)["found"] > 0

    def test_a_system_that_does_not_read_is_late_and_not_waited_for(self):
        with Child("lines", "reads-nothing") as child:
            facts = fault("X011", Lockstep(child.write_fd, child.read_fd).exchange, b"x" * 10 * CHUNK + b"\n", 0.3)
            assert facts["detail"] == f"; {9 * CHUNK + 1} bytes of it were not read"

    def test_what_comes_before_the_request_is_refused(self, wires):
        write_fd, read_fd, _, sink = wires
        os.write(sink, b"early\n")
        facts = fault("X012", Lockstep(write_fd, read_fd).exchange, b"one\n", 1)
        assert facts["what"] == "it wrote before the request was written; it wrote: early\\x0a"

    @pytest.mark.parametrize("more", [b"one\ntwo\n", b"one\nt"])
    def test_more_than_one_line_is_refused(self, wires, more):
        write_fd, read_fd, _, sink = wires
        os.write(sink, more)
        facts = fault("X012", Lockstep(write_fd, read_fd).read_line, time.monotonic_ns(), 1)
        assert "more than one line" in facts["what"]

    def test_a_line_without_end_is_refused_as_soon_as_it_is_too_long(self):
        with Child("jsonl", "floods") as child:
            driver = Lockstep(child.write_fd, child.read_fd)
            driver.exchange(b"{}\n", 30)
            facts = fault("X012", driver.exchange, b'{"id":"q1","source":"one"}\n', 30)
            assert facts["what"] == "a reply longer than 64 KiB"

    def test_the_end_of_the_output_is_noticed_before_and_after_the_request(self, wires):
        write_fd, read_fd, _, sink = wires
        driver = Lockstep(write_fd, read_fd)
        os.write(sink, b"ha")
        os.close(sink)
        facts = fault("X010", driver.read_line, time.monotonic_ns(), 1)
        assert facts["what"] == "its output ended in the middle of a line, after 2 bytes"
        assert fault("X010", driver.exchange, b"one\n", 1)["what"] == "its output ended"

    def test_a_closed_input_is_noticed(self, wires):
        write_fd, read_fd, source, _ = wires
        os.close(source)
        assert fault("X010", Lockstep(write_fd, read_fd).exchange, b"one\n", 1)["what"] == "it closed its input"

    @pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="processes cannot be pinned here")
    @pytest.mark.usefixtures("one_processor")
    @pytest.mark.parametrize("milliseconds", [0.2, 1, 5])
    def test_known_work_is_measured_as_long_as_the_system_itself_says(self, milliseconds):
        tries = (worked(round(milliseconds * 1e6)) for _ in range(3))  # machines are noisy
        assert any(abs(found - own) <= max(0.02 * own, 30_000) for found, own in tries)


@pytest.fixture
def one_processor():
    """Both sides on one processor: waking another one costs a virtual machine tens of microseconds."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    yield
    os.sched_setaffinity(0, before)


def worked(nanoseconds):
    """Medians of what the driver measures and of what the child measures."""
    with Child("busy", nanoseconds) as child:
        driver = Lockstep(child.write_fd, child.read_fd)
        stamps = [driver.exchange(b"work\n", 30) for _ in range(60)]
        own = list(map(int, child.end().split()))
    return statistics.median(received - sent for sent, received, _ in stamps), statistics.median(own)


class Taken:
    """Collects what a stream hands on."""

    def __init__(self):
        self.lines, self.stamps, self.written = [], [], []

    def __call__(self, lines, stamp, written):
        self.lines += lines
        self.stamps += [stamp] * len(lines)
        self.written += [written] * len(lines)


class TestStream:
    @pytest.mark.parametrize("how", ["echo", "reads-all-first", "never-flushes"])
    def test_nothing_blocks_however_the_system_buffers(self, how):
        wanted = [b"%d %s" % (n, b"x" * (n % 300)) for n in range(20_000)]
        taken = Taken()
        with Child("lines", how) as child:
            stream = Stream(child.write_fd, child.read_fd, taken)
            stream.run(blocks_of(line + b"\n" for line in wanted), len(wanted), 60, end=b"")
            child.write_fd = -1
        assert taken.lines == wanted
        assert len(stream.sent) == len(wanted)
        assert stream.is_closed

    def test_replies_larger_than_requests_do_not_block(self):
        wanted = [b"%099d" % n for n in range(200)]
        taken = Taken()
        with Child("lines", "swells") as child:
            Stream(child.write_fd, child.read_fd, taken).run(
                blocks_of(line + b"\n" for line in wanted), len(wanted), 60
            )
        assert taken.lines == [line * 600 for line in wanted]

    def test_stamps_are_in_order_and_replies_follow_their_requests(self):
        taken = Taken()
        with Child("lines", "echo") as child:
            stream = Stream(child.write_fd, child.read_fd, taken)
            stream.run(blocks_of(b"%d\n" % n for n in range(5000)), 5000, 60)
        assert list(stream.sent) == sorted(stream.sent)
        assert taken.stamps == sorted(taken.stamps)
        assert all(sent <= received for sent, received in zip(stream.sent, taken.stamps, strict=True))
        assert all(number < written for number, written in enumerate(taken.written))

    def test_requests_are_made_only_as_they_are_taken(self):
        made = itertools.count()
        lines = (b"%99d\n" % next(made) for _ in range(200_000))
        with Child("lines", "reads-nothing") as child:
            facts = fault("X011", Stream(child.write_fd, child.read_fd, Taken()).run, blocks_of(lines), 200_000, 0.3)
        assert facts["detail"] == "; is stdout flushed?"
        assert next(made) < 2000  # a pipe and a block, of 20 million bytes

    def test_bulk_is_counted_and_not_looked_at(self):
        block = b"x" * 99 + b"\n"
        with Child("lines", "echo") as child:
            stream = Stream(child.write_fd, child.read_fd)
            stream.pour_bytes(block * 300, 100, 60)
            assert stream.answered == 30_000
            assert stream.first < stream.last

    def test_a_scheduled_line_is_not_sent_before_its_moment(self):
        taken = Taken()
        start = time.monotonic_ns() + 10_000_000
        moments = [start, start + 30_000_000, start + 31_000_000, start + 31_000_000]
        with Child("lines", "echo") as child:
            stream = Stream(child.write_fd, child.read_fd, taken)
            stream.run(scheduled([b"%d\n" % n for n in range(4)], moments), 4, 60)
        assert list(stream.sent) == moments
        assert all(received > moment for received, moment in zip(taken.stamps, moments, strict=True))

    def test_a_reply_before_its_request_is_refused(self):
        with Child("lines", "early") as child:
            assert child.process.poll() is None
            time.sleep(0.3)  # it writes before it reads
            lines = (b"x" * 200_000 + b"\n" for _ in range(3))
            facts = fault("X012", Stream(child.write_fd, child.read_fd, Taken()).run, blocks_of(lines), 3, 60)
        assert facts["what"] == "it wrote a reply before the request was written; it wrote: first!\\x0a"

    def test_a_line_too_many_is_refused(self):
        with Child("lines", "one-line-twice") as child:
            stream = Stream(child.write_fd, child.read_fd, Taken())
            facts = fault("X012", stream.run, blocks_of(b"%d\n" % n for n in range(3)), 3, 60, end=b"")
            child.write_fd = -1
        assert facts["what"].startswith("it wrote more than it was asked for")

    def test_a_line_after_the_end_is_refused(self):
        with Child("jsonl", "goes-on") as child:
            Lockstep(child.write_fd, child.read_fd).exchange(b"{}\n", 30)
            stream = Stream(child.write_fd, child.read_fd, Taken())
            line = b'{"id":"q0","source":"one"}\n'
            facts = fault("X012", stream.run, blocks_of([line]), 1, 60, end=b'{"end":true}\n')
            child.write_fd = -1
        assert facts["what"].startswith("it wrote more than it was asked for")

    def test_a_line_without_end_is_refused_as_soon_as_it_is_too_long(self):
        with Child("jsonl", "floods") as child:
            Lockstep(child.write_fd, child.read_fd).exchange(b"{}\n", 30)
            stream = Stream(child.write_fd, child.read_fd, Taken())
            facts = fault("X012", stream.run, blocks_of([b'{"id":"q0","source":"one"}\n'] * 5), 5, 60)
        assert facts["what"] == "a reply longer than 64 KiB"

    def test_what_is_wrong_in_an_earlier_line_is_said_before_the_end(self):
        def refuse(lines, stamp, written):
            raise ValueError(lines[0])

        with Child("lines", "answers-once") as child, pytest.raises(ValueError, match="one"):
            Stream(child.write_fd, child.read_fd, refuse).run(blocks_of([b"one\n", b"two\n"]), 2, 30)

    def test_the_deadline_is_that_of_the_whole_run(self):
        with Child("lines", "trickles") as child:
            stream = Stream(child.write_fd, child.read_fd, Taken())
            assert fault("X011", stream.run, blocks_of([b"one\n"]), 1, 0.5)["found"] > 0

    def test_the_end_of_the_output_is_noticed(self):
        with Child("lines", "answers-once") as child:
            taken = Taken()
            stream = Stream(child.write_fd, child.read_fd, taken)
            assert fault("X010", stream.run, blocks_of([b"one\n", b"two\n"]), 2, 30) == {"what": "its output ended"}
            assert taken.lines == [b"one"]

    def test_a_system_that_closes_its_input_has_until_the_deadline(self):
        lines = (b"x" * 100 + b"\n" for _ in range(100_000))
        with Child("lines", "closes-stdin") as child:
            stream = Stream(child.write_fd, child.read_fd, Taken())
            assert fault("X011", stream.run, blocks_of(lines), 100_000, 0.5)["limit"] == 0.5
