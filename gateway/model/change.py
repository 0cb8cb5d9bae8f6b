"""Something that was changed, by whomever: what an incident's onset is held against."""

from dataclasses import dataclass
from enum import StrEnum


class ChangeKind(StrEnum):
    CONFIG = "config"
    DEPLOY = "deploy"
    VERSION = "version"
    """A version header of an upstream, seen for the first time."""
    ISOLATION = "isolation"
    OVERRIDE = "override"
    """A limit or breaker that was set by hand."""
    ENDPOINTS = "endpoints"
    """Another set of addresses behind a name."""
    CERTIFICATE = "certificate"
    RESTART = "restart"


@dataclass(frozen=True, slots=True)
class Change:
    """`at_ns`: UTC; `scope`: column -> value of what it touched, empty where it touched all; `words`: for people."""

    kind: ChangeKind
    at_ns: int
    words: str
    scope: tuple[tuple[str, str], ...] = ()
    reference: str = ""
    """The revision's number, the deploy's id, the version."""
