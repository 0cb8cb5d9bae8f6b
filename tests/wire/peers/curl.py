"""curl as a client, deaf to the proxy settings of the machine."""
import subprocess

from wire.peers.child import program


def command(*arguments: str) -> list[str]:
    return [program("curl"), "--silent", "--show-error", "--noproxy", "*", *arguments]


def run(*arguments: str) -> bytes:
    """What it prints; CalledProcessError if it fails."""
    return subprocess.run(command(*arguments), check=True, capture_output=True).stdout
