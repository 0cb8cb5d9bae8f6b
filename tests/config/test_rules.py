"""Validation rules beside a config: what they refuse, where, and what they say of themselves."""
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.cli import main
from gateway.config import facts, load, revisions, rules
from gateway.config.conditions import Condition
from gateway.config.problems import ConfigError

CONFIG = """\
version: 1
listeners: [{{address: "127.0.0.1:8080"}}]
upstreams:
  orders:
    endpoints: ["127.0.0.1:{port}"]
    timeouts: {{first_byte: 50ms}}
    breaker: {{window: 10s, failures: 40%}}
routes:
  - {{name: list, match: {{path: /list}}, upstream: orders, limits: [{{name: all, key: route, rate: 300/m}}]}}
"""
RULE = """\
name: incident-7-orders-endpoints
incident: 7
selector: {selector}
at: "{at}"
condition: '{condition}'
message: sends orders to a server that is not theirs
tests:
  pass: [{good}]
  refuse: [{bad}]
"""
GOOD, BAD = '{endpoints: ["127.0.0.1:9001"]}', '{endpoints: ["127.0.0.1:9002"]}'
PORT = '!it.endpoints.exists(e, e.address == "127.0.0.1:9002")'


def written(folder: Path, port: int = 9002, **rule: str) -> Path:
    (folder / "rules").mkdir(exist_ok=True)
    text = {"selector": "upstreams.orders", "at": "endpoints", "condition": PORT, "good": GOOD, "bad": BAD} | rule
    (folder / "rules" / "a.yaml").write_text(RULE.format(**text))
    path = folder / "gateway.yaml"
    path.write_text(CONFIG.format(port=port))
    return path


def check(path: Path) -> Result:
    return CliRunner().invoke(main, ["check", str(path)])


def test_check_refuses_what_a_rule_refuses_at_its_place_and_names_the_incident(tmp_path: Path) -> None:
    result = check(written(tmp_path))
    assert result.exit_code == 1
    assert result.output.splitlines() == [
        f"{tmp_path}/gateway.yaml:5:16: upstreams.orders.endpoints: sends orders to a server that is not theirs "
        "(rule incident-7-orders-endpoints, incident 7)", "1 problem"]


def test_check_says_how_many_rules_were_obeyed(tmp_path: Path) -> None:
    result = check(written(tmp_path, port=9001))
    assert result.exit_code == 0
    assert result.output.endswith("; 1 rule obeyed\n")


def test_rules_of_a_folder_are_in_it_and_are_no_part_of_the_config(tmp_path: Path) -> None:
    written(tmp_path)
    with pytest.raises(ConfigError, match="incident 7"):
        load.load(tmp_path)


def test_what_is_read_from_the_disk_is_under_the_rules_too(tmp_path: Path) -> None:
    path = written(tmp_path)
    with pytest.raises(ConfigError, match="incident 7"):
        revisions.from_disk(path)
    with pytest.raises(ConfigError, match="incident 7"):
        revisions.from_documents({"sent": path.read_bytes()}, rules.beside(path))


@pytest.mark.parametrize("condition", [
    "it.timeouts.first_byte >= 0.05 && it.timeouts.connect == 1.0", "it.breaker.failures < 0.5",
    "!has(it.eject)", 'name == "orders"',
    'config.routes.all(r, r.limits.all(l, l.rate == 5.0))',
])
def test_quantities_are_seconds_fractions_and_requests_per_second(tmp_path: Path, condition: str) -> None:
    whole = facts.facts(load.settings_of({"x": written(tmp_path).read_bytes()}))
    assert Condition(condition).holds(whole["upstreams"]["orders"], "orders", whole)


@pytest.mark.parametrize(("rule", "words"), [
    ({"condition": "it.endpoints.size( "}, "no CEL condition"), ({"condition": "1 + 1"}, "must be true or false"),
    ({"condition": "nothing == 1"}, "undeclared reference"), ({"selector": "orders"}, "selects nothing"),
    ({"good": BAD}, r"tests.pass\[0\]: should pass, but is refused"),
    ({"bad": GOOD}, r"tests.refuse\[0\]: is not refused"), ({"good": "{endpoint: 1}"}, "is no upstream"),
    ({"condition": "it.nowhere == 1"}, "cannot be decided"),
])
def test_a_rule_that_does_not_do_what_it_says_refuses_everything_until_it_is_repaired(
        tmp_path: Path, rule: dict[str, str], words: str) -> None:
    path = written(tmp_path, port=9001, **rule)
    with pytest.raises(ConfigError, match=words) as refused:
        load.load(path)
    assert all(each.mark.file.endswith("rules/a.yaml") and each.mark.line for each in refused.value.problems)


def test_a_condition_that_cannot_be_decided_for_a_part_refuses_it(tmp_path: Path) -> None:
    path = written(tmp_path, condition='it.eject.window > 1.0', good='{endpoints: ["a:1"], eject: {window: 10s}}',
                   bad='{endpoints: ["a:1"], eject: {window: 1s}}')
    with pytest.raises(ConfigError, match=r"cannot be decided: .*eject"):
        load.load(path)


def test_a_rule_for_all_routes_points_at_the_one_that_breaks_it(tmp_path: Path) -> None:
    path = written(tmp_path, selector='"routes.*"', at="limits", condition="it.limits.all(l, l.rate >= 10.0)",
                   good="{match: {path: /x}, respond: {status: 204}}",
                   bad="{match: {path: /x}, respond: {status: 204}, limits: [{name: a, rate: 1/s}]}")
    with pytest.raises(ConfigError, match=r"gateway.yaml:9:\d+: routes.list.limits"):
        load.load(path)


def test_a_config_without_rules_beside_it_is_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "gateway.yaml"
    path.write_text(CONFIG.format(port=9002))
    assert rules.beside(path) == ()
    (tmp_path / "rules").mkdir()
    assert rules.beside(path) == ()
    assert load.load(path).upstreams
