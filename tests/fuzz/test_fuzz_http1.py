"""A short, repeatable run of the fuzzer."""
import random

from fuzz.fuzz_http1 import turn


def test_ten_thousand_spoilt_messages_of_each_kind_are_read_in_one_way() -> None:
    chance = random.Random(1945)
    for _ in range(10_000):
        turn(chance)
