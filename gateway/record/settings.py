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


class RotateSettings(kinds.Settings):
    """When the access log is begun anew."""

    size: Annotated[int, kinds.size(MIB, 2**50)] = 100 * MIB
    """A file that would be larger is renamed to `path.1`, and that one to `path.2`."""
    keep: Annotated[int, kinds.number(1, 100)] = 5
    """How many old ones there are."""


class AccessLogSettings(kinds.Settings):
    """The access log: a line for every request."""

    path: kinds.FilePath
    """A file in a folder that is there, relative to the working directory, or `stdout`."""
    format: Annotated[str, kinds.choice("json", "combined")] = "json"
    """`json`: an object on each line; `combined`: as Apache and nginx write it."""
    rotate: RotateSettings = RotateSettings()
    """Its bound on disk; not for `stdout`."""


class LogSettings(kinds.Settings):
    """What is written to log files, beside what the gateway says of itself on stderr."""

    access: AccessLogSettings | None = None
    """A line for every request; none by default."""
