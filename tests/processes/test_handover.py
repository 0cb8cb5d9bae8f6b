"""A handover survives its way through an argument."""
from gateway.processes.handover import Handover

HANDOVER = Handover(slot=1, parent=10, board=5, channel=6, plan="/state/active", generation=3, sockets=((0, 7), (1, 8)))


def test_a_child_reads_what_the_supervisor_wrote() -> None:
    assert Handover.from_argument(HANDOVER.to_argument()) == HANDOVER


def test_all_descriptors_of_a_handover_are_passed_on() -> None:
    assert HANDOVER.descriptors() == (5, 6, 7, 8)
