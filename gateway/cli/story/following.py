"""The incidents of the demo: which act each belongs to, and each new line of its timeline, told once."""

import dataclasses
from collections.abc import Callable, Iterable

from gateway.cli.drills.followed import Document, Followed, latest, whole
from gateway.cli.story.acts import Act


@dataclasses.dataclass
class Scene:
    """An act that has begun, and its incident."""

    act: Act
    followed: Followed

    @property
    def number(self) -> int:
        return self.followed.number

    def reached(self, state: str) -> bool:
        return self.followed.reached(state)


class Following:
    """`tell`: called with (scene, state or "", entry) for each line that is new. Mutable state: the scenes, and the
    lines told."""

    def __init__(self, admin: str, tell: Callable[[Scene, str, Document], None]) -> None:
        self._admin = admin
        self._tell = tell
        self._told: set[tuple[int, str, str, str]] = set()
        self.scenes: list[Scene] = []

    def begin(self, act: Act) -> Scene:
        self.scenes.append(Scene(act, Followed(act.about)))
        return self.scenes[-1]

    def look(self) -> None:
        """Ask, and tell what is new."""
        for brief in latest(self._admin):
            scene = next((each for each in self.scenes if each.followed.is_it(brief)), None)
            if scene is not None:
                scene.followed.incident = whole(self._admin, brief["id"])
                self._tell_new(scene)

    def _tell_new(self, scene: Scene) -> None:
        states = {at: state for state, at in scene.followed.incident["times"].items()}
        for entry in scene.followed.incident["timeline"]:
            key = scene.number, entry["at"], entry["kind"], entry["words"]
            if key not in self._told:
                self._told.add(key)
                self._tell(scene, states.pop(entry["at"], ""), entry)


def all_reached(scenes: Iterable[Scene], state: str) -> bool:
    return all(each.reached(state) for each in scenes)
