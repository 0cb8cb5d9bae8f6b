"""What people do to incidents: by the commands, over the admin API, into the store and back."""
import asyncio
import time
from collections.abc import Callable
from pathlib import Path

from admin.whole_api import CONFIG, DELIBERATION, make_app
from aiohttp.test_utils import TestClient, TestServer
from click.testing import CliRunner

from gateway.admin.config_api import RELOADER
from gateway.cli.incidents import incidents
from gateway.model.report import Report
from gateway.model.signal import SignalKind

SECOND = 10**9
MINUTE = 60 * SECOND                    # before the revision of the start, which would be what all of it shares
Command = Callable[..., tuple[int, str]]


def with_incidents(folder: Path, story: Callable[[Command], None]) -> None:
    """`story` is given the command line of a gateway with incident 1, of upstream:api and route:orders, and incident 2,
    of route:rest."""
    async def run() -> None:
        app = make_app(folder, config=CONFIG)
        store, now = app[RELOADER].store(), time.time_ns()
        for at, target in enumerate(("upstream:api", "route:orders", "route:rest")):
            store.add_report(Report(SignalKind.OPERATOR_REPORT, target, now + at - MINUTE, "ann", "it looks wrong"))
        app[DELIBERATION].try_turn(now + SECOND)
        assert not app[DELIBERATION].fault
        async with TestClient(TestServer(app)) as client:
            admin = f"127.0.0.1:{client.port}"

            def command(*words: str) -> tuple[int, str]:
                done = CliRunner().invoke(incidents, ["--admin", admin, *words])
                return done.exit_code, done.output

            await asyncio.to_thread(story, command)

    asyncio.run(run())


def test_every_deed_is_done_shown_and_in_the_timeline(tmp_path: Path) -> None:
    def story(command: Command) -> None:
        listed = command()[1].splitlines()
        assert [line.split()[0] for line in listed] == ["1", "2"]
        assert listed[0].endswith("operator report on upstream:api, route:orders")
        for words in (("ack", "1"), ("assign", "1", "eve"), ("comment", "1", "I look at it")):
            assert command(*words)[0] == 0
        shown = command("show", "1")[1]
        assert "acknowledged by: " in shown
        assert "assignee: eve" in shown
        assert "comment  I look at it" in shown
        assert command("split", "1", "route:orders")[1].split()[0] == "3"
        assert "route:orders go on as incident 3" in command("show", "1")[1]
        assert command("merge", "2", "1")[1].split()[0] == "1"
        assert "merged into: 1" in command("show", "2")[1]
        assert [line.split()[0] for line in command()[1].splitlines()] == ["1", "3"]
        for words, state in ((("resolve", "1", "a mistake"), "resolved"), (("reopen", "1", "it is not"), "detected"),
                             (("resolve", "1", "now it is"), "resolved"), (("review", "1"), "reviewed")):
            assert command(*words)[1].split()[1] == state
        shown = command("show", "1")[1]
        assert "resolved  a mistake" in shown
        assert "reopened  it is not" in shown
        assert "relapses 1" in shown
        assert [line.split()[0] for line in command("--all")[1].splitlines()] == ["3", "2", "1"]

    with_incidents(tmp_path, story)


def test_what_cannot_be_done_says_why_and_changes_nothing(tmp_path: Path) -> None:
    def story(command: Command) -> None:
        before = command()[1]
        for words, why in ((("merge", "1", "1"), "cannot be merged into itself"), (("ack", "9"), "is no incident 9"),
                           (("split", "1", "route:rest"), "name some of the targets"),
                           (("split", "1", "upstream:api", "route:orders"), "not all"),
                           (("review", "1"), "cannot be reviewed"), (("reopen", "1", "why"), "cannot be relapsed"),
                           (("comment", "1", " \n "), "say something"), (("assign", "1", ""), "say something")):
            code, told = command(*words)
            assert code == 1, words
            assert why in told, told
        assert command()[1] == before
        assert command("resolve", "2", "over")[0] == 0
        code, told = command("merge", "1", "2")
        assert (code, told) == (1, "incident 2 is resolved; reopen it first\n")

    with_incidents(tmp_path, story)
