"""How durations, rates, sizes and shares are written, and that nothing is ever rounded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model import quantities as q

WHOLE = st.integers(0, q.LARGEST)


@given(WHOLE)
def test_a_printed_duration_reads_back(nanoseconds: int) -> None:
    assert q.parse_duration(q.format_duration(nanoseconds)) == nanoseconds


@given(WHOLE)
def test_a_printed_size_reads_back(count: int) -> None:
    assert q.parse_size(q.format_size(count)) == count


@given(st.builds(q.Rate, WHOLE, st.sampled_from(list(q.RATE_UNITS.values()))))
def test_a_printed_rate_reads_back(rate: q.Rate) -> None:
    assert q.parse_rate(q.format_rate(rate)) == rate
    assert str(rate) == q.format_rate(rate)


@given(st.integers(0, 100 * q.PERCENT))
def test_a_printed_share_reads_back(share: int) -> None:
    assert q.parse_share(q.format_share(share)) == share


@given(st.text())
def test_any_text_is_a_quantity_or_a_value_error(text: str) -> None:
    for parse in (q.parse_duration, q.parse_size, q.parse_share, q.parse_rate):
        try:
            value, advice = parse(text), ""
        except ValueError as error:
            value, advice = None, str(error)
        assert (value is None) == bool(advice)


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("250ms", 250_000_000),
        ("10s", 10_000_000_000),
        ("5m", 300_000_000_000),
        ("2h", 7_200_000_000_000),
        ("1.5s", 1_500_000_000),
        ("0s", 0),
        ("7us", 7_000),
        ("0.25ms", 250_000),
        ("9223372036854775807ns", q.LARGEST),
    ],
)
def test_durations(text: str, nanoseconds: int) -> None:
    assert q.parse_duration(text) == nanoseconds


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("64KiB", 65536),
        ("1MiB", 1 << 20),
        ("512", 512),
        ("512B", 512),
        ("1.5GiB", 3 << 29),
        ("2TiB", 2 << 40),
        ("0", 0),
    ],
)
def test_sizes(text: str, count: int) -> None:
    assert q.parse_size(text) == count


def test_rates_and_shares() -> None:
    assert q.parse_rate("50/s") == q.Rate(50, 1_000_000_000)
    assert q.parse_rate("10000/h") == q.Rate(10_000, 3_600_000_000_000)
    assert q.parse_share("50%") == 500_000
    assert q.parse_share("99.9%") == 999_000
    assert q.parse_share("100%") == 1_000_000


@pytest.mark.parametrize(("value", "text"), [(0, "0s"), (90_000_000_000, "90s"), (3_600_000_000_000, "1h"), (1, "1ns")])
def test_a_duration_is_printed_in_its_largest_exact_unit(value: int, text: str) -> None:
    assert q.format_duration(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (1000, "1000"), (1024, "1KiB"), (1536, "1536"), (1 << 30, "1GiB")]
)
def test_a_size_is_printed_in_its_largest_exact_unit(value: int, text: str) -> None:
    assert q.format_size(value) == text


@pytest.mark.parametrize(
    ("parse", "text", "advice"),
    [
        (q.parse_duration, "30", "'30' has no unit; write 30s, or 30 with one of ns us ms s m h"),
        (q.parse_duration, "30sec", "'sec' is not a unit of time; write one of ns us ms s m h, such as 10s"),
        (q.parse_duration, "soon", "'soon' is not a duration; write 250ms, 10s, 5m or 2h"),
        (q.parse_duration, "-1s", "'-1s' is not a duration; write 250ms, 10s, 5m or 2h"),
        (q.parse_duration, "1 s", "'1 s' is not a duration; write 250ms, 10s, 5m or 2h"),
        (q.parse_duration, "0.5ns", "'0.5ns' is not a whole number of nanoseconds"),
        (q.parse_duration, "9223372036854775808ns", "'9223372036854775808ns' is too large"),
        (q.parse_duration, "9" * 30 + "s", f"'{'9' * 30}s' is not a duration; write 250ms, 10s, 5m or 2h"),
        (q.parse_size, "64k", "'k' is not a unit of size; write KiB (powers of 1024)"),
        (q.parse_size, "1MB", "'MB' is not a unit of size; write MiB (powers of 1024)"),
        (q.parse_size, "5q", "'q' is not a unit of size; write one of B KiB MiB GiB TiB"),
        (q.parse_size, "0.3KiB", "'0.3KiB' is not a whole number of bytes"),
        (q.parse_rate, "50", "'50' does not say per what; write 50/s, 50/m or 50/h"),
        (q.parse_rate, "50/ms", "'50/ms' does not say per what; write 50/s, 50/m or 50/h"),
        (q.parse_rate, "1.5/s", "'1.5/s' is not a whole number of events; count over a longer time instead"),
        (q.parse_share, "50", "'50' has no percent sign; write it as in 50% or 99.9%"),
        (q.parse_share, "101%", "'101%' is more than the whole; write at most 100%"),
        (q.parse_share, "0.00001%", "'0.00001%' is not a whole number of parts per million"),
    ],
)
def test_a_refusal_says_what_to_write(parse: object, text: str, advice: str) -> None:
    assert callable(parse)
    with pytest.raises(ValueError) as refused:  # noqa: PT011  the whole text is compared
        parse(text)
    assert str(refused.value) == advice
