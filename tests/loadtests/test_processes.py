"""Which processes belong to a program: everything below its leader, found by parent."""

from loadtests import processes
from loadtests.accounting import ProcessEntry


def entry(pid, parent):
    return ProcessEntry(pid, parent, started=pid, title=f"process {pid}")


def test_children_of_children_belong_to_a_program_whatever_the_tables_order():
    table = [entry(7, 5), entry(5, 3), entry(3, 1), entry(4, 1), entry(6, 3)]
    assert [found.pid for found in processes.descendants(3, table)] == [3, 5, 6, 7]


def test_a_leader_that_ended_has_no_members():
    assert processes.descendants(3, [entry(4, 1)]) == []
