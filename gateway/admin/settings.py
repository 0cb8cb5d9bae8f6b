"""What a user writes about the admin API."""

from gateway.model import kinds


class AdminSettings(kinds.Settings):
    """Where status, metrics and commands are served."""

    address: kinds.LoopbackAddress = "127.0.0.1:9900"
    """A loopback `host:port`, as the API needs no token there."""
