"""The operating system's account, read of this very process and computed from given readings."""

import mmap
import os

import pytest

from loadtests import accounting
from loadtests.accounting import CpuReading, CpuTime
from loadtests.errors import LoadTestError

NO_PROCESS = 2**22  # the kernel's greatest pid is one less


def test_total_is_exact_and_the_ticks_only_split_it():
    time = accounting.spent(CpuReading(1_000_000, 10, 10), CpuReading(3_001_000_000, 110, 310))
    assert time.total == pytest.approx(3.0)
    assert time.user == pytest.approx(0.75)


def test_too_little_for_a_tick_counts_as_system():
    assert accounting.spent(CpuReading(0, 5, 5), CpuReading(2_000_000, 5, 5)) == CpuTime(user=0.0, system=0.002)


def test_own_work_shows_in_the_own_account():
    before = accounting.read_cpu(os.getpid())
    sum(range(200_000))
    assert accounting.spent(before, accounting.read_cpu(os.getpid())).total > 0


def test_cpu_of_a_process_that_ended_is_an_error_and_not_zero():
    with pytest.raises(LoadTestError, match="ended while"):
        accounting.read_cpu(NO_PROCESS)


def test_process_table_holds_this_process_and_its_parent():
    entry = next(entry for entry in accounting.process_table() if entry.pid == os.getpid())
    assert entry.parent == os.getppid()


def test_private_memory_grows_with_what_is_taken():
    before = accounting.private_memory(os.getpid())
    taken = bytearray(64 * 1024 * 1024)
    taken[::4096] = bytes(len(taken) // 4096)
    grown = accounting.private_memory(os.getpid()) - before
    assert grown > 60 * 1024 * 1024


def test_shared_segment_is_the_size_of_what_is_mapped():
    size = 3 * 1024 * 1024
    descriptor = os.memfd_create("board")
    os.truncate(descriptor, size)
    before = accounting.shared_segment(os.getpid())
    with mmap.mmap(descriptor, size):
        assert accounting.shared_segment(os.getpid()) - before == size
    os.close(descriptor)
