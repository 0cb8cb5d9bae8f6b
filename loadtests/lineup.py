"""The proxies of one scenario, all started and idle beside each other, and the measurement of one of them.

They stand side by side for the whole scenario, so that rounds can be interleaved: whatever the machine does meanwhile
(another guest, a slower core) meets all of them alike. An idle proxy costs the measured one nothing to speak of.
"""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from loadtests import accounting, processes, quiet, readiness, scenarios, wrk
from loadtests.accounting import CpuTime
from loadtests.errors import LoadTestError
from loadtests.peers import Peer, Post
from loadtests.scenarios import Scenario
from loadtests.site import Cores, Site


@dataclass(frozen=True, slots=True)
class Contestant:
    """A running proxy. `traffic` and `everything` are pids: the processes that carry requests, and all of them."""

    label: str
    version: str
    program: processes.Program
    port: int
    tls: bool
    cores: Cores
    folder: Path
    traffic: tuple[int, ...]
    everything: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Sample:
    """One contestant in one round. CPU in seconds per request; latencies in microseconds; rate in requests/s;
    `others`: share of the cores that other programs took meanwhile, 0 to 1."""

    traffic: CpuTime
    everything: CpuTime
    rate: float
    p50_us: float
    p99_us: float
    requests: int
    others: float


@contextlib.contextmanager
def started(peers: Sequence[Peer], scenario: Scenario, upstreams: tuple[int, ...], site: Site,
            cores: Cores) -> Iterator[list[Contestant]]:
    """Start every peer and wait until it answers; stop them all at the end."""
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(_started(peer, scenario, upstreams, site, cores)) for peer in peers]


@contextlib.contextmanager
def _started(peer: Peer, scenario: Scenario, upstreams: tuple[int, ...], site: Site,
             cores: Cores) -> Iterator[Contestant]:
    post = Post(site.subfolder(peer.label), site.port(), site.port(), upstreams, scenario.workers,
                site.certificate() if scenario.tls else None, scenario.access_log)
    version = peer.version()
    program = processes.Program(peer.label, peer.command(post), cores=cores.proxy, folder=post.folder,
                                environment=peer.environment())
    with processes.running(program):
        program.wait_until(lambda: readiness.answers(post.port, scenario, scenario.tls)
                           and peer.is_whole(program.members(), scenario.workers))
        yield _contestant(peer, version, program, post, cores)


def _contestant(peer: Peer, version: str, program: processes.Program, post: Post, cores: Cores) -> Contestant:
    members = program.members()
    traffic = peer.traffic(members)
    if not traffic:
        titles = [member.title for member in members]
        raise LoadTestError(f"none of {peer.label}'s processes carries traffic, by their titles: {titles}")
    return Contestant(peer.label, version, program, post.port, post.certificate is not None, cores, post.folder,
                      tuple(member.pid for member in traffic), tuple(member.pid for member in members))


def load_on(contestant: Contestant, scenario: Scenario, seconds: float) -> wrk.Load:
    protocol = "https" if contestant.tls else "http"
    return wrk.Load(
        url=f"{protocol}://127.0.0.1:{contestant.port}{scenario.target}", connections=scenarios.CONNECTIONS,
        threads=scenario.workers, duration=seconds, cores=contestant.cores.load, headers=scenarios.REQUEST_HEADERS,
        answer=scenario.body)


def measure(contestant: Contestant, load: wrk.Load) -> Sample:
    """Load it and take its account before and after. Raises LoadTestError when a request fails or a process ends."""
    with quiet.watch(contestant.cores.proxy | contestant.cores.load) as others:
        before = accounting.read_all(contestant.everything)
        report = wrk.run(load, contestant.folder)
        after = accounting.read_all(contestant.everything)
    return Sample(
        traffic=_each(accounting.spent_by(contestant.traffic, before, after), report.requests),
        everything=_each(accounting.spent_by(contestant.everything, before, after), report.requests),
        rate=report.rate, p50_us=report.p50_us, p99_us=report.p99_us, requests=report.requests,
        others=others.share)


def _each(time: CpuTime, requests: int) -> CpuTime:
    return CpuTime(time.user / requests, time.system / requests)
