"""A revision on probation, second by second: a real board and store, flight records as workers write them."""
import asyncio
import dataclasses
import logging
from pathlib import Path

import numpy as np
import pytest

from gateway.board import Board, Capacity
from gateway.config import revisions
from gateway.control import plan_on_board
from gateway.control.proving import Proving
from gateway.control.reloading import Knowledge
from gateway.model.safeguards import SECOND, WHOLE
from gateway.model.signal import Signal, SignalKind
from gateway.record.active import Active
from gateway.record.flight import NO_ROW, RECORD
from gateway.record.probations import ProbationRow, ProbationState
from gateway.record.revision import Revision
from gateway.record.store import Store, open_store
from gateway.routing import plan as plans

LOG = logging.getLogger("test")
START = 1_700_000_000 * SECOND
LISTENERS = (plans.Listener("127.0.0.1:8080"),)
API = plans.Upstream("api", (plans.Endpoint("h:1"),), eject=plans.Eject(mode="enforce"))
OLD = plans.Plan(LISTENERS, (API,), (plans.Route("all", upstream="api"),))
NEW = dataclasses.replace(OLD, upstreams=(dataclasses.replace(API, endpoints=(*API.endpoints, plans.Endpoint("h:2"))),))


class Served:
    """What the reloader is to a probation, without workers: a change is done when it is asked for."""

    def __init__(self, folder: Path, plan: plans.Plan) -> None:
        self.folder = folder
        self.good = Active(revision(1, OLD))
        self.active = Active(revision(2, plan), beside=1, share=plan.probation.steps[0])
        self.known = Knowledge()
        self.opened: Store = open_store(folder, START, LOG)
        self.refuses = False

    def store(self) -> Store:
        return self.opened

    async def promote(self, number: int, share: int) -> None:
        self.active = dataclasses.replace(self.active, share=share)

    async def keep(self, number: int) -> None:
        self.good = self.active = dataclasses.replace(self.active, beside=0, share=WHOLE)

    async def give_up(self, number: int, reason: str) -> Revision | None:
        if self.refuses:
            raise OSError("the disk is full")
        made = dataclasses.replace(revision(3, OLD), how="rollback", base=1, note=f"probation of revision {number}",
                                   reason=reason)
        self.good = self.active = Active(made)
        return made


def revision(number: int, plan: plans.Plan) -> Revision:
    return revisions.revision(number, revisions.Candidate("", plan), at_ns=START, how="apply", who="test")


class World:
    def __init__(self, folder: Path, plan: plans.Plan = NEW) -> None:
        self.board = Board.create(Capacity.room_for(1, 2, 4), boot_ns=1, boot_utc_ns=1)
        self.reloader = Served(folder, plan)
        plan_on_board.name_rows(self.board, OLD, 1)
        plan_on_board.name_rows(self.board, plan, 2)
        plan_on_board.say_what_is_served(self.board, self.reloader.active)
        self.now = START
        self.signals: list[Signal] = []
        self.begin()

    def begin(self) -> None:
        """Control starts, perhaps after a death."""
        self.proving = Proving(self.board, self.reloader, LOG)  # type: ignore[arg-type]

    def second(self, old: int = 45, new: int = 5, *, bad: int = 0) -> None:
        """So many requests under each revision, of which `bad` under the new one fail; then a turn."""
        records = np.zeros(old + new, RECORD)
        records["generation"], records["status"], records["ttfb_us"] = 1, 200, NO_ROW
        records["generation"][:new], records["status"][:bad] = 2, 500
        self.proving.arms.take(records, 0)
        self.now += SECOND
        self.proving.turn(self.now, self.signals)

    async def seconds(self, count: int, old: int = 45, new: int = 5, *, bad: int = 0) -> None:
        for _ in range(count):
            self.second(old, new, bad=bad)
            await asyncio.sleep(0)
            await asyncio.sleep(0)

    @property
    def row(self) -> ProbationRow:
        found = self.reloader.opened.probation(2)
        assert found is not None
        return found

    @property
    def serves(self) -> tuple[int, float]:
        """(revision, share of the clients that have it)"""
        return self.reloader.active.revision.number, self.reloader.active.share / WHOLE


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_a_harmless_revision_is_promoted_and_kept_as_last_known_good(world: World) -> None:
    async def life() -> None:
        await world.seconds(62)
        assert world.serves == (2, 1.0)
        assert world.reloader.good.revision.number == 1
        await world.seconds(602, old=0, new=50)

    asyncio.run(life())
    assert (world.serves, world.reloader.good.revision.number) == ((2, 1.0), 2)
    assert (world.row.state, world.row.proven) == (ProbationState.KEPT, True)
    assert world.proving.signals(world.now) == []
    assert world.reloader.opened.verify() is None


def test_a_worse_one_is_withdrawn_at_once_rolled_back_and_blamed(world: World) -> None:
    asyncio.run(world.seconds(9, bad=2))
    assert world.serves[0] == 3
    assert world.board.header["share"] == 0
    assert world.row.state is ProbationState.ROLLED_BACK
    assert "more 5xx answers" in world.row.verdict or "only" in world.row.verdict
    assert "rolled back" in world.reloader.opened.audit(1)[0].detail


def test_the_signal_names_the_revision_and_what_was_done(world: World) -> None:
    async def life() -> list[Signal]:
        while world.serves[0] == 2:
            await world.seconds(1, bad=3)
        return world.proving.signals(world.reloader.active.revision.at_ns)

    [signal] = asyncio.run(life())
    assert (signal.kind, signal.target) == (SignalKind.REVISION_WORSE, "upstream:api")
    assert (signal.reference, signal.threshold) == ("revision 2", "rolled back to revision 1")


def test_an_endpoint_that_it_added_and_that_is_ejected_is_a_reason(world: World) -> None:
    async def life() -> None:
        await world.seconds(2)
        world.board.control("endpoints", world.board.names("endpoints")["api h:1"])["ejected_until"] = 2**62
        await world.seconds(2)
        assert world.serves[0] == 2                       # the older revision has it too
        world.board.control("endpoints", world.board.names("endpoints")["api h:2"])["ejected_until"] = 2**62
        await world.seconds(1)

    asyncio.run(life())
    assert world.serves[0] == 3
    assert world.row.verdict == "the revision concerns endpoint h:2 of api, which is ejected"
    assert world.row.evidence["blamed"] == "endpoint:api/h:2"


def test_what_was_in_trouble_before_it_came_is_not_held_against_it(world: World) -> None:
    world.board.control("endpoints", world.board.names("endpoints")["api h:2"])["ejected_until"] = 2**62
    asyncio.run(world.seconds(10))
    assert world.serves[0] == 2


def test_with_all_clients_on_it_detection_rolls_it_back(world: World) -> None:
    async def life() -> None:
        await world.seconds(62)
        world.signals = [Signal(SignalKind.ERRORS, "route:other", world.now, world.now, "twice as usual")]
        await world.seconds(1, old=0, new=50)
        assert world.serves == (2, 1.0)                   # not of what the revision changed
        world.signals = [Signal(SignalKind.ERRORS, "route:all", world.now, world.now, "twice as usual")]
        await world.seconds(1, old=0, new=50)

    asyncio.run(life())
    assert world.serves[0] == 3
    assert world.row.evidence["blamed"] == "route:all"


def test_in_shadow_mode_a_worse_one_is_reported_and_kept(tmp_path: Path) -> None:
    world = World(tmp_path, dataclasses.replace(NEW, probation=plans.Probation("shadow")))
    asyncio.run(world.seconds(9, bad=2))
    assert (world.serves, world.row.state) == ((2, 1.0), ProbationState.REPORTED)
    [signal] = world.proving.signals(world.now)
    assert signal.threshold == "not rolled back: probation is in shadow mode"


def test_too_little_traffic_is_said_and_passed_unproven(world: World) -> None:
    async def life() -> None:
        await world.seconds(20, old=9, new=1)
        shown = world.proving.status()
        assert shown is not None
        assert (shown["verdict"], shown["proven"]) == ("too little traffic to tell: 19 of 300 requests", False)
        await world.seconds(582, old=0, new=0)

    asyncio.run(life())
    assert world.serves == (2, 1.0)
    assert "not proven when the time was up" in world.row.verdict


@pytest.mark.parametrize("dies_at", [1, 4, 7])
def test_a_death_of_control_loses_a_few_seconds_of_evidence_at_most(world: World, dies_at: int) -> None:
    async def life() -> None:
        for second in range(1, 20):
            await world.seconds(1, bad=1)
            if second == dies_at:
                world.begin()

    asyncio.run(life())
    assert world.serves[0] == 3
    assert world.row.state is ProbationState.ROLLED_BACK


def test_a_verdict_that_could_not_be_carried_out_is_by_the_successor(world: World) -> None:
    async def life() -> None:
        world.reloader.refuses = True
        await world.seconds(9, bad=3)
        assert (world.serves[0], world.row.state) == (2, ProbationState.ROLLED_BACK)
        assert world.proving.fault == "the disk is full"
        assert world.board.header["share"] == 0
        world.begin()
        world.reloader.refuses = False
        await world.seconds(2)

    asyncio.run(life())
    assert world.serves[0] == 3


def test_a_successor_tells_of_a_roll_back_that_nobody_was_told_of(world: World) -> None:
    async def life() -> list[Signal]:
        await world.seconds(9, bad=3)
        world.begin()
        await world.seconds(1, new=0)
        return world.proving.signals(world.now)

    [signal] = asyncio.run(life())
    assert (signal.reference, signal.target) == ("revision 2", "upstream:api")


def test_another_revision_ends_it_without_a_verdict(world: World) -> None:
    async def life() -> None:
        await world.seconds(3)
        world.reloader.active = Active(revision(3, NEW))
        await world.seconds(1)

    asyncio.run(life())
    assert (world.row.state, world.row.verdict) == (ProbationState.ENDED, "revision 3 took its place")
    assert world.proving.status() is None


