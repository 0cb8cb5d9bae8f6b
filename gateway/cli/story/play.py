"""The demo, from curtain to curtain: usual traffic, three faults, what the gateway does about each, the reviews.

Nothing is staged but the faults and the review: servers, traffic, gateway and incidents are real, and the seconds are
as they come. The review is what people do; here the demo does it in the names of two.
"""

import datetime
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from gateway.cli.asking import ask
from gateway.cli.drills.followed import STATES
from gateway.cli.drills.traffic import Traffic, asked, crowd, failed
from gateway.cli.story import stage as stages
from gateway.cli.story.acts import ACTS, Act
from gateway.cli.story.following import Following, Scene, all_reached
from gateway.cli.story.stage import Stage

WARM_UP_S = 15.0
"""So long the gateway sees what is usual."""
STEP_S = 90.0
END_S = 240.0
REPORT_S = 90.0
CLIENTS = 8
PATHS = {"/orders": 48.0, "/search/tea": 48.0, "/customers/7": 48.0}
COLOURS = {"detected": "red", "isolated": "yellow", "mitigated": "cyan", "analysed": "magenta", "resolved": "green",
           "reviewed": "bold green"}
REVIEWERS = (("ann", "operations"), ("ben", "development"))


class Play:
    def __init__(self, folder: Path, console: Console) -> None:
        self._folder = folder
        self._console = console
        self._began = time.monotonic()

    def run(self) -> int:
        """The exit code: 0 if every incident went through all six states."""
        with stages.stage(self._folder) as stage, Traffic() as traffic:
            following = Following(stage.admin, self._line)
            self._open(stage, traffic)
            for act in ACTS:
                self._act(act, stage, traffic, following)
            self._wait(lambda: all_reached(following.scenes, "resolved"), following, END_S)
            for scene in following.scenes:
                self._review(scene, stage, following)
            following.look()
            return self._close(stage, traffic, following)

    def _open(self, stage: Stage, traffic: Traffic) -> None:
        self._say(f"gateway at {stage.base}, dashboard at http://{stage.admin}, in front of three servers")
        traffic.start(*crowd(stage.base, PATHS, CLIENTS))
        self._say(f"{CLIENTS} clients send {sum(PATHS.values()):g} requests/s; {WARM_UP_S:g} s to see what is usual")
        time.sleep(WARM_UP_S)

    def _act(self, act: Act, stage: Stage, traffic: Traffic, following: Following) -> None:
        self._console.rule(f"[bold]{act.title}")
        self._say(act.told)
        scene = following.begin(act)
        act.begin(stage, traffic)
        self._wait(lambda: scene.reached(act.until), following, STEP_S)
        act.end(stage, traffic)
        self._say(act.ended)

    def _wait(self, holds: Callable[[], bool], following: Following, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            following.look()
            if holds():
                return True
            stages.rest()
        self._say(f"[red]not within {seconds:g} s[/red]")
        return False

    def _review(self, scene: Scene, stage: Stage, following: Following) -> None:
        """What two people would do with `gateway incidents lesson`, `item` and `sign`."""
        if not scene.number or not self._wait(stage.post_mortem(scene.number).exists, following, REPORT_S):
            return
        path = f"/v1/incidents/{scene.number}/report"
        due = (datetime.date.today() + datetime.timedelta(days=30)).isoformat()
        owned: list[dict[str, Any]] = [{"id": each["id"], "owner": "ann", "due": due}
                                       for each in ask(stage.admin, path)["items"]]
        own = {"type": "detect", "text": f"Drill it: {scene.act.title}.", "owner": "ben", "due": due,
               "verify_by": scene.act.verify}
        said = {"lessons": {"well": [scene.act.lesson]}, "items": [*owned, own], "actor": "ann"}
        ask(stage.admin, path, said, "PATCH")
        for name, function in REVIEWERS:
            ask(stage.admin, f"{path}/sign", {"function": function, "actor": name})

    # What is told

    def _line(self, scene: Scene, state: str, entry: dict[str, Any]) -> None:
        colour = COLOURS.get(state, "dim")
        mark = f"[{colour}]{state.upper() or entry['kind']:<17}[/{colour}]"
        self._say(f"#{scene.number} {mark} {escape(entry['words'])}")

    def _say(self, words: str) -> None:
        self._console.print(f"[dim]{time.monotonic() - self._began:6.1f}[/dim]  {words}", highlight=False)

    def _close(self, stage: Stage, traffic: Traffic, following: Following) -> int:
        self._console.rule("[bold]seconds from each fault to each state")
        table = Table("", *STATES)
        for scene in following.scenes:
            times = [scene.followed.seconds_to(state) for state in STATES]
            table.add_row(scene.act.title, *("-" if each is None else f"{max(each, 0):.1f}" for each in times))
        self._console.print(table)
        answers = traffic.answers()
        self._say(f"{asked(answers)} requests were asked, {failed(answers)} of them failed")
        written = [path for each in following.scenes if (path := stage.post_mortem(each.number)).exists()]
        for path in written:
            self._say(f"post-mortem: {path} (and .html)")
        return 0 if len(written) == len(ACTS) and all_reached(following.scenes, "reviewed") else 1


def play(folder: Path, console: Console) -> int:
    """Raises RuntimeError where the stage cannot be set."""
    return Play(folder, console).run()
