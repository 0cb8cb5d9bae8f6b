"""Scenarios, and which incident is a drill's."""
from pathlib import Path

import pytest
import yaml

from gateway.cli.drills import doing, scenarios
from gateway.cli.drills.followed import Followed
from gateway.cli.drills.places import Place
from gateway.cli.drills.traffic import LEFT_OUT, NO_ANSWER, Counter, asked, crowd, failed
from gateway.model.fault import FaultClass

FOLDER = Path(__file__).parents[2] / "config" / "drills"


def test_every_scenario_that_is_shipped_is_one() -> None:
    found = list(scenarios.all_in(FOLDER))
    assert len(found) >= 10
    assert all(each.settings.about for each in found)


def test_there_is_a_scenario_for_every_kind_of_fault() -> None:
    names = {each.name for each in scenarios.all_in(FOLDER)}
    missing = {each.value for each in FaultClass if each.value.replace(" ", "-") not in names}
    assert missing == {"unknown"}


@pytest.mark.parametrize(("text", "why"), [
    ("about: x\nplace: moon\nexpect: {detect: 1s}\nfault: {kind: abort}", "place"),
    ("about: x\nplace: upstream\nexpect: {detect: 1s}", "exactly one of"),
    ("about: x\nplace: upstream\nexpect: {detect: soon}\nfault: {kind: abort}", "detect"),
    ("about: [", "while parsing"),
])
def test_what_is_no_scenario_says_why(tmp_path: Path, text: str, why: str) -> None:
    (tmp_path / "bad.yaml").write_text(text)
    with pytest.raises(scenarios.ScenarioError, match=why):
        scenarios.load("bad", tmp_path)


SHOP = """\
upstreams:
  orders: {endpoints: ["127.0.0.1:9001"], breaker: {window: 10s}}
"""


def test_a_mistake_in_a_folder_of_files_changes_the_one_that_has_the_upstream() -> None:
    text = f"# file: 10-a.yaml\nversion: 1     # ours\n\n# file: 20-b.yaml\n{SHOP}\n"
    made = doing.with_mistake(text, "orders", 1)
    assert made["10-a.yaml"] == "version: 1     # ours\n"
    assert yaml.safe_load(made["20-b.yaml"])["upstreams"]["orders"] == {
        "endpoints": ["127.0.0.1:1"], "breaker": {"window": "10s"}}


def test_a_mistake_in_a_single_file_leaves_it_a_single_file() -> None:
    made = doing.with_mistake(f"version: 1\n{SHOP}", "orders", 1)
    assert [yaml.safe_load(each)["upstreams"]["orders"]["endpoints"] for each in made.values()] == [["127.0.0.1:1"]]


def test_the_gateway_itself_is_a_place_with_all_its_upstreams() -> None:
    place = Place(upstreams=("a", "b"), is_gateway=True)
    assert (place.about, str(place)) == ("gateway", "gateway")


def test_an_unknown_name_is_told_which_there_are(tmp_path: Path) -> None:
    (tmp_path / "one.yaml").write_text("")
    with pytest.raises(scenarios.ScenarioError, match=r"in .*: one"):
        scenarios.load("two", tmp_path)


def brief(number: int = 7, detected: str = "2026-05-01T10:00:05Z",
          scope: str = "endpoint:api/9001") -> dict[str, object]:
    return {"id": number, "times": {"detected": detected}, "scope": [scope]}


BEGAN = 1777629602.0                    # 2026-05-01T10:00:02Z


def test_its_incident_is_about_its_place_and_opened_since() -> None:
    followed = Followed("api/9001", BEGAN)
    assert followed.is_it(brief())
    assert not followed.is_it(brief(scope="route:other"))
    assert not followed.is_it(brief(detected="2026-05-01T10:00:01Z"))


def test_once_it_is_known_it_stays_the_same_one() -> None:
    followed = Followed("api/9001", BEGAN, brief())
    assert not followed.is_it(brief(number=8))
    assert followed.seconds_to("detected") == 3.0
    assert followed.seconds_to("resolved") is None


def test_clients_of_the_loopback_have_addresses_of_their_own() -> None:
    here = crowd("http://127.0.0.1:8080", {"/": 10.0}, 2)
    assert [(each.client, each.rate) for each in here] == [("127.0.0.2", 5.0), ("127.0.0.3", 5.0)]
    assert {each.client for each in crowd("http://gateway.example:80", {"/": 10.0}, 2)} == {""}


def test_what_was_left_out_was_not_asked() -> None:
    answers = Counter({200: 5, 503: 2, NO_ANSWER: 1, 429: 3, LEFT_OUT: 40})
    assert (asked(answers), failed(answers)) == (11, 3)
