"""What a user writes about what the public may see and say."""

from gateway.model import kinds


class FeedbackSettings(kinds.Settings):
    """Where anybody may report that something looks wrong. Several open an incident; they never cause an action."""

    path: kinds.PlainPath = ""
    """A path on every listener and host, such as `/.well-known/report`; without it there is none."""


class PublicStatusSettings(kinds.Settings):
    """Where anybody may read what is known about open incidents."""

    path: kinds.PlainPath = ""
    """A path on every listener and host, such as `/.well-known/status`; without it there is none."""
