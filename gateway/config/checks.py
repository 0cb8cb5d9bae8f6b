"""What no single setting can know: checks that look at several settings, or at the disk.

Each check is a generator of Problems; CHECKS is their order. They run on the sound parts of a config even where
other parts are wrong, so a check looks at what was written (the tree) before it says that something is missing.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from gateway.config import compile as compiling
from gateway.config import compile_public, safeguard_checks, tls_files, tree
from gateway.config.faults import Parts
from gateway.config.problems import Mark, Problem
from gateway.config.tree import Location, Mapping
from gateway.model import address as addresses
from gateway.model import kinds
from gateway.record.settings import StateSettings
from gateway.routing import pattern, template
from gateway.routing.settings import RouteSettings

TARGETS = ("upstream", "redirect", "respond")
# What is about the way to an upstream, and so without effect on a route that answers by itself.
NEED_UPSTREAM: tuple[Location, ...] = (
    ("rewrite",), ("request_headers",), ("response_headers", "remove"), ("timeout",), ("body",), ("concurrency",),
    ("fallback",),
)  # fmt: skip
FALLBACK_FILE_MAX = 1 << 20  # bytes: every worker holds it in memory
ENDPOINT_NAME_MAX = 224  # bytes of upstream/endpoint in a row of the board


@dataclass(frozen=True, slots=True)
class Config:
    """A config under check: what was written, and the sound parts of what it means."""

    root: Mapping
    parts: Parts

    def problem(self, message: str, *location: int | str) -> Problem:
        return Problem(tree.place(self.root, location), tree.named(self.root, location), message)

    def at_key(self, message: str, *location: int | str) -> Problem:
        return Problem(tree.key_place(self.root, location), tree.named(self.root, location), message)

    def written(self, *location: int | str) -> bool:
        return tree.find(self.root, location) is not None

    def names(self, section: str) -> list[str]:
        node = tree.find(self.root, (section,))
        return list(node.entries) if isinstance(node, Mapping) else []


def check(root: Mapping, parts: Parts) -> list[Problem]:
    """Everything wrong between the settings."""
    config = Config(root, parts)
    return [problem for each in CHECKS for problem in each(config)]


def route_names(config: Config) -> Iterator[Problem]:
    first: dict[str, Mark] = {}
    for index in config.parts.routes:
        at: Location = ("routes", index, "name")
        name = tree.find(config.root, at)
        if not isinstance(name, tree.Leaf) or not name.value:
            continue
        if name.value in first:
            yield config.problem(f"is already the name of the route at {first[name.value]}; choose another", *at)
        first.setdefault(str(name.value), name.mark)


def route_targets(config: Config) -> Iterator[Problem]:
    for index in config.parts.routes:
        given = [key for key in TARGETS if config.written("routes", index, key)]
        if len(given) > 1:
            yield config.at_key(f"{' and '.join(given)} exclude each other; keep one", "routes", index, given[1])
        if not given:
            yield config.problem(f"does nothing yet; add one of {', '.join(TARGETS)}", "routes", index)
        if given and "upstream" not in given:
            yield from _without_effect(config, index, given[0])


def _without_effect(config: Config, index: int, target: str) -> Iterator[Problem]:
    for key in NEED_UPSTREAM:
        if config.written("routes", index, *key):
            yield config.at_key(f"has no effect on a route with {target}; remove it", "routes", index, *key)


def route_upstreams(config: Config) -> Iterator[Problem]:
    known = config.names("upstreams")
    for index, route in config.parts.routes.items():
        if route.upstream and route.upstream not in known:
            hint = kinds.suggestion(route.upstream, known) or "; add it below upstreams:"
            yield config.problem(f"there is no upstream {route.upstream}{hint}", "routes", index, "upstream")


def route_paths(config: Config) -> Iterator[Problem]:
    """Patterns, hosts and templates are compiled as the router will do it."""
    for index, route in config.parts.routes.items():
        at: Location = ("routes", index)
        compiled = _faults_of(config, pattern.compile_pattern, route.match.path, (*at, "match", "path"))
        yield from compiled
        for number, host in enumerate(route.match.host):
            yield from _faults_of(config, pattern.compile_host, host, (*at, "match", "host", number))
        if not compiled and config.parts.is_sound(*at, "match"):
            yield from _templates(config, route, at)


def _templates(config: Config, route: RouteSettings, at: Location) -> Iterator[Problem]:
    captured = pattern.compile_pattern(route.match.path)
    target = route.redirect.to if route.redirect else ""
    written: list[tuple[str, Location]] = [(route.rewrite, ("rewrite",)), (target, ("redirect", "to"))]
    written += [(step.redirect.to, ("fallback", number, "redirect", "to"))
                for number, step in enumerate(getattr(route, "fallback", ())) if step.redirect]
    for text, key in written:
        if text:
            yield from _faults_of(config, lambda each: template.compile_template(each, captured), text, (*at, *key))


def _faults_of(config: Config, compiled: Callable[[str], object], text: str, at: Location) -> list[Problem]:
    try:
        compiled(text)
    except ValueError as error:
        return [config.problem(str(error), *at)]
    return []


def route_conflicts(config: Config) -> Iterator[Problem]:
    sound = {index: compiling.route(route) for index, route in config.parts.routes.items()
             if config.parts.is_sound("routes", index, "match") and _compiles(route)}
    indexes = list(sound)
    for first, second in pattern.conflicts(sound.values()):
        earlier, later = indexes[first], indexes[second]
        other: Location = ("routes", earlier)
        yield config.problem(f"takes the same requests as {tree.named(config.root, other)} at "
                             f"{tree.place(config.root, other)}; make one of them more specific", "routes", later)


def _compiles(route: RouteSettings) -> bool:
    try:
        pattern.compile_pattern(route.match.path)
        for host in route.match.host:
            pattern.compile_host(host)
    except ValueError:
        return False
    return True


def listen_addresses(config: Config) -> Iterator[Problem]:
    """No two sockets on one address; port 0 is a new one each time."""
    first: dict[str, Mark] = {}
    places: list[tuple[str, Location]] = [(listener.address, ("listeners", index, "address"))
                                          for index, listener in config.parts.listeners.items()]
    if config.parts.admin:
        places.append((config.parts.admin, ("admin", "address")))
    for address, at in places:
        if address in first:
            yield config.problem(f"{address} is already used at {first[address]}; choose another address", *at)
        if not address.endswith(":0"):
            first.setdefault(address, tree.place(config.root, at))


def proxy_protocol(config: Config) -> Iterator[Problem]:
    for index, listener in config.parts.listeners.items():
        if listener.proxy_protocol and not config.written("clients", "trusted_proxies"):
            yield config.problem("nobody may send it; add the balancer's network to clients.trusted_proxies",
                                 "listeners", index, "proxy_protocol")


def endpoints(config: Config) -> Iterator[Problem]:
    for name, upstream in config.parts.upstreams.items():
        seen: set[str] = set()
        for index, endpoint in enumerate(upstream.endpoints):
            at = ("upstreams", name, "endpoints", index, "address")
            if endpoint.address in seen:
                yield config.problem(f"{endpoint.address} is given twice; write it once, with a weight", *at)
            if len(f"{name}/{endpoint.address}".encode()) > ENDPOINT_NAME_MAX:
                yield config.problem("upstream and address together are too long; shorten the upstream's name", *at)
            seen.add(endpoint.address)


def certificates(config: Config) -> Iterator[Problem]:
    """Files are loaded as a worker will do it."""
    for index, listener in config.parts.listeners.items():
        for number, pair in enumerate(listener.tls):
            fault = tls_files.fault_of_pair(pair.certificate, pair.key)
            if fault:
                yield config.problem(fault.message, "listeners", index, "tls", number, fault.key)


def upstream_tls(config: Config) -> Iterator[Problem]:
    for name, upstream in config.parts.upstreams.items():
        tls = upstream.tls
        if tls is None:
            continue
        fault = tls_files.fault_of_authorities(tls.ca) if tls.ca else None
        if fault:
            yield config.problem(fault.message, "upstreams", name, "tls", fault.key)
        nameless = any(endpoint.address.startswith("unix:") for endpoint in upstream.endpoints)
        if tls.verify and nameless and not tls.server_name and config.parts.is_sound("upstreams", name, "tls"):
            yield config.problem("a Unix socket has no name to check; add server_name", "upstreams", name, "tls")


def route_safeguards(config: Config) -> Iterator[Problem]:
    known = config.names("upstreams")
    for index, route in config.parts.routes.items():
        for message, at in safeguard_checks.of_route(route, known):
            yield config.problem(message, "routes", index, *at)


def fallback_files(config: Config) -> Iterator[Problem]:
    """Each is read as a worker will do it."""
    for index, route in config.parts.routes.items():
        for number, step in enumerate(getattr(route, "fallback", ())):
            fault = _file_fault(step.respond.file) if step.respond and step.respond.file else ""
            if fault:
                yield config.problem(fault, "routes", index, "fallback", number, "respond", "file")


def _file_fault(path: str) -> str:
    try:
        size = Path(path).stat().st_size
        with Path(path).open("rb"):
            return f"{path} has {size} bytes; a fallback's body may have {FALLBACK_FILE_MAX}" if (
                size > FALLBACK_FILE_MAX) else ""
    except OSError as error:
        return f"cannot read {path}: {error.strerror}"


def public_paths(config: Config) -> Iterator[Problem]:
    """What is public has its paths for itself."""
    taken: dict[str, Location] = {}
    for index, route in config.parts.routes.items():
        taken[route.match.path] = ("routes", index, "match", "path")
    for index, listener in config.parts.listeners.items():
        taken[listener.health] = ("listeners", index, "health")
    for section in ("feedback", "status"):
        at: Location = (section, "path")
        leaf = tree.find(config.root, at)
        if not isinstance(leaf, tree.Leaf) or not leaf.value or not config.parts.is_sound(*at):
            continue
        if (other := taken.setdefault(str(leaf.value), at)) != at:
            yield config.problem(f"is taken already by {tree.named(config.root, other)} at "
                                 f"{tree.place(config.root, other)}; choose another path", *at)
        yield from _socket_fault(config, at)


def _socket_fault(config: Config, at: Location) -> list[Problem]:
    leaf = tree.find(config.root, ("state", "dir"))
    folder = str(leaf.value) if isinstance(leaf, tree.Leaf) else StateSettings().dir
    return _faults_of(config, lambda path: addresses.parse(f"unix:{compile_public.socket_path(path)}"), folder, at)


CHECKS: tuple[Callable[[Config], Iterator[Problem]], ...] = (
    route_names, route_targets, route_upstreams, route_paths, route_conflicts,
    listen_addresses, proxy_protocol, endpoints, certificates, upstream_tls, route_safeguards,
    fallback_files, public_paths,
)  # fmt: skip
