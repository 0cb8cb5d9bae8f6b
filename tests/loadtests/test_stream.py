"""Long bodies: what is sent is known in every byte, and sizes are read as they are written."""

import itertools

import pytest

from loadtests import long_content, stream

MIB = 1024 * 1024


@pytest.mark.parametrize("size", [0, 1, 1024, MIB, MIB + 1, 3 * MIB])
def test_content_is_as_long_as_asked(size):
    assert sum(map(len, long_content.blocks(size))) == size


def test_no_two_blocks_are_alike_so_a_doubled_or_swapped_one_shows():
    blocks = list(long_content.blocks(4 * MIB))
    assert len(set(blocks)) == 4


def test_both_ends_make_the_same_content():
    assert all(one == other for one, other in itertools.zip_longest(
        long_content.blocks(2 * MIB + 7), long_content.blocks(2 * MIB + 7)))


@pytest.mark.parametrize(("text", "size"), [("64KiB", 65536), ("2GiB", 2 * 1024 * MIB), ("1000", 1000)])
def test_sizes_are_read_with_their_unit(text, size):
    assert stream.size_in_bytes(text) == size


@pytest.mark.parametrize("text", ["2GB", "many", "", "1.5MiB"])
def test_a_size_that_is_none_is_refused(text):
    with pytest.raises(ValueError, match="invalid literal"):
        stream.size_in_bytes(text)
