"""Names over a resolver of our own, with a `sleep` that ends when the test says so."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from gateway.dataplane import names as names_module
from gateway.dataplane.names import Address, Names

LOG = logging.getLogger("tests.names")


class Resolver:
    """Answers what `table` says now; an exception in it is raised. Counts the lookups and gates the sleeps."""

    def __init__(self) -> None:
        self.table: dict[str, list[str] | Exception] = {}
        self.lookups = 0
        self.pauses: list[float] = []
        self._wake = asyncio.Event()

    async def __call__(self, host: str, port: int) -> list[Address]:
        self.lookups += 1
        answer = self.table[host]
        if isinstance(answer, Exception):
            raise answer
        return [(address, port) for address in answer]

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        await self._wake.wait()

    async def time_passes(self) -> None:
        """Every pause ends; the lookups that follow have ended too when this returns."""
        self._wake.set()
        self._wake = asyncio.Event()
        for _ in range(5):
            await asyncio.sleep(0)


def run(story: Callable[[Names, Resolver], Coroutine[Any, Any, None]]) -> None:
    async def main() -> None:
        resolver = Resolver()
        names = Names(asyncio.get_running_loop(), LOG, 30.0, lookup=resolver, sleep=resolver.sleep)
        try:
            await story(names, resolver)
        finally:
            names.close()

    asyncio.run(main())


def test_literals_are_answered_at_once_and_asked_of_nobody() -> None:
    async def story(names: Names, resolver: Resolver) -> None:
        assert names.resolve("127.0.0.1", 80) == (("127.0.0.1", 80),)
        assert names.resolve("::1", 80) == names.resolve("[::1]", 80) == (("::1", 80),)
        await resolver.time_passes()
        assert resolver.lookups == 0

    run(story)


def test_an_unknown_name_has_no_addresses_until_it_was_looked_up() -> None:
    async def story(names: Names, resolver: Resolver) -> None:
        resolver.table["api"] = ["192.0.2.1", "2001:db8::1", "192.0.2.1"]
        assert names.resolve("api", 80) == ()
        await resolver.time_passes()
        assert names.resolve("api", 80) == (("192.0.2.1", 80), ("2001:db8::1", 80))

    run(story)


def test_the_first_request_may_wait_for_the_first_lookup() -> None:
    async def story(names: Names, resolver: Resolver) -> None:
        resolver.table["api"] = ["192.0.2.1"]
        assert await names.first("api", 80, 5) == (("192.0.2.1", 80),)

    run(story)


def test_the_first_request_does_not_wait_when_the_lookup_fails() -> None:
    async def story(names: Names, resolver: Resolver) -> None:
        resolver.table["api"] = OSError("no such name")
        assert await names.first("api", 80, 60) == ()

    run(story)


def test_a_resolver_that_hangs_is_not_waited_for_beyond_the_time_out() -> None:
    async def main() -> None:
        async def hang(_host: str, _port: int) -> list[Address]:
            await asyncio.Event().wait()
            return []

        names = Names(asyncio.get_running_loop(), LOG, lookup=hang)
        assert await names.first("api", 80, 0.001) == ()
        names.close()

    asyncio.run(main())


def test_a_name_is_asked_for_again_with_jitter_and_the_new_answer_replaces_the_old() -> None:
    async def story(names: Names, resolver: Resolver) -> None:
        resolver.table["api"] = ["192.0.2.1"]
        await names.first("api", 80, 5)
        resolver.table["api"] = ["192.0.2.2"]
        await resolver.time_passes()
        assert names.resolve("api", 80) == (("192.0.2.2", 80),)
        assert all(27 <= pause <= 33 for pause in resolver.pauses)

    run(story)


def test_a_failed_lookup_keeps_the_last_good_answer_and_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    async def story(names: Names, resolver: Resolver) -> None:
        resolver.table["api"] = ["192.0.2.1"]
        await names.first("api", 80, 5)
        resolver.table["api"] = OSError("server failure")
        for _ in range(3):
            await resolver.time_passes()
        assert names.resolve("api", 80) == (("192.0.2.1", 80),)
        resolver.table["api"] = ["192.0.2.1"]
        await resolver.time_passes()

    with caplog.at_level(logging.INFO):
        run(story)
    assert [record.message for record in caplog.records] == [
        "api cannot be resolved (server failure); its last addresses stay in use",
        "api is resolved again",
    ]


def test_an_answer_without_addresses_counts_as_a_failure() -> None:
    async def story(names: Names, resolver: Resolver) -> None:
        resolver.table["api"] = ["192.0.2.1"]
        await names.first("api", 80, 5)
        resolver.table["api"] = []
        await resolver.time_passes()
        assert names.resolve("api", 80) == (("192.0.2.1", 80),)

    run(story)


def test_a_name_that_was_never_resolved_is_tried_again_soon_and_then_less_often() -> None:
    async def story(names: Names, resolver: Resolver) -> None:
        resolver.table["api"] = OSError("not yet")
        names.resolve("api", 80)
        for _ in range(8):
            await resolver.time_passes()
        meant = (1, 2, 4, 8, 16, 30, 30, 30)
        assert all(pause == pytest.approx(n, rel=0.11) for pause, n in zip(resolver.pauses, meant, strict=False))
        assert len(resolver.pauses) >= len(meant)

    run(story)


def test_an_address_that_failed_goes_last_and_stays_there_after_the_next_lookup() -> None:
    async def story(names: Names, resolver: Resolver) -> None:
        resolver.table["api"] = ["192.0.2.1", "192.0.2.2", "192.0.2.3"]
        await names.first("api", 80, 5)
        names.failed("api", 80, ("192.0.2.1", 80))
        resolver.table["api"] = ["192.0.2.4", "192.0.2.1", "192.0.2.2", "192.0.2.3"]
        await resolver.time_passes()
        assert names.snapshot()["api:80"] == ("192.0.2.2", "192.0.2.3", "192.0.2.1", "192.0.2.4")

    run(story)


def test_a_change_of_plan_forgets_the_names_that_it_no_longer_has() -> None:
    async def story(names: Names, resolver: Resolver) -> None:
        resolver.table = {"old": ["192.0.2.1"], "new": ["192.0.2.2"]}
        names.keep_only([("old", 80), ("127.0.0.1", 80)])
        await resolver.time_passes()
        names.keep_only([("new", 80)])
        await resolver.time_passes()
        assert names.snapshot() == {"new:80": ("192.0.2.2",)}
        asked = resolver.lookups
        await resolver.time_passes()
        assert resolver.lookups == asked + 1

    run(story)


def test_names_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names_module, "MAX_NAMES", 3)

    async def story(names: Names, resolver: Resolver) -> None:
        resolver.table = {f"n{i}": ["192.0.2.1"] for i in range(5)}
        for i in range(5):
            names.resolve(f"n{i}", 80)
        assert list(names.snapshot()) == ["n2:80", "n3:80", "n4:80"]

    run(story)


def test_nothing_is_looked_up_after_close() -> None:
    async def story(names: Names, resolver: Resolver) -> None:
        resolver.table["api"] = ["192.0.2.1"]
        await names.first("api", 80, 5)
        names.close()
        await resolver.time_passes()
        assert resolver.lookups == 1
        assert names.resolve("api", 80) == (("192.0.2.1", 80),)

    run(story)
