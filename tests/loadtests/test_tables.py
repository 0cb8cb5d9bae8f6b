"""The table reads well as Markdown and on a terminal."""

from loadtests import tables
from tests.loadtests.samples import measured, sample


def lines_of_table(text):
    return [line for line in text.splitlines() if line.startswith("|")]


def test_columns_line_up_on_a_terminal():
    lines = lines_of_table(tables.section(measured(gateway=[9.0, 10.0], nginx=[100.0, 200.0])))
    bars = [[place for place, letter in enumerate(line) if letter == "|"] for line in lines]
    assert len(lines) == 2 + 4
    assert all(places == bars[0] for places in bars)


def test_a_cell_gives_the_median_and_the_spread():
    text = tables.section(measured(gateway=[9.0, 10.0, 12.0], nginx=[10.0, 10.0, 10.0]))
    assert "10.00 (9.00–12.00)" in text
    assert "1.000 (0.900–1.200)" in text


def test_shared_cores_are_said():
    assert "SHARE these cores" in tables.section(measured("two-workers", gateway=[9.0]))
    assert "SHARE these cores" not in tables.section(measured("small", gateway=[9.0]))


def test_a_machine_on_which_others_worked_is_said():
    disturbed = measured(gateway=[9.0])
    disturbed.rounds["gateway"] = [sample(9.0, others=0.2)]
    assert "NOT QUIET" in tables.section(disturbed)
    assert "NOT QUIET" not in tables.section(measured(gateway=[9.0]))


def test_document_has_a_section_per_scenario():
    text = tables.markdown("Load test", [measured("small", gateway=[9.0]), measured("tls", gateway=[12.0])])
    assert [line for line in text.splitlines() if line.startswith("## ")] == [
        "## small: 1 KiB answers", "## tls: 1 KiB answers over TLS (ECDSA P-256)"]
