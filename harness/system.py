"""What a participant's system may import: `serve` makes a function a system that the harness can run.

    from harness.system import serve

    def translate(request):
        return request["source"].upper()

    serve(translate)

A request is a dictionary with `id`, `source` and what the task sends along; the answer is the output.
Nothing but the standard library is used, so this one file can be copied beside a system.

The protocol is one JSON object a line. First comes `{"harness": 1, …}`, which says what will be asked
(`task`, `test_set`, `tags`, `unit`); the system says that it is ready; then every request gets one reply
under its id. With `unit = "corpus"` the function takes all requests at once and returns as many outputs.
Replies leave by a channel of their own: what the function prints goes to stderr and breaks nothing.
"""

from __future__ import annotations

import importlib
import inspect
import json
import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import BinaryIO

PROTOCOL = 1


def serve(
    function: Callable[[Any], Any],
    setup: Callable[[dict[str, Any]], object] | None = None,
    unit: str = "segment",
    channel: tuple[int, int] | None = None,
) -> None:
    """Answer requests until they end.

    function  request -> output, or with unit="corpus" list of requests -> list of outputs
    setup     called once with the first message before the system says that it is ready; load models here
    channel   (file descriptor to read, one to write), by default stdin and stdout

    Raises ValueError if a corpus function returns another number of outputs than there were requests.
    """
    source, sink = _channel() if channel is None else (os.fdopen(channel[0], "rb"), os.fdopen(channel[1], "wb", 0))
    with source, sink:
        hello = json.loads(source.readline() or b"{}")
        if setup is not None:
            setup(hello)
        _say(sink, {"ready": True, "protocol": PROTOCOL})
        requests = []
        for line in iter(source.readline, b""):
            request = json.loads(line)
            if "id" not in request:  # {"end": true}
                break
            if unit == "corpus":
                requests.append(request)
            else:
                _say(sink, {"id": request["id"], "output": function(request)})
        if unit == "corpus":
            outputs = list(function(requests))
            if len(outputs) != len(requests):
                message = f"{len(outputs)} outputs for {len(requests)} requests"
                raise ValueError(message)
            for request, output in zip(requests, outputs):  # noqa: B905 - compared above; Python 3.8 has no strict
                _say(sink, {"id": request["id"], "output": output})


def _channel() -> tuple[BinaryIO, BinaryIO]:
    """Stdin and stdout for replies alone: later prints go to stderr."""
    source, sink = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return os.fdopen(source, "rb"), os.fdopen(sink, "wb", 0)


def _say(sink: BinaryIO, message: dict[str, Any]) -> None:
    sink.write(json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode("utf-8") + b"\n")


def main(arguments: Sequence[str]) -> None:
    """`python -m harness.system MODULE:FUNCTION READ WRITE UNIT`: serve a function over two descriptors.

    A class is called without arguments and its object must be callable; `setup` of either gets the first message.
    """
    name, read, write, unit = arguments
    if "1" not in {read, write}:
        os.dup2(2, 1)  # what is printed is for people
    sys.path.insert(0, os.getcwd())  # noqa: PTH109 - one import less
    module, _, attribute = name.partition(":")
    function: Any = getattr(importlib.import_module(module), attribute)
    if inspect.isclass(function):
        function = function()
    serve(function, getattr(function, "setup", None), unit, (int(read), int(write)))


if __name__ == "__main__":
    main(sys.argv[1:])
