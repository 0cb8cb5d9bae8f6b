"""What a user may know from the documentation but this version does not do yet.

One table: where a key belongs -> the keys whose feature has not landed. A key in it is a located error "not yet
supported", never ignored and never called unknown. A feature that lands removes its line here and adds its setting.
`*` stands for any name or index.
"""

from typing import Any

from gateway.config.tree import Location

MESSAGE = "not yet supported; leave it out for now"

KEYS: dict[tuple[str, ...], frozenset[str]] = {}

VALUES: dict[tuple[str, ...], frozenset[str]] = {
    ("upstreams", "*", "balance"): frozenset({"peak_ewma", "hash"}),
}


def is_pending_key(location: Location) -> bool:
    """Is the last part of this location a key that a later version will know?"""
    return bool(location) and any(str(location[-1]) in keys for where, keys in KEYS.items()
                                  if _fits(location[:-1], where))


def is_pending_value(location: Location, value: Any) -> bool:
    return any(str(value) in values for where, values in VALUES.items() if _fits(location, where))


def _fits(location: Location, where: tuple[str, ...]) -> bool:
    same_depth = len(location) == len(where)
    return same_depth and all(wanted in ("*", part) for part, wanted in zip(location, where, strict=True))
