"""The compiled router against a reference that tries the regular expression of every route and sorts what matched."""
import re

from hypothesis import given
from hypothesis import strategies as st

from gateway.routing import pattern, plan
from gateway.routing.router import Router

NO_ROUTE, WRONG_METHOD = -1, -2


def host_rank(wanted: str | None, host: str) -> tuple[int, int] | None:
    """(0, 0) for an exact host, then longest suffix, then any; None where it does not match."""
    host = host.lower().partition(":")[0].removesuffix(".")
    if wanted is None:
        return 2, 0
    wanted = wanted.lower()
    if wanted.startswith("*."):
        return (1, -len(wanted)) if host.endswith(wanted[1:]) and host != wanted[1:] else None
    return (0, 0) if host == wanted else None


def takes_path(wanted: str, path: str) -> bool:
    path = pattern.normalise(path)
    if path == "*":
        return wanted == "/**"
    segments = wanted.removesuffix("/**").split("/")[1:]
    expression = "".join("/[^/]+" if part[:1] == "{" else "/" + re.escape(pattern.normalise(part)) for part in segments)
    return bool(re.fullmatch(expression + ("(/.*)?" if wanted.endswith("/**") else ""), path))


def reference(routes: list[plan.Route], host: str, path: str, method: str, headers: dict[str, str]) -> int:
    found = []
    for index, route in enumerate(routes):
        match = route.match
        ranks = [rank for wanted in match.hosts or (None,) if (rank := host_rank(wanted, host))]
        fields = all(name in headers and value in ("*", headers[name]) for name, value in match.headers)
        if ranks and fields and takes_path(match.path, path):
            kinds = [{"{": 1, "*": 2}.get(part[:1], 0) for part in match.path.split("/")[1:]]
            rank = (min(ranks), kinds, not match.methods, -len(set(match.headers)), route.name)
            found.append((rank, index, match.methods))
    allowed = [hit for hit in found if not hit[2] or method in hit[2] or (method == "HEAD" and "GET" in hit[2])]
    return min(allowed)[1] if allowed else WRONG_METHOD if found else NO_ROUTE


literals = st.sampled_from(["a", "b", "ab", "%61", "%2F", "%2f", "", "a.b"])
path_segments = st.sampled_from(["a", "a", "b", "%61b", "%62", "%2f", "", "%zz"])
hosts = st.sampled_from(["a.test", "*.test", "*.a.test", "b.a.test", "*.B.a.test", "test"])
request_hosts = st.sampled_from(["a.test", "b.a.test:80", "c.b.A.test", "x.test.", "test", "other", ""])
methods = st.sampled_from(["GET", "HEAD", "POST", "PURGE", "LOCK"])
header_values = st.sampled_from(["1", "2"])


@st.composite
def paths_of_routes(draw: st.DrawFn) -> str:
    segments = draw(st.lists(literals | st.just("{}"), max_size=4))
    segments = [part.replace("{}", f"{{p{number}}}") for number, part in enumerate(segments)]
    tail = ["**"] if not segments or draw(st.booleans()) else []
    return "/" + "/".join(segments + tail)


matches = st.builds(
    plan.Match,
    path=paths_of_routes(),
    hosts=st.lists(hosts, max_size=2).map(tuple),
    methods=st.lists(methods, max_size=2, unique=True).map(tuple),
    headers=st.dictionaries(st.sampled_from(["x", "y"]), header_values | st.just("*")).map(lambda d: tuple(d.items())),
)
route_sets = st.lists(matches, max_size=8).map(
    lambda found: [plan.Route(f"r{number}", match, upstream="u") for number, match in enumerate(found)])
request_paths = st.lists(path_segments, max_size=5).map(lambda parts: "/" + "/".join(parts)) | st.just("*")
requests = st.tuples(request_hosts, request_paths, methods | st.just("PUT"),
                     st.dictionaries(st.sampled_from(["x", "y"]), header_values))


@given(route_sets, st.lists(requests, min_size=1, max_size=10))
def test_router_finds_what_the_reference_finds(routes, asked):
    router = Router(tuple(routes))
    for request in asked:
        assert router.match(*request) == reference(routes, *request)


@given(st.data(), route_sets, requests)
def test_the_order_of_the_file_does_not_matter(data, routes, request):
    shuffled = data.draw(st.permutations(routes))
    first, second = (Router(tuple(each)).match(*request) for each in (routes, shuffled))
    assert first == second if first < 0 else routes[first] == shuffled[second]


@given(route_sets, requests)
def test_captures_filled_into_their_own_pattern_give_the_path_back(routes, request):
    _, path, _, _ = request
    router = Router(tuple(routes))
    found = router.match(*request)
    if found < 0 or path == "*":
        return
    match = pattern.compile_pattern(routes[found].match.path)
    captures = list(router.captures_of(found, path))
    assert len(captures) == match.captures
    bare, rest = (captures.pop(), captures.pop()) if match.tail else ("", "")
    assert bare == rest.lstrip("/")
    written = "".join("/" + (captures.pop(0) if text is None else text) for text in match.segments) + rest
    assert pattern.normalise(written) == pattern.normalise(path)


@given(st.text(st.characters(max_codepoint=255)), st.text(st.characters(max_codepoint=255)))
def test_no_host_or_path_upsets_the_router(host, path):
    routes = [plan.Route("a", plan.Match("/a/{x}/**", ("*.test",))), plan.Route("b", plan.Match("/**"))]
    router = Router(tuple(routes))
    assert router.match(host, path, "GET", {}) in (0, 1)
    assert len(router.captures_of(1, path)) == 2
