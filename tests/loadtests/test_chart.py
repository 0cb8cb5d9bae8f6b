"""The chart is well-formed, and its lengths say what its figures say."""

import xml.etree.ElementTree as ElementTree

import pytest

from loadtests import chart
from tests.loadtests.samples import measured

SVG = "{http://www.w3.org/2000/svg}"


def drawn(*scenarios):
    return ElementTree.fromstring(chart.svg("Load test of <today> & tomorrow", scenarios))


def bars(root, kind):
    return [float(rect.get("width")) for rect in root.iter(SVG + "rect")
            if rect.get("class") == kind and float(rect.get("x")) >= chart.LABELS]


def test_chart_is_well_formed_with_any_title():
    assert drawn(measured(gateway=[10.0])).find(SVG + "title").text == "Load test of <today> & tomorrow"


def test_bars_are_as_long_as_their_costs():
    root = drawn(measured(gateway=[10.0], nginx=[20.0], envoy=[80.0]))
    totals = [user + system for user, system in zip(bars(root, "user"), bars(root, "system"), strict=True)]
    assert totals[2] / totals[0] == pytest.approx(8, rel=0.02)
    assert totals[1] / totals[0] == pytest.approx(2, rel=0.02)


def test_nothing_is_drawn_beyond_the_edge():
    root = drawn(measured(gateway=[10.0, 900.0]), measured("tls", gateway=[10.0]))
    ends = [float(line.get("x2")) for line in root.iter(SVG + "line")]
    assert max(ends) <= chart.WIDTH - chart.FIGURES
    assert all(float(text.get("y")) < float(root.get("height")) for text in root.iter(SVG + "text"))


def test_figures_stand_in_text_so_that_colour_is_not_needed():
    words = [text.text for text in drawn(measured(gateway=[9.0], nginx=[10.0])).iter(SVG + "text")]
    assert "9.0 µs (0.90 x nginx)" in words
    assert "10.0 µs" in words
