"""Metric families and the text in which Prometheus reads them, format 0.0.4.

Written here, since a scrape of 200 routes is ten thousand lines, and control has other things to do meanwhile.
"""

import functools
import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
Labels = tuple[str, ...]
Sample = tuple[str, Labels, float]
"""What follows the family's name ("" or "_bucket" and so on), the values of its labels, the value."""


@dataclass(frozen=True, slots=True)
class Family:
    """`kind`: counter, gauge or histogram. `labels`: their names; the last one may be without a value ("le")."""

    name: str
    kind: str
    text: str
    labels: Labels
    samples: Sequence[Sample]


class Source(Protocol):
    """Whoever has metrics to tell."""

    def collect(self) -> Iterable[Family]: ...


def counter(name: str, text: str, labels: Labels, samples: Iterable[tuple[Labels, float]]) -> Family:
    return Family(f"{name}_total", "counter", text, labels, [("", values, value) for values, value in samples])


def gauge(name: str, text: str, labels: Labels, samples: Iterable[tuple[Labels, float]]) -> Family:
    return Family(name, "gauge", text, labels, [("", values, value) for values, value in samples])


def single(name: str, text: str, value: float) -> Family:
    """A gauge without labels."""
    return gauge(name, text, (), [((), value)])


def write(families: Iterable[Family]) -> bytes:
    return "".join(itertools.chain.from_iterable(map(_lines, families))).encode()


def _lines(family: Family) -> Iterable[str]:
    yield f"# HELP {family.name} {_escaped(family.text)}\n# TYPE {family.name} {family.kind}\n"
    for suffix, values, value in family.samples:
        yield f"{family.name}{suffix}{_labelled(family.labels, values)} {float(value)!r}\n"


@functools.lru_cache(maxsize=32_768)
def _labelled(names: Labels, values: Labels) -> str:
    """`{a="1",b="2"}`, or nothing; names without a value are left out."""
    pairs = ",".join(f'{name}="{_quoted(value)}"' for name, value in sorted(zip(names, values, strict=False)))
    return f"{{{pairs}}}" if pairs else ""


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n")


def _quoted(text: str) -> str:
    return _escaped(text).replace('"', r"\"")
