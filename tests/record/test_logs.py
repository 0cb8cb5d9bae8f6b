"""Log lines for people and for machines, and a reader that never holds the gateway up."""
import json
import logging
import os
import re

from gateway.record import logs


def record(message: str, **fields: object) -> logging.LogRecord:
    made = logging.LogRecord("gateway", logging.WARNING, __file__, 1, message, (), None)
    made.fields = fields
    return made


def test_a_terminal_gets_one_readable_line() -> None:
    line = logs.TerminalFormatter("worker 0").format(record("upstream lost", upstream="orders"))
    assert line.endswith("worker 0   WARNING upstream lost  upstream=orders")


def test_a_machine_gets_one_object_per_line() -> None:
    line = logs.JsonFormatter("worker 0").format(record("two\nlines", upstream="orders"))
    entry = json.loads(line)
    assert "\n" not in line
    assert (entry["level"], entry["process"], entry["message"]) == ("warning", "worker 0", "two\nlines")
    assert entry["upstream"] == "orders"
    assert entry["time"].endswith("Z")


def test_an_exception_is_told_in_both() -> None:
    failed = record("cannot go on")
    failed.exc_info = (ValueError, ValueError("no such thing"), None)
    assert "ValueError: no such thing" in logs.TerminalFormatter("control").format(failed)
    assert "ValueError: no such thing" in json.loads(logs.JsonFormatter("control").format(failed))["exception"]


def test_a_reader_that_does_not_read_costs_lines_but_no_time_and_is_told_how_many() -> None:
    reading, writing = os.pipe()
    writer = logs.BackgroundWriter(writing, bound=10)
    for _ in range(200):
        writer.emit(record("x" * 10_000))
    with os.fdopen(reading) as reader:
        for _ in range(10):                             # what was queued at least; now there is room again
            assert reader.readline() == "x" * 10_000 + "\n"
        writer.emit(record("the next"))
        last = next(line for line in reader if line.startswith("the next"))
    assert re.fullmatch(r"the next \(1\d\d log lines before this one were dropped: stderr was not read\)\n", last)
    os.close(writing)


def test_what_is_queued_is_written_at_the_end() -> None:
    reading, writing = os.pipe()
    writer = logs.BackgroundWriter(writing)
    writer.emit(record("the last word"))
    writer.close()
    os.close(writing)
    with os.fdopen(reading) as reader:
        assert reader.read() == "the last word\n"
