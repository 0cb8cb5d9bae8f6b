"""Messages keep their borders, carry descriptors, and tell of the other side's end."""
import os

import pytest

from gateway.processes import channel


def test_messages_arrive_one_by_one_in_order() -> None:
    ours, theirs = channel.pair()
    assert ours.send({"do": "drain"})
    assert ours.send({"do": "stop", "timeout": 30.0})
    assert theirs.receive() == ({"do": "drain"}, [])
    assert theirs.receive() == ({"do": "stop", "timeout": 30.0}, [])
    assert theirs.receive() is None
    ours.close()
    theirs.close()


def test_descriptors_arrive_as_new_numbers_of_the_same_file() -> None:
    ours, theirs = channel.pair()
    reading, writing = os.pipe()
    ours.send({"do": "adopt"}, [reading, writing])
    received = theirs.receive()
    assert received
    _, copies = received
    assert not {reading, writing} & set(copies)
    os.write(copies[1], b"x")
    assert os.read(reading, 1) == b"x"
    for fd in (reading, writing, *copies):
        os.close(fd)
    ours.close()
    theirs.close()


def test_the_end_of_the_other_side_is_seen_by_both_ways() -> None:
    ours, theirs = channel.pair()
    theirs.close()
    assert ours.send({"do": "drain"}) is False
    with pytest.raises(channel.ClosedError):
        ours.receive()
    ours.close()


def test_a_side_that_does_not_read_never_blocks_the_other() -> None:
    ours, theirs = channel.pair()
    message = {"padding": "x" * 50_000}
    sent = [ours.send(message) for _ in range(1000)]
    assert sent[0] is True
    assert sent[-1] is False
    ours.close()
    theirs.close()
