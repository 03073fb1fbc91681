"""Systems that read and write plain lines: python lines.py HOW."""

from __future__ import annotations

import os
import sys
import time


def write(content):
    while content:
        content = content[os.write(1, content) :]


def echo(times=1):
    for line in sys.stdin.buffer:
        write(times * line[:-1] + b"\n")


def early():
    write(b"first!\n")
    echo()


def never_flushes():
    for line in sys.stdin:
        sys.stdout.write(line)


def reads_all_first():
    write(sys.stdin.buffer.read())


def closes_stdin():
    os.close(0)
    write(b"that was all\n")
    time.sleep(60)


def reads_nothing():
    time.sleep(60)


def swells():
    echo(600)


def half():
    write(os.read(0, 4))
    time.sleep(60)


def trickles():
    os.read(0, 4)
    while True:
        write(b"x")
        time.sleep(0.001)


def answers_once():
    write(os.read(0, 4))


def byte_by_byte():
    while byte := os.read(0, 1):
        write(byte)


def one_line_twice():
    for number, line in enumerate(sys.stdin.buffer):
        write(line * (2 if number == 1 else 1))


globals()[sys.argv[1].replace("-", "_")]()
