"""Durations, rates, sizes and shares: how a person writes them, and the whole numbers that the code computes with.

Rules:
- a quantity is a number and a unit without a space between: `250ms`, `1.5h`, `64KiB`, `50%`, `100/s`;
- inside, everything is a whole number of the smallest unit, so that nothing is ever rounded:
  durations are nanoseconds, sizes bytes, shares parts per million, a rate a count per nanoseconds;
- what is not understood is a ValueError whose text says what to write instead;
- `parse_x(format_x(value)) == value` for every value.
"""

import re
from dataclasses import dataclass

DURATION_UNITS = {
    "ns": 1,
    "us": 1_000,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
}
SIZE_UNITS = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}
RATE_UNITS = {unit: DURATION_UNITS[unit] for unit in ("s", "m", "h")}
PERCENT = 10_000  # parts per million
LARGEST = 2**63 - 1  # every quantity fits the signed 64-bit words of the board

# Digits are bounded, so that a hostile file cannot ask for a number of a million digits.
QUANTITY = re.compile(r"(?P<whole>[0-9]{1,19})(?:\.(?P<part>[0-9]{1,12}))?(?P<unit>[A-Za-zµ%/]*)")


@dataclass(frozen=True, slots=True, order=True)
class Rate:
    """`count` events per `period` nanoseconds (a second, a minute or an hour)."""

    count: int
    period: int

    def __str__(self) -> str:
        return format_rate(self)


def parse_duration(text: str) -> int:
    """Nanoseconds of `250ms`, `10s`, `1.5h`. Raises ValueError on anything else."""
    found = _split(text, "a duration", "250ms, 10s, 5m or 2h")
    if not found["unit"]:
        raise ValueError(f"{text!r} has no unit; write {text}s, or {text} with one of {_list(DURATION_UNITS)}")
    if found["unit"] not in DURATION_UNITS:
        raise ValueError(f"{found['unit']!r} is not a unit of time; write one of {_list(DURATION_UNITS)}, such as 10s")
    return _whole(text, found, DURATION_UNITS[found["unit"]], "nanoseconds")


def format_duration(nanoseconds: int) -> str:
    """The shortest exact text, such as `90s` or `2h`."""
    if nanoseconds == 0:
        return "0s"
    return _format(nanoseconds, DURATION_UNITS)


def parse_size(text: str) -> int:
    """Bytes of `64KiB`, `1MiB` or a plain number of bytes. Raises ValueError on anything else."""
    found = _split(text, "a size", "64KiB, 1MiB or a number of bytes")
    unit = found["unit"] or "B"
    if unit not in SIZE_UNITS:
        raise ValueError(f"{unit!r} is not a unit of size; write {_closest_size_unit(unit)}")
    return _whole(text, found, SIZE_UNITS[unit], "bytes")


def format_size(count: int) -> str:
    """The shortest exact text, such as `64KiB`; what has no larger unit stays a number of bytes."""
    text = _format(count, SIZE_UNITS) if count else "0"
    return text.removesuffix("B") if text[-2:-1].isdigit() else text


def parse_rate(text: str) -> Rate:
    """The Rate of `50/s`, `1000/m`, `10000/h`. Raises ValueError on anything else."""
    found = _split(text, "a rate", "50/s, 1000/m or 10000/h")
    unit = found["unit"].removeprefix("/")
    if not found["unit"].startswith("/") or unit not in RATE_UNITS:
        raise ValueError(f"{text!r} does not say per what; write {found['whole']}/s, {found['whole']}/m or "
                         f"{found['whole']}/h")
    return Rate(_whole(text, found, 1, "events; count over a longer time instead"), RATE_UNITS[unit])


def format_rate(rate: Rate) -> str:
    units = {period: unit for unit, period in RATE_UNITS.items()}
    return f"{rate.count}/{units[rate.period]}"


def parse_share(text: str) -> int:
    """Parts per million of `50%` or `99.9%`. Raises ValueError on anything else and above 100%."""
    found = _split(text, "a share", "50% or 99.9%")
    if found["unit"] != "%":
        raise ValueError(f"{text!r} has no percent sign; write it as in 50% or 99.9%")
    share = _whole(text, found, PERCENT, "parts per million")
    if share > 100 * PERCENT:
        raise ValueError(f"{text!r} is more than the whole; write at most 100%")
    return share


def format_share(parts_per_million: int) -> str:
    whole, part = divmod(parts_per_million, PERCENT)
    return f"{whole}.{part:04}".rstrip("0").rstrip(".") + "%"


def _split(text: str, kind: str, examples: str) -> dict[str, str]:
    found = QUANTITY.fullmatch(text)
    if found is None:
        raise ValueError(f"{text[:40]!r} is not {kind}; write {examples}")
    return found.groupdict(default="")


def _whole(text: str, found: dict[str, str], unit: int, smallest: str) -> int:
    written, scale = int(found["whole"] + found["part"]), int("1" + "0" * len(found["part"]))
    value, rest = divmod(written * unit, scale)
    if rest:
        raise ValueError(f"{text!r} is not a whole number of {smallest}")
    if value > LARGEST:
        raise ValueError(f"{text!r} is too large")
    return value


def _format(value: int, units: dict[str, int]) -> str:
    unit = next(unit for unit in reversed(units) if value % units[unit] == 0)
    return f"{value // units[unit]}{unit}"


def _list(units: dict[str, int]) -> str:
    return " ".join(units)


def _closest_size_unit(unit: str) -> str:
    """`k`, `KB` and `Kb` all mean KiB here: the gateway counts in powers of 1024 and says so."""
    likely = {"k": "KiB", "m": "MiB", "g": "GiB", "t": "TiB"}.get(unit[:1].lower())
    return f"{likely} (powers of 1024)" if likely else f"one of {_list(SIZE_UNITS)}"
