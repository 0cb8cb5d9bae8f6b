"""The buffer in which heads are written."""
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.dataplane import head_writer

KIB = 1024


@given(st.lists(st.binary(max_size=40_000), max_size=12))
def test_what_is_put_is_what_is_taken(parts: list[bytes]) -> None:
    assert head_writer.written(*parts)[0] == b"".join(parts)


@given(st.integers(-2**63, 2**63 - 1))
def test_numbers_are_written_in_decimal(number: int) -> None:
    assert head_writer.written(number)[0] == str(number).encode()


@given(st.integers(0, 2**64 - 1))
def test_64_bits_are_written_as_16_digits(number: int) -> None:
    assert head_writer.hex64(number) == f"{number:016x}".encode()


def test_the_buffer_grows_by_doubling_and_gives_back_what_a_large_head_took() -> None:
    assert head_writer.written(b"x")[1:] == (16 * KIB, 16 * KIB)
    assert head_writer.written(b"x" * 16 * KIB)[1:] == (16 * KIB, 16 * KIB)
    assert head_writer.written(b"x" * 16 * KIB, b"y")[1:] == (32 * KIB, 32 * KIB)
    assert head_writer.written(b"x" * 65 * KIB)[1:] == (128 * KIB, 64 * KIB)
    assert head_writer.written(b"x" * 1024 * KIB)[1:] == (1024 * KIB, 64 * KIB)


def test_a_head_above_one_mebibyte_is_an_error_and_not_an_overflow() -> None:
    with pytest.raises(MemoryError, match="1048577 bytes exceeds 1048576"):
        head_writer.written(b"x" * 1024 * KIB, b"y")
