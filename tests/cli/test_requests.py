"""Spans of time as people write them; what is flagged."""
import datetime

import pytest

from gateway.cli import comparing, flagging

NOW = datetime.datetime(2026, 3, 2, 10, 30, tzinfo=datetime.UTC)
HOUR_NS = 3600 * 10**9


def at(*moment: int) -> int:
    return int(datetime.datetime(*moment, tzinfo=datetime.UTC).timestamp()) * 10**9  # type: ignore[misc,arg-type]


@pytest.mark.parametrize(("text", "span"), [
    ("10:00-10:05", (at(2026, 3, 2, 10), at(2026, 3, 2, 10, 5))),
    ("09:00:10-now", (at(2026, 3, 2, 9, 0, 10), at(2026, 3, 2, 10, 30))),
    ("22:00-22:10", (at(2026, 3, 1, 22), at(2026, 3, 1, 22, 10))),          # that of yesterday
    ("2026-03-01T10:00/2026-03-01T12:00+01:00", (at(2026, 3, 1, 10), at(2026, 3, 1, 11))),
])
def test_a_span_is_of_the_last_day_or_of_given_dates(text: str, span: tuple[int, int]) -> None:
    assert comparing.read_span(text, NOW) == span


@pytest.mark.parametrize("text", ["10:00", "10:05-10:00", "ten-eleven", "10:00-10:00", "", "2026-03-01T10:00/x"])
def test_what_is_no_span_is_refused_with_what_to_write(text: str) -> None:
    with pytest.raises(ValueError, match=r"write|before it begins"):
        comparing.read_span(text, NOW)


def test_nothing_is_flagged_where_nothing_or_everything_matches(capsys: pytest.CaptureFixture[str]) -> None:
    many = [{"route": f"r{number}"} for number in range(9)]
    for found in ([], [{"route": ""}], many):
        with pytest.raises(SystemExit):
            flagging.flag("127.0.0.1:1", found, "wrong")
    assert "of 9 routes; narrow it down" in capsys.readouterr().err
