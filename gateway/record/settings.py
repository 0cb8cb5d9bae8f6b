"""What a user writes about what the gateway remembers."""

from typing import Annotated

from gateway.model import http, kinds

MIB = 2**20


class StateSettings(kinds.Settings):
    """Where the gateway keeps what must survive a restart."""

    dir: kinds.FilePath = "./state"
    """A folder, made if absent; relative to the working directory. One gateway per folder."""
    max_bytes: kinds.Size = 2 * 2**30
    """What the history of all targets may take on the disk; the least active series go first."""


class RecorderSettings(kinds.Settings):
    """The flight recorder: what is kept of each request."""

    disk: Annotated[int, kinds.or_word("off", kinds.size(64 * MIB, 2**50))] = 2048 * MIB
    """How much of it is kept in the state folder, the oldest going first; `off`: only what is in memory."""
    rate: Annotated[int, kinds.number(1, 1_000_000)] = 1000
    """Ordinary requests kept per second; what is refused or fails is kept beyond that."""
    version_header: Annotated[str, kinds.words(http.token, examples=["x-version"])] = "x-version"
    """A header of answers whose value is recorded: what release of the upstream gave the answer."""
