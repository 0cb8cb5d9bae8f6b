"""What other programs took of the cores."""

import os

from loadtests import quiet

TICKS = os.sysconf("SC_CLK_TCK")
STAT = f"""\
cpu  9 9 9 9 9 9 9 9 9 9
cpu0 {TICKS} 0 {TICKS} 500000 700000 0 {TICKS} {TICKS} 900000 0
cpu1 {3 * TICKS} 0 0 500000 0 0 0 0 0 0
cpu10 {50 * TICKS} 0 0 0 0 0 0 0 0 0
intr 1 2 3
"""


def test_busy_is_what_is_neither_idle_nor_waiting_for_a_disk():
    assert quiet.busy_seconds(STAT, frozenset({0})) == 4


def test_core_ten_is_not_core_one():
    assert quiet.busy_seconds(STAT, frozenset({0, 1})) == 4 + 3


def test_own_work_is_not_others():
    assert quiet.share(busy=3.0, own=3.0, whole=6.0) == 0
    assert quiet.share(busy=4.5, own=3.0, whole=6.0) == 0.25


def test_rounding_by_ticks_makes_no_share_below_nothing():
    assert quiet.share(busy=2.99, own=3.0, whole=6.0) == 0
