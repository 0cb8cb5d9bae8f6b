"""Fuzz the scanner: `python tests/fuzz/fuzz_http1.py [SECONDS] [SEED]`, from the repository's root.

Each spoilt message must be read by the scanner as by its reference, by every prefix as by the whole, by chunks however
cut, and framed as by h11 and httptools. A finding is printed with the message that shows it, and ends the run.
"""
import random
import sys
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[1])]
# ruff: noqa: E402 (the tests' own modules are found only now)

from http_messages import refusal, refused_answer
from http_mutations import ANSWERS, REQUESTS, mutated, pieces
from http_peers import disagreements
from parity.http1_reference import read
from parity.test_http1 import found, read_chunks

from gateway.dataplane import heads

BODIES = [seed.partition(b"\r\n\r\n")[2] for seed in [*REQUESTS, *ANSWERS] if b"hunked" in seed]


class Finding(AssertionError):
    """A message that is read in two ways."""


def claim(holds: bool, what: str, data: bytes) -> None:
    if not holds:
        raise Finding(f"{what}: {data!r}")


def check_prefixes(data: bytes, chance: random.Random) -> None:
    """A few prefixes, since all of them would be quadratic."""
    whole_request, whole_answer = refusal(data), refused_answer(data)
    for piece in pieces(chance, data):
        prefix = data[:data.find(piece) + len(piece)]
        claim(refusal(prefix) in ("incomplete", whole_request), "a prefix is answered otherwise", prefix)
        claim(refused_answer(prefix) in ("incomplete", whole_answer), "a prefix is answered otherwise", prefix)


def check_peers(data: bytes, answering: str) -> None:
    try:
        wrong = disagreements(data, answering)
    except heads.HttpFault:
        return
    claim(wrong == [], f"framed otherwise: {wrong}", data)


def turn(chance: random.Random) -> None:
    """One spoilt request, answer and body."""
    request, answer, body = (mutated(chance, seeds) for seeds in (REQUESTS, ANSWERS, BODIES))
    claim(found(request) == read(request), "the reference reads it otherwise", request)
    check_prefixes(request, chance)
    check_prefixes(answer, chance)
    check_peers(request, "")
    check_peers(answer, chance.choice(["GET", "HEAD"]))
    claim(read_chunks(pieces(chance, body)) == read_chunks([body]), "reads otherwise when cut", body)


def run(seconds: float, seed: int) -> int:
    """How many turns were taken; raises Finding."""
    chance, until, turns = random.Random(seed), time.monotonic() + seconds, 0
    while time.monotonic() < until:
        turn(chance)
        turns += 1
    return turns


if __name__ == "__main__":
    print(run(float(sys.argv[1]) if len(sys.argv) > 1 else 60.0, int(sys.argv[2]) if len(sys.argv) > 2 else 1), "turns")
