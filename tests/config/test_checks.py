"""What the settings accept, the router compiles; where it is stricter, the mistake is located all the same."""

from pathlib import Path

import config_text
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.config import load
from gateway.config.problems import ConfigError
from gateway.routing import tables

SEGMENT = st.text(alphabet="abc{}*.%2fF-_~ é:@?#/", max_size=8)
PATHS = st.lists(SEGMENT, max_size=4).map(lambda parts: "/" + "/".join(parts))
HOSTS = st.text(alphabet="ab.*-_:[]1é", max_size=12)
TARGETS = st.one_of(PATHS, PATHS.map(lambda path: f"https://a.example{path}"))


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(PATHS, st.lists(HOSTS, max_size=2), TARGETS)
def test_a_config_that_passes_never_fails_in_the_router(
    tmp_path: Path, path: str, hosts: list[str], target: str
) -> None:
    listed = ", ".join(quoted(host) for host in hosts)
    match = f"match: {{path: {quoted(path)}, host: [{listed}]}}"
    text = f"{config_text.TOP}routes: [{{name: r, {match}, redirect: {{to: {quoted(target)}}}}}]\n"
    try:
        found = load.load(config_text.written(tmp_path, text)).routes
    except ConfigError as error:
        assert all(problem.mark.line == 4 for problem in error.problems)  # noqa: PT017
        return
    assert tables.build(found).depth <= 64


def test_a_path_that_only_the_router_refuses_is_located(tmp_path: Path) -> None:
    deep = "/a" * 65
    assert config_text.problems(tmp_path, config_text.route(f"upstream: orders\nmatch: {{path: {deep}}}")) == [
        "gateway.yaml:7:19: routes.r.match.path: a path may have at most 64 segments, this one has 65"
    ]


def test_a_host_that_only_the_router_refuses_is_located(tmp_path: Path) -> None:
    long = "*." + ".".join(["a" * 60] * 4) + ".example.com"
    found = config_text.problems(tmp_path, config_text.route(f"upstream: orders\nmatch: {{host: [a, '{long}']}}"))
    assert [line.partition(": ")[0] for line in found] == ["gateway.yaml:7:23"]


def test_messages_stay_on_one_line(tmp_path: Path) -> None:
    found = config_text.problems(tmp_path, config_text.route('upstream: "a\\nb\\e[0m"'))
    assert len(found) == 1
    assert found[0].isprintable()


def test_a_public_path_is_nobody_elses(tmp_path: Path) -> None:
    text = config_text.TOP + "feedback: {path: /tell}\nstatus: {path: /tell}\nroutes: [{name: r, upstream: orders}]\n"
    assert config_text.problems(tmp_path, text) == [
        "gateway.yaml:5:16: status.path: is taken already by feedback.path at gateway.yaml:4:18; choose another path"]
    text = config_text.route("upstream: orders\nmatch: {path: /tell}") + "feedback: {path: /tell}\n"
    assert config_text.problems(tmp_path, text) == [
        "gateway.yaml:8:18: feedback.path: is taken already by routes.r.match.path at gateway.yaml:7:19; "
        "choose another path"]


def test_the_socket_of_what_is_public_needs_a_short_state_folder(tmp_path: Path) -> None:
    text = config_text.TOP + f"state: {{dir: /{'x' * 110}}}\nstatus: {{path: /tell}}\n"
    assert config_text.problems(tmp_path, text) == [
        "gateway.yaml:5:16: status.path: the path of a Unix socket has at most 107 bytes; write a shorter one"]
