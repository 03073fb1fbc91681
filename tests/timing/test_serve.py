"""What a participant imports, as the participant's own program and as a function."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness import system

SYSTEM = Path(system.__file__)
HELLO = {"harness": 1, "task": "terminology", "test_set": "dev", "unit": "segment", "tags": {"target_language": "de"}}
READY = {"ready": True, "protocol": 1}


def lines(*messages):
    return b"".join(json.dumps(message, ensure_ascii=False).encode() + b"\n" for message in messages)


def served(function, *messages, **options):
    """What `serve` writes when it reads these messages, and then the end of the input."""
    reading, writing = os.pipe()
    back, forth = os.pipe()
    os.write(writing, lines(*messages))
    os.close(writing)
    try:
        system.serve(function, channel=(reading, forth), **options)
    finally:
        with os.fdopen(back, "rb") as said:
            replies = [json.loads(line) for line in said]
    return replies


def program(code, content, *arguments):
    """A participant's program with a copy of the one file beside it, and nothing of the harness."""
    return subprocess.run(
        [sys.executable, "-S", "-c", code, *arguments], input=content, capture_output=True, timeout=60, check=False
    )


def always(asked):
    return ["x"] if isinstance(asked, list) else "x"


REQUESTS = ({"id": "q1", "source": "eins\nzwei"}, {"id": "q2", "source": "\u2028ü"})


def test_every_request_gets_one_reply_after_the_banner():
    assert served(lambda request: request["source"].upper(), HELLO, *REQUESTS, {"end": True}) == [
        READY,
        {"id": "q1", "output": "EINS\nZWEI"},
        {"id": "q2", "output": "\u2028Ü"},
    ]


def test_the_end_of_the_input_is_an_end_too():
    assert served(lambda request: request["source"], HELLO, REQUESTS[0])[1:] == [{"id": "q1", "output": "eins\nzwei"}]


def test_nothing_is_answered_after_the_end():
    assert served(always, HELLO, {"end": True}, REQUESTS[0]) == [READY]


def test_fields_of_the_task_arrive():
    asked = {"id": "q1", "source": "a", "terms": {"a": "b"}}
    assert served(lambda request: request["terms"]["a"], HELLO, asked)[1] == {"id": "q1", "output": "b"}


def test_setup_sees_the_first_message_before_the_system_is_ready():
    seen = []
    said = served(lambda request: f"{request['source']} {len(seen)}", HELLO, REQUESTS[1], setup=seen.append)
    assert seen == [HELLO]
    assert said == [READY, {"id": "q2", "output": "\u2028ü 1"}]


def test_a_setup_that_fails_is_never_ready():
    def setup(hello):
        raise LookupError(hello["task"])

    with pytest.raises(LookupError, match="terminology"):
        served(always, HELLO, setup=setup)


def test_a_corpus_function_gets_all_requests_at_the_end():
    def number(requests):
        return [f"{index} of {len(requests)}" for index, _ in enumerate(requests)]

    said = served(number, HELLO, *REQUESTS, {"end": True}, unit="corpus")
    assert said[1:] == [{"id": "q1", "output": "0 of 2"}, {"id": "q2", "output": "1 of 2"}]


def test_a_corpus_function_must_answer_all():
    with pytest.raises(ValueError, match="1 outputs for 2 requests"):
        served(always, HELLO, *REQUESTS, unit="corpus")


def test_prints_of_every_sort_go_to_stderr(tmp_path):
    (tmp_path / "system.py").write_bytes(SYSTEM.read_bytes())
    code = (
        f"import os, sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "from system import serve\n"
        "def echo(request):\n"
        "    print('printed'); os.write(1, b'written\\n'); os.system('echo from a child')\n"
        "    return request['source'] + sys.stdin.read()\n"
        "serve(echo)\n"
    )
    done = program(code, lines(HELLO, REQUESTS[0], {"end": True}))
    assert [json.loads(line) for line in done.stdout.splitlines()] == [READY, {"id": "q1", "output": "eins\nzwei"}]
    assert sorted(done.stderr.split(b"\n")) == [b"", b"from a child", b"printed", b"written"]
    assert done.returncode == 0


def test_an_exception_ends_the_program_with_its_traceback(tmp_path):
    (tmp_path / "system.py").write_bytes(SYSTEM.read_bytes())
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r})\nfrom system import serve\nserve(lambda r: r['sauce'])\n"
    done = program(code, lines(HELLO, REQUESTS[0]))
    assert done.stdout == lines(READY).replace(b": ", b":").replace(b", ", b",")
    assert b"KeyError: 'sauce'" in done.stderr
    assert done.returncode == 1
