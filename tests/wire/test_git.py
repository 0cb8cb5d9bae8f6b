"""`git clone` and `git push` over smart HTTP, through the gateway to a `git http-backend`."""
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from wire import gateways
from wire.peers import python_server
from wire.peers.child import program

pytestmark = pytest.mark.wire
ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_AUTHOR_NAME": "a",
    "GIT_AUTHOR_EMAIL": "a@example.com",
    "GIT_COMMITTER_NAME": "a",
    "GIT_COMMITTER_EMAIL": "a@example.com",
}


def git(*arguments: str, at: Path) -> str:
    command = [program("git"), "-c", "protocol.version=2", *arguments]
    run = subprocess.run(command, cwd=at, env={**ENVIRONMENT, "HOME": str(at)}, capture_output=True, text=True)
    assert run.returncode == 0, f"git {arguments} said:\n{run.stdout}{run.stderr}"
    return run.stdout.strip()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[str]:
    """A repository with one commit of 3 MB behind a gateway: its URL."""
    work, root = tmp_path / "seed", tmp_path / "root"
    root.mkdir()
    git("init", "-q", "-b", "main", str(work), at=tmp_path)
    (work / "noise.bin").write_bytes(os.urandom(3_000_000))
    git("add", ".", at=work)
    git("commit", "-q", "-m", "Seed", at=work)
    git("clone", "-q", "--bare", str(work), str(root / "project.git"), at=tmp_path)
    git("config", "http.receivepack", "true", at=root / "project.git")
    with python_server.running(root, "git") as backend, gateways.running(gateways.before(backend)) as gateway:
        yield f"http://{gateway.address}/project.git"


def test_clone_and_push_through_the_gateway(served: str, tmp_path: Path) -> None:
    clone, again = tmp_path / "clone", tmp_path / "again"
    git("clone", "-q", served, str(clone), at=tmp_path)
    assert (clone / "noise.bin").read_bytes() == (tmp_path / "seed" / "noise.bin").read_bytes()

    (clone / "more.bin").write_bytes(os.urandom(3_000_000))
    git("add", ".", at=clone)
    git("commit", "-q", "-m", "More", at=clone)
    git("push", "-q", "origin", "main", at=clone)
    pushed = git("rev-parse", "HEAD", at=clone)
    assert git("rev-parse", "main", at=tmp_path / "root" / "project.git") == pushed

    git("clone", "-q", served, str(again), at=tmp_path)
    assert (again / "more.bin").read_bytes() == (clone / "more.bin").read_bytes()
    assert git("fsck", "--strict", at=again) == ""
