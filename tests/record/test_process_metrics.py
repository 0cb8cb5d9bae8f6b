"""What the operating system says of a process: this one, whose files the test opens."""
import os
import resource
from pathlib import Path

from gateway.board import Board, Capacity, State
from gateway.record import process_metrics
from gateway.record.process_metrics import ProcessMetrics

NOBODY = 2**22 + 1                      # above the kernel's largest process id


def test_open_files_are_counted_and_their_limit_told(tmp_path: Path) -> None:
    before = process_metrics.open_files(os.getpid())
    assert before is not None
    with (tmp_path / "one").open("w"), (tmp_path / "two").open("w"):
        assert process_metrics.open_files(os.getpid()) == before + 2
    assert process_metrics.files_limit(os.getpid()) == resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def test_a_process_that_is_gone_has_none() -> None:
    assert process_metrics.open_files(NOBODY) is None
    assert process_metrics.files_limit(NOBODY) is None
    assert process_metrics.cpu_and_memory(NOBODY) is None


def test_each_living_process_has_its_samples_and_a_dead_one_none() -> None:
    board = Board.create(Capacity.room_for(2, 1, 1), boot_ns=0, boot_utc_ns=0)
    board.slot(0)["pid"], board.slot(0)["state"] = os.getpid(), State.READY
    board.slot(1)["pid"], board.slot(1)["state"] = os.getpid(), State.DEAD
    board.slot(2)["pid"], board.slot(2)["state"] = NOBODY, State.READY
    families = {family.name: family.samples for family in ProcessMetrics(board).collect()}
    assert set(families) == {"gateway_open_files", "gateway_open_files_limit", "gateway_cpu_seconds_total",
                             "gateway_resident_memory_bytes"}
    for samples in families.values():
        assert [labels for _, labels, value in samples if value > 0] == [("worker 0",)]
