"""What a user writes about what the gateway remembers."""

from gateway.model import kinds


class StateSettings(kinds.Settings):
    """Where the gateway keeps what must survive a restart."""

    dir: kinds.FilePath = "./state"
    """A folder, made if absent; relative to the working directory. One gateway per folder."""
