"""What every compared proxy can do: write its config, name its command, and tell which processes carry the traffic."""

import abc
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from loadtests.accounting import ProcessEntry
from loadtests.site import Certificate


@dataclass(frozen=True, slots=True)
class Post:
    """Where a proxy stands: listens on 127.0.0.1:`port` (TLS when given a certificate), sends to `upstreams` (ports).

    `spare_port` is for whatever else it must listen on; `folder` is its own to write into.
    """

    folder: Path
    port: int
    spare_port: int
    upstreams: tuple[int, ...]
    workers: int = 1
    certificate: Certificate | None = None
    access_log: bool = False


class Peer(abc.ABC):
    """A kind of proxy. Instances hold no running process: `loadtests.lineup` starts them."""

    name: ClassVar[str]

    @property
    def label(self) -> str:
        """Its name in results: the kind's own, unless two of a kind run."""
        return self.name

    @abc.abstractmethod
    def version(self) -> str:
        """One line for the results. Raises MissingProgramError when it is not on this machine."""

    @abc.abstractmethod
    def command(self, post: Post) -> list[str]:
        """Write the config into `post.folder` and return the command that runs the proxy in the foreground."""

    def environment(self) -> dict[str, str]:
        """What to add to the environment."""
        return {}

    @abc.abstractmethod
    def traffic(self, members: Sequence[ProcessEntry]) -> list[ProcessEntry]:
        """Of all its processes (the leader first), the ones through which requests go."""

    def is_whole(self, members: Sequence[ProcessEntry], workers: int) -> bool:
        """Have all processes that will carry traffic come up? One that answers may still be short of a worker."""
        return len(self.traffic(members)) > 0
