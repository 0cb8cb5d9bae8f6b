"""Post-mortems as control keeps them: on a fake clock, a real store and real files."""
import dataclasses
import json
import logging
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from prevent import cases
from prevent.cases import ONSET

from gateway.control.filing import Filing
from gateway.control.incident_loop import IncidentLoop
from gateway.control.recalling import Memory, Question, recall, think
from gateway.control.reporting import Reporting, affected, suspect
from gateway.control.telling import Telling
from gateway.control.tuning import TuningQuestion
from gateway.detect.grouping import Topology
from gateway.model import incident as incidents
from gateway.model.fault import FaultClass
from gateway.model.incident import Entry, Event, Incident, State
from gateway.model.proposal import Proposal, ProposalKind
from gateway.model.safeguards import SECOND
from gateway.prevent.case import Applied, Clients
from gateway.record.active import Active
from gateway.record.revision import Revision
from gateway.record.store import NotStored, open_store
from gateway.record.ticks import TICK, coded
from gateway.record.window_store import NAME, WindowStore
from gateway.routing import plan

LOG = logging.getLogger("test")
PLAN = plan.Plan((), (plan.Upstream("orders", (plan.Endpoint("127.0.0.1:1"),)),), (
    plan.Route("list", upstream="orders", objective=plan.Objective(999_000)), plan.Route("create", upstream="orders"),
    plan.Route("login", respond=plan.Respond())))
ACTIVE = Active(Revision(5, "served", "served", "digest", PLAN.to_json(), ONSET * SECOND))
BLAMED = Active(Revision(4, "new", "new", "digest", PLAN.to_json(), ONSET * SECOND))
"""What `cases.incident` is put down to."""


def revert(number: int, base: int = 4) -> Proposal:
    return Proposal(number, ProposalKind.CONFIG, "serve the config of revision 3 again", "why", "revert-4", "old",
                    "-new", ("loads",), base, replay=("may be applied",))


class Historian:
    """Remembers what it is given, in the turn after it is asked."""

    def __init__(self) -> None:
        self.asked: list[Question] = []
        self.found: Memory | None = Memory((cases.series(),), (), Clients(3, 9, 0, 1.0))

    def begin(self, question: Question) -> None:
        self.asked.append(question)

    def memory(self) -> Memory | None:
        return self.found


class Tuner:
    """Answers what it is given, once it is given something."""

    def __init__(self) -> None:
        self.asked: list[TuningQuestion] = []
        self.found: dict[str, Any] | None = None

    def begin(self, question: str) -> None:
        self.asked.append(TuningQuestion.from_json(question))

    def answer(self) -> dict[str, Any] | None:
        found, self.found = self.found, None
        return found


class Scene:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = open_store(folder, ONSET * SECOND, LOG)
        self.historian, self.tuner = Historian(), Tuner()
        self.in_git = False
        self.filing = Filing(lambda: folder / "config", lambda: self.in_git, LOG)
        self.active = ACTIVE
        self.incidents = IncidentLoop(lambda: self.store, [], lambda: Topology({}), None, lambda: Telling({}), LOG)
        self.reporting = self.start()
        self.now = (ONSET + 172) * SECOND

    def start(self) -> Reporting:
        return Reporting(lambda: self.store, self.folder, lambda: self.active, self.incidents, self.historian,
                         self.tuner, self.filing, LOG)

    def going_on(self, fault: FaultClass = FaultClass.MISCONFIGURATION) -> Incident:
        """Explained, and not over."""
        return self.stored(dataclasses.replace(cases.incident(fault), state=State.ANALYSED, quiet_since_ns=0, times={
            "detected": (ONSET + 20) * SECOND, "analysed": (ONSET + 26) * SECOND}))

    def ends(self, incident: Incident) -> None:
        self.store.save_incident(incidents.apply(incident, Event.OVER, self.now))

    def corrections(self, number: int) -> list[str]:
        return [each.words for each in self.store.timeline(number) if each.kind == "correction"]

    def over(self) -> Incident:
        return self.stored(cases.incident(target="upstream:orders"))

    def stored(self, found: Incident) -> Incident:
        stored = self.store.open_incident(found, Entry(found.opened_ns, "gateway", "opened", "errors"))
        self.store.save_incident(stored)
        return stored

    def seconds(self, count: int) -> None:
        for _ in range(count):
            self.now += SECOND
            self.reporting.turn(self.now)


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def test_an_incident_that_is_over_has_its_post_mortem_within_a_minute(scene: Scene) -> None:
    number = scene.over().id
    scene.seconds(10)
    assert [(each.incident.id, each.routes) for each in scene.historian.asked] == [
        (number, (("list", 999_000), ("create", 0)))]
    record = json.loads((scene.folder / "post-mortems" / f"{number}.json").read_text())
    assert record == scene.store.post_mortem(number)
    assert record["impact"]["failed"] == 800
    assert (scene.folder / "post-mortems" / f"{number}.html").read_text().startswith("<!doctype html>")
    assert (scene.folder / "post-mortems" / f"{number}.md").exists()
    scene.seconds(30)
    assert len(scene.historian.asked) == 1


def test_it_is_tuned_when_its_post_mortem_is_there_and_says_what_would_have_fired_earlier(scene: Scene) -> None:
    number = scene.over().id
    scene.seconds(10)
    asked = scene.tuner.asked[0]
    assert (asked.incident, asked.routes, asked.noticed) == (number, (("list", 999_000, 1), ("create", 0, 1)), 20.0)
    assert [(each.incident, each.onset, each.over) for each in asked.labelled] == [(number, ONSET, ONSET + 100)]
    drafted = Proposal(number, ProposalKind.DRILL, "hold", "why", "incident-1.json", "{}")
    scene.tuner.found = {"examined": "14 days", "proposals": [dataclasses.asdict(drafted)],
                         "would_have_fired": [["anomalies, 5 false alarms a month", 11.0, "few"]]}
    scene.seconds(1)
    record = scene.reporting.find(number)
    assert record["detection"]["would_have_fired"] == [
        {"params": "anomalies, 5 false alarms a month", "seconds": 11.0, "false_alarms": "few"}]
    assert record["version"] == 2
    assert [each.name for each in scene.store.proposals_of(number)] == ["incident-1.json"]
    assert "5 false alarms a month" in (scene.folder / "post-mortems" / f"{number}.md").read_text()


def test_tuning_that_came_to_nothing_changes_nothing(scene: Scene) -> None:
    number = scene.over().id
    scene.seconds(10)
    scene.tuner.found = {}
    scene.seconds(1)
    assert scene.reporting.find(number)["version"] == 1


def test_a_child_that_died_leaves_a_post_mortem_without_its_numbers(scene: Scene) -> None:
    scene.historian.found = Memory()
    number = scene.over().id
    scene.seconds(10)
    assert scene.reporting.find(number)["impact"]["clients_failed"] is None


def test_control_that_dies_while_it_recalls_recalls_again(scene: Scene) -> None:
    scene.historian.found = None
    number = scene.over().id
    scene.seconds(10)
    scene.reporting = scene.start()
    scene.historian.found = Memory()
    scene.seconds(10)
    assert scene.reporting.find(number)["status"] == "draft"


def test_a_relapse_is_drafted_anew_and_keeps_what_people_wrote(scene: Scene) -> None:
    stored = scene.over()
    scene.seconds(10)
    scene.reporting.edit(stored.id, {"lessons": {"lucky": ["it was night"]}}, "ann", scene.now)
    again = incidents.apply(stored, Event.RELAPSED, scene.now)
    scene.store.save_incident(again)
    scene.seconds(10)
    assert len(scene.historian.asked) == 1
    scene.store.save_incident(incidents.apply(again, Event.OVER, scene.now))
    scene.seconds(5)
    assert len(scene.historian.asked) == 1             # the windows do not hold its end yet
    scene.seconds(20)
    record = scene.reporting.find(stored.id)
    assert (record["relapses"], record["version"]) == (1, 3)
    assert record["lessons"]["lucky"] == ["it was night"]


def test_one_that_goes_on_in_another_has_none(scene: Scene) -> None:
    stored = scene.over()
    scene.store.save_incident(dataclasses.replace(stored, merged_into=99))
    scene.seconds(10)
    assert scene.historian.asked == []
    with pytest.raises(KeyError, match="no post-mortem"):
        scene.reporting.find(stored.id)


def test_edits_and_signatures_are_in_the_audit_and_in_the_files(scene: Scene) -> None:
    number = scene.over().id
    scene.seconds(10)
    scene.reporting.edit(number, {"items": [{"id": 1, "owner": "ann", "due": "2026-01-01"}]}, "token bob", scene.now)
    scene.reporting.sign(number, "operations", "token bob", scene.now)
    entries = [(each.who, each.what) for each in reversed(scene.store.audit()) if each.what.startswith("post_mortem")]
    assert entries == [("gateway", "post_mortem.draft"), ("token bob", "post_mortem.edit"),
                       ("token bob", "post_mortem.sign")]
    assert "operations: token bob" in (scene.folder / "post-mortems" / f"{number}.md").read_text()
    assert [each["owner"] for each in scene.reporting.open_items()] == ["ann"]
    assert scene.store.verify() is None


def git(folder: Path, *words: str) -> str:
    return subprocess.run(["git", "-c", "user.name=Ann", "-c", "user.email=ann@example.com", "-C", str(folder), *words],
                          check=True, capture_output=True, text=True).stdout


def test_where_the_config_says_so_each_change_is_a_commit_beside_it(scene: Scene) -> None:
    config = scene.folder / "config"
    config.mkdir()
    (config / "gateway.yaml").write_text("version: 1\n")
    git(config, "init", "-q")
    git(config, "add", ".")
    git(config, "commit", "-qm", "config")
    scene.in_git = True
    number = scene.over().id
    scene.seconds(10)
    scene.filing.file_one()
    scene.reporting.edit(number, {"lessons": {"well": ["it was quick"]}}, "ann", scene.now)
    assert scene.filing.is_waiting
    scene.filing.file_one()
    assert scene.filing.fault == ""
    assert git(config, "log", "--format=%s").splitlines() == [
        f"Post-mortem of incident {number}: edit by ann", f"Post-mortem of incident {number}: draft by gateway",
        "config"]
    assert "it was quick" in git(config, "show", f"HEAD:post-mortems/{number}.md")
    assert git(config, "status", "--porcelain") == ""


def test_nothing_is_written_beside_the_config_by_default(scene: Scene) -> None:
    scene.over()
    scene.seconds(10)
    assert not scene.filing.is_waiting
    assert not (scene.folder / "config").exists()


def test_where_there_is_no_git_the_fault_is_shown_and_the_files_are_there(scene: Scene) -> None:
    (scene.folder / "config").mkdir()
    scene.in_git = True
    number = scene.over().id
    scene.seconds(10)
    scene.filing.file_one()
    assert "must be in a git work tree" in scene.filing.fault
    assert (scene.folder / "config" / "post-mortems" / f"{number}.md").exists()
    assert not scene.filing.is_waiting


def test_files_that_cannot_be_written_are_a_fault_to_show_and_the_store_has_it(scene: Scene) -> None:
    (scene.folder / "post-mortems").write_text("in the way")
    number = scene.over().id
    scene.seconds(10)
    assert scene.reporting.find(number)["id"] == number
    assert "post-mortems" in scene.reporting.fault


def test_while_the_blamed_revision_is_served_an_open_incident_has_its_correction_at_once(scene: Scene) -> None:
    scene.active = BLAMED
    number = scene.going_on().id
    scene.historian.found = Memory(proposals=(revert(number),))
    scene.seconds(30)
    assert [(each.incident.id, each.revision) for each in scene.historian.asked] == [(number, 4)]
    assert [(each.name, each.state, each.replay) for each in scene.store.proposals_of(number)] == [
        ("revert-4", "proposed", ("may be applied",))]
    assert scene.corrections(number) == [
        "proposal 1 is drafted: serve the config of revision 3 again; `gateway incidents accept 1 1` applies it"]
    assert scene.store.post_mortem(number) is None


def test_after_its_end_the_correction_is_not_proposed_a_second_time(scene: Scene) -> None:
    scene.active = BLAMED
    open_one = scene.going_on()
    scene.historian.found = Memory((cases.series(),), proposals=(revert(open_one.id),))
    scene.seconds(10)
    scene.ends(open_one)
    scene.seconds(30)
    assert scene.reporting.find(open_one.id)["status"] == "draft"
    assert [each.name for each in scene.store.proposals_of(open_one.id)] == ["revert-4"]
    assert len(scene.corrections(open_one.id)) == 1


@pytest.mark.parametrize("fault", [FaultClass.CODE_DEFECT, FaultClass.SLOW_UPSTREAM, FaultClass.UNKNOWN])
def test_what_is_no_misconfiguration_is_not_corrected_while_it_is_open(scene: Scene, fault: FaultClass) -> None:
    scene.active = BLAMED
    scene.going_on(fault)
    scene.seconds(10)
    assert scene.historian.asked == []


def test_an_incident_whose_revision_is_not_served_any_more_is_not_corrected(scene: Scene) -> None:
    scene.going_on()
    scene.seconds(10)
    assert scene.historian.asked == []


def test_one_that_is_not_explained_yet_is_corrected_once_it_is(scene: Scene) -> None:
    scene.active = BLAMED
    explained = scene.going_on()
    scene.store.save_incident(dataclasses.replace(explained, state=State.DETECTED, times={"detected": ONSET * SECOND}))
    scene.seconds(10)
    assert scene.historian.asked == []
    scene.store.save_incident(explained)
    scene.seconds(10)
    assert len(scene.historian.asked) == 1


def test_what_is_over_is_recalled_before_what_is_open_is_corrected(scene: Scene) -> None:
    scene.active = BLAMED
    going_on, over = scene.going_on(), scene.over()
    scene.seconds(10)
    assert [each.incident.id for each in scene.historian.asked] == [over.id, going_on.id]


def test_a_correction_that_came_too_late_is_dropped(scene: Scene) -> None:
    scene.active = BLAMED
    number = scene.going_on().id
    scene.historian.found = None
    scene.seconds(3)
    assert len(scene.historian.asked) == 1
    scene.active = ACTIVE                               # somebody has gone back by hand
    scene.historian.found = Memory(proposals=(revert(number),))
    scene.seconds(10)
    assert scene.store.proposals_of(number) == []
    assert scene.corrections(number) == []


def test_an_incident_that_ended_while_its_correction_was_drafted_has_it_with_its_post_mortem(scene: Scene) -> None:
    scene.active = BLAMED
    open_one = scene.going_on()
    scene.historian.found = None
    scene.seconds(3)
    scene.ends(open_one)
    scene.historian.found = Memory((cases.series(),), proposals=(revert(open_one.id),))
    scene.seconds(1)
    assert scene.store.proposals_of(open_one.id) == []
    scene.seconds(20)
    assert scene.reporting.find(open_one.id)["status"] == "draft"
    assert len(scene.store.proposals_of(open_one.id)) == 1
    assert scene.corrections(open_one.id) == []


def test_control_that_was_replaced_says_a_correction_no_second_time(scene: Scene) -> None:
    scene.active = BLAMED
    number = scene.going_on().id
    scene.historian.found = Memory(proposals=(revert(number),))
    scene.seconds(10)
    scene.reporting = scene.start()
    scene.seconds(10)
    assert len(scene.corrections(number)) == len(scene.store.proposals_of(number)) == 1


def test_a_correction_that_the_store_could_not_take_is_drafted_again(scene: Scene) -> None:
    scene.active = BLAMED
    number = scene.going_on().id
    scene.historian.found = Memory(proposals=(revert(number),))
    add, failed = scene.store.add_proposals, []

    def full_once(drafted: Sequence[Proposal]) -> list[Proposal]:
        if not failed:
            failed.append(len(drafted))
            raise NotStored(507, "the disk is full")
        return add(drafted)

    scene.store.add_proposals = full_once  # type: ignore[method-assign]
    for _ in range(10):
        scene.now += SECOND
        scene.reporting.try_turn(scene.now)
    assert failed == [1]
    assert len(scene.corrections(number)) == len(scene.store.proposals_of(number)) == 1


def test_a_child_that_came_to_no_correction_is_not_begun_again(scene: Scene) -> None:
    scene.active = BLAMED
    scene.going_on()
    scene.historian.found = Memory()
    scene.seconds(60)
    assert len(scene.historian.asked) == 1


def test_of_an_open_incident_the_child_drafts_the_way_back_and_nothing_else(scene: Scene) -> None:
    before = ("version: 1\nlisteners: [{address: '127.0.0.1:8080'}]\n"
              "upstreams: {orders: {endpoints: ['127.0.0.1:9001']}}\n"
              "routes: [{name: orders, match: {path: /**}, upstream: orders}]\n")
    after = before.replace("9001", "9002")
    blamed = Applied(4, 3, after, before, "", "file", "", "", 1)
    question = Question(scene.going_on(), (("orders", 0),), blamed, after, 4)
    memory = think(scene.folder, Question.from_json(question.to_json()), scene.now)
    assert [(each.name, each.body, each.base, each.at_ns) for each in memory.proposals] == [
        ("revert-4", before, 4, scene.now)]
    assert memory.proposals[0].replay
    assert "+upstreams: {orders: {endpoints: ['127.0.0.1:9001']}}" in memory.proposals[0].diff
    assert memory.series == ()


def test_the_suspected_revision_is_that_which_was_gone_back_from() -> None:
    assert suspect(cases.incident(), cases.actions()) == 4
    assert suspect(cases.incident(), ()) == 4


def test_a_revision_that_was_applied_after_it_was_noticed_is_no_suspect() -> None:
    found = cases.incident()
    cure = {"words": "x", "score": 1, "veto": "", "kind": "config", "reference": "5"}
    found.finding["changes"].insert(0, cure)
    assert suspect(found, ()) == 4


def test_a_revision_that_its_probation_names_is_the_suspect() -> None:
    found = dataclasses.replace(cases.incident(), finding={"words": "it was worse", "revision": "revision 6"})
    assert suspect(found, ()) == 6


def test_a_deploy_that_is_more_suspect_than_any_config_leaves_no_revision_suspected() -> None:
    found = cases.incident()
    found.finding["changes"].insert(0, {"words": "x", "score": 1, "veto": "", "kind": "deploy", "reference": "2"})
    assert suspect(found, ()) == 0


def test_the_revision_and_the_one_before_it_are_in_the_record(scene: Scene) -> None:
    for number, text in ((3, "old"), (4, "new")):
        scene.store.add_revision(Revision(number, text, text, f"digest {text}", "{}", (ONSET - 2) * SECOND, who="file",
                                          diff="-old\n+new" if number == 4 else ""))
    number = scene.over().id
    scene.seconds(10)
    found = scene.reporting.find(number)["config"]
    assert (found["revision"], found["before"], found["diff"]) == (4, 3, "-old\n+new")


def test_routes_of_an_upstream_are_affected_by_it_and_others_are_not() -> None:
    assert affected(cases.incident(target="endpoint:orders/127.0.0.1:1"), PLAN) == (("list", 999_000), ("create", 0))
    assert affected(cases.incident(target="route:login"), PLAN) == (("login", 0),)
    assert affected(cases.incident(target="gateway"), PLAN) == ()


def test_the_windows_are_recalled_from_ten_minutes_before_to_two_after(tmp_path: Path) -> None:
    windows = WindowStore(tmp_path / NAME, 0)
    tick = np.zeros(1, TICK)
    tick["requests"], tick["errors"], tick["total_p99"] = 50, 5, coded(np.array([30_000.0]))
    for at in range(ONSET - 1000, ONSET + 300, 10):
        windows.append(at, {"route:list": tick})
    windows.close()
    memory = recall(tmp_path, Question(cases.incident(), (("list", 999_000),)))
    series = memory.series[0]
    assert (series.first, len(series.requests)) == (ONSET - 600, 83)
    assert set(series.requests) == {50}
    assert series.p99_ms[0] == pytest.approx(30.0, rel=0.001)
    assert memory.promises[0].month == 50 * 110
    assert memory.clients is None

