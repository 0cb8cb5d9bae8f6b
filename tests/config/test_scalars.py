"""Unquoted scalars are those of YAML 1.2's core schema. Vectors: the tables of its sections 10.2.1 and 10.3.2."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config import scalars


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("True", True),
        ("TRUE", True),
        ("false", False),
        ("False", False),
        ("0", 0),
        ("-19", -19),
        ("+12", 12),
        ("010", 10),
        ("0o14", 12),
        ("0xC", 12),
        ("0.", 0.0),
        ("-0.0", -0.0),
        (".5", 0.5),
        ("+12e03", 12000.0),
        ("-2E+05", -200000.0),
        ("1.10", 1.1),
        (".inf", math.inf),
        ("-.Inf", -math.inf),
        ("+.INF", math.inf),
    ],
)
def test_what_the_core_schema_resolves(text: str, value: object) -> None:
    found = scalars.resolve(text)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    "text",
    [
        "yes",
        "no",
        "on",
        "off",
        "y",
        "n",
        "Yes",
        "tRUE",
        "1:30",
        "190:20:30",
        "1_000",
        "0b11",
        "2001-12-14",
        "=",
        "0x",
        "1e",
        "-0x1",
        "inf",
        "nan",
        ".",
        "+",
        "1.2.3",
        "10s",
        "50%",
        "9" * 41,
    ],
)
def test_everything_else_is_a_text(text: str) -> None:
    assert scalars.resolve(text) == text


def test_not_a_number_is_a_float() -> None:
    assert math.isnan(float(scalars.resolve(".nan")))


@pytest.mark.parametrize("text", ["", "~", "null", "Null", "NULL"])
def test_nulls(text: str) -> None:
    assert scalars.is_null(text)


@given(st.text(alphabet="0123456789.eE+-xo_:infaNtrue", max_size=60))
def test_resolving_never_fails(text: str) -> None:
    assert isinstance(scalars.resolve(text), bool | int | float | str)
