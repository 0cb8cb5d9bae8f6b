"""What a person or program may do over the admin API. Each role may do all that the ones before it may."""

from enum import IntEnum


class Role(IntEnum):
    """viewer looks; operator acts on incidents and isolations; admin changes config and tokens."""

    VIEWER = 1
    OPERATOR = 2
    ADMIN = 3


def parse(text: str) -> Role:
    """Raises ValueError with what to write."""
    try:
        return Role[text.upper()]
    except KeyError:
        listed = ", ".join(role.name.lower() for role in Role)
        raise ValueError(f"{text[:40]!r} is no role; write one of {listed}") from None
