"""Proposals from drafted to decided: real files, a real store, and a config that is really applied."""
import asyncio
import dataclasses
import logging
import time
from pathlib import Path

import pytest
from admin.whole_api import make_board
from prevent import cases

from gateway.board import State
from gateway.config import boot, revisions, rules
from gateway.control.deciding import Accepted, Deciding
from gateway.control.refused import Refused
from gateway.control.reloading import Reloader
from gateway.model.incident import Entry
from gateway.model.proposal import Proposal, ProposalKind, ProposalState
from gateway.record.active import ActiveFile
from gateway.record.store import NotStored

LOG = logging.getLogger("test")
CONFIG = """\
version: 1
listeners: [{address: "127.0.0.1:8080"}]
upstreams:
  orders: {endpoints: ["127.0.0.1:9001"]}
routes:
  - {name: orders, match: {path: /orders/**}, upstream: orders}
"""
CHANGED = CONFIG.replace("upstream: orders}", "upstream: orders, priority: low}")
RULE = """\
name: incident-1-orders
incident: 1
selector: upstreams.orders
condition: '!it.endpoints.exists(e, e.address == "127.0.0.1:9002")'
message: 9002 must not come back
tests:
  pass: [{endpoints: ["127.0.0.1:9001"]}]
  refuse: [{endpoints: ["127.0.0.1:9002"]}]
"""


class Scene:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "state").mkdir()
        self.file = folder / "gateway.yaml"
        self.file.write_text(CONFIG)
        candidate = revisions.from_documents({"gateway.yaml": CONFIG.encode()})
        ActiveFile(folder / "state").write(boot.first(candidate, None, time.time_ns()))
        self.board = make_board()
        self.reloader = Reloader(self.board, folder / "state", str(self.file), {}, LOG)
        self.reloader.finish()
        self.deciding = Deciding(self.reloader, LOG)
        self.store = self.reloader.store()
        found = cases.incident()
        self.store.open_incident(found, Entry(found.opened_ns, "gateway", "opened", "errors"))

    def proposed(self, kind: ProposalKind, body: str, base: int = 1, name: str = "incident-1-orders.yaml") -> int:
        drafted = Proposal(1, kind, "refuse port 9002", "revision 4 had it", name, body, base=base, at_ns=1)
        return self.store.add_proposals([drafted])[0].id

    def worker_follows(self, revision: int) -> None:
        """As its slot on the board says: prepared, and served as soon as it may be."""
        slot = self.board.slot(0)
        slot["state"], slot["prepared"], slot["generation"] = State.READY, revision, revision

    def accept(self, number: int, reason: str = "") -> Proposal:
        return self.accepted(number, reason).proposal

    def accepted(self, number: int, reason: str = "") -> Accepted:
        return asyncio.run(self.deciding.accept(1, number, "ann", reason, time.time_ns(), ["orders"]))

    def states(self) -> list[ProposalState]:
        return [each.state for each in self.deciding.of(1)]


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def test_an_accepted_rule_is_a_file_beside_the_config_and_is_obeyed(scene: Scene) -> None:
    decided = scene.accept(scene.proposed(ProposalKind.RULE, RULE), "never again")
    assert (decided.state, decided.who, decided.reason) == ("accepted", "ann", "never again")
    assert (scene.folder / "rules" / "incident-1-orders.yaml").read_text() == RULE
    assert len(rules.beside(scene.file)) == 1
    assert scene.states() == [ProposalState.ACCEPTED]
    assert [each.what for each in scene.store.audit()][:2] == ["proposal.accepted", "proposal.draft"]


def test_what_was_accepted_is_in_the_change_log_and_in_the_runbook_of_the_route(scene: Scene) -> None:
    scene.accept(scene.proposed(ProposalKind.RULE, RULE), "see <the> *review*")
    scene.accept(scene.proposed(ProposalKind.DRILL, "{}", name="incident-1.json"))
    changes = (scene.folder / "CHANGES.md").read_text()
    assert changes.startswith("# What was changed because of incidents\n")
    assert changes.count("incident 1: ") == 2
    assert "Because: see \\<the\\> \\*review\\*." in changes
    assert (scene.folder / "runbook" / "orders.md").read_text().startswith("# Runbook of the route orders\n")
    assert (scene.folder / "drills" / "incident-1.json").read_text() == "{}"


def test_an_accepted_change_is_applied_and_a_second_one_has_to_be_drafted_anew(scene: Scene) -> None:
    number = scene.proposed(ProposalKind.CONFIG, CHANGED, name="low")
    other = scene.proposed(ProposalKind.CONFIG, CONFIG.replace("9001", "9003"), name="other")
    scene.worker_follows(2)
    scene.accept(number)
    assert scene.reloader.active.revision.text == CHANGED
    assert scene.reloader.active.revision.note == "proposal 1 of incident 1"
    with pytest.raises(Refused, match="has changed since: it was drafted against revision 1, and 2 is served: look"):
        scene.accept(other)
    assert scene.states() == [ProposalState.ACCEPTED, ProposalState.PROPOSED]


def test_an_accepted_change_is_in_the_config_file_too(scene: Scene) -> None:
    number = scene.proposed(ProposalKind.CONFIG, CHANGED, name="low")
    scene.worker_follows(2)
    accepted = scene.accepted(number)
    assert accepted.done == f"written to {scene.file}"
    assert scene.file.read_text() == CHANGED
    assert not scene.reloader.status()["drift"]


def test_once_the_file_says_what_is_served_going_back_there_is_a_change_again(scene: Scene) -> None:
    number = scene.proposed(ProposalKind.CONFIG, CHANGED, name="low")
    scene.worker_follows(2)
    scene.accept(number)
    assert scene.reloader.active.set_aside                  # what stood in the file when it was applied
    asyncio.run(scene.reloader._take("file"))
    assert scene.reloader.active.set_aside == ActiveFile(scene.folder / "state").read().set_aside == ""
    scene.file.write_text(CONFIG)
    scene.worker_follows(3)
    asyncio.run(scene.reloader._take("file"))
    assert (scene.reloader.active.revision.number, scene.reloader.active.revision.text) == (3, CONFIG)


def test_a_file_that_was_edited_meanwhile_is_left_and_the_status_shows_drift(scene: Scene) -> None:
    number = scene.proposed(ProposalKind.CONFIG, CHANGED, name="low")
    scene.file.write_text(CONFIG + "# edited\n")
    scene.worker_follows(2)
    accepted = scene.accepted(number)
    assert accepted.proposal.state is ProposalState.ACCEPTED
    assert "put it into that config too" in accepted.done
    assert scene.file.read_text() == CONFIG + "# edited\n"
    assert scene.reloader.status()["drift"]


def test_a_change_that_was_applied_before_the_gateway_died_is_written_by_the_next_acceptance(scene: Scene) -> None:
    number = scene.proposed(ProposalKind.CONFIG, CHANGED, name="low")
    scene.worker_follows(2)
    asyncio.run(scene.reloader.apply_documents({"gateway.yaml": CHANGED.encode()}, "ann", "proposal 1 of incident 1"))
    assert scene.file.read_text() == CONFIG
    assert scene.accepted(number).done == f"written to {scene.file}"
    assert scene.file.read_text() == CHANGED
    assert scene.reloader.active.revision.number == 2


def test_a_correction_is_not_accepted_once_the_config_was_taken_back_by_hand(scene: Scene) -> None:
    scene.worker_follows(2)
    asyncio.run(scene.reloader.apply_documents({"gateway.yaml": CHANGED.encode()}, "ann", "a mistake"))
    number = scene.proposed(ProposalKind.CONFIG, CONFIG, base=2, name="revert-2")
    scene.worker_follows(3)
    asyncio.run(scene.reloader.roll_back(1, "ann", "by hand"))
    with pytest.raises(Refused, match="the config has changed since: it was drafted against revision 2, and 3 is "
                                      "served, which says all that is proposed here"):
        scene.accept(number)
    assert scene.states() == [ProposalState.PROPOSED]
    assert scene.reloader.active.revision.number == 3


def test_an_acceptance_whose_end_was_not_recorded_can_be_repeated(scene: Scene) -> None:
    number = scene.proposed(ProposalKind.RULE, RULE)
    (scene.folder / "rules").mkdir()
    (scene.folder / "rules" / "incident-1-orders.yaml").write_text(RULE)
    assert scene.accept(number).state is ProposalState.ACCEPTED


def test_a_file_that_says_something_else_is_never_overwritten(scene: Scene) -> None:
    number = scene.proposed(ProposalKind.RULE, RULE)
    (scene.folder / "rules").mkdir()
    (scene.folder / "rules" / "incident-1-orders.yaml").write_text("name: mine")
    with pytest.raises(Refused, match="says something else"):
        scene.accept(number)
    assert scene.states() == [ProposalState.PROPOSED]


def test_a_rule_that_does_not_do_what_it_says_is_not_written(scene: Scene) -> None:
    number = scene.proposed(ProposalKind.RULE, RULE.replace('"127.0.0.1:9002"]}]', '"127.0.0.1:9003"]}]'))
    with pytest.raises(Refused, match="is not refused, but should be"):
        scene.accept(number)
    assert not (scene.folder / "rules").exists()


def test_a_decision_needs_a_reason_to_decline_and_is_final(scene: Scene) -> None:
    number = scene.proposed(ProposalKind.RULE, RULE)
    with pytest.raises(ValueError, match="say why"):
        scene.deciding.decline(1, number, "ann", " ", 5)
    scene.deciding.decline(1, number, "ann", "we move to names", 5)
    with pytest.raises(Refused, match="was declined already, by ann"):
        scene.accept(number)
    with pytest.raises(KeyError, match="no proposal 99"):
        scene.accept(99)
    assert not (scene.folder / "CHANGES.md").exists()


def test_the_same_is_not_proposed_twice_for_an_incident(scene: Scene) -> None:
    scene.proposed(ProposalKind.RULE, RULE)
    again = dataclasses.replace(scene.deciding.of(1)[0], id=0)
    assert scene.store.add_proposals([again]) == []
    assert len(scene.states()) == 1


def test_a_gateway_without_a_config_file_has_no_place_for_a_rule(scene: Scene) -> None:
    number = scene.proposed(ProposalKind.RULE, RULE)
    bare = Reloader(make_board(), scene.folder / "state", "", {}, LOG)
    with pytest.raises(Refused, match="without a config file"):
        asyncio.run(Deciding(bare, LOG).accept(1, number, "ann", "", 5))


def test_a_full_disk_leaves_the_proposal_open(scene: Scene) -> None:
    number = scene.proposed(ProposalKind.RULE, RULE)

    def full(decided: Proposal) -> None:
        raise NotStored(507, "the disk is full")

    scene.store.decide_proposal = full  # type: ignore[method-assign]
    with pytest.raises(NotStored):
        scene.accept(number)
    assert scene.states() == [ProposalState.PROPOSED]
    assert not (scene.folder / "CHANGES.md").exists()
