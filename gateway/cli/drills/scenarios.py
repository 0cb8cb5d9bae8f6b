"""Scenarios of drills: a YAML file each, in config/drills or wherever one says."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml
from pydantic import ValidationError

from gateway.prevent.settings import ScenarioSettings

FOLDER = Path("config/drills")


class ScenarioError(ValueError):
    """There is no such scenario, or it is not one; the message says where and why."""


@dataclass(frozen=True, slots=True)
class Scenario:
    name: str
    settings: ScenarioSettings


def load(name: str, folder: Path = FOLDER) -> Scenario:
    """By its name in the folder, or a file. Raises ScenarioError."""
    path = Path(name) if name.endswith((".yaml", ".yml")) else folder / f"{name}.yaml"
    try:
        return Scenario(path.stem, ScenarioSettings.model_validate(yaml.safe_load(path.read_text())))
    except FileNotFoundError:
        known = ", ".join(each.stem for each in sorted(folder.glob("*.yaml"))) or "none"
        raise ScenarioError(f"there is no scenario {path}; in {folder}: {known}") from None
    except (OSError, yaml.YAMLError) as error:
        raise ScenarioError(f"{path}: {error}") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ScenarioError(f"{path}: {where or 'the file'}: {first['msg']}") from None


def all_in(folder: Path = FOLDER) -> Iterator[Scenario]:
    """Raises ScenarioError."""
    for path in sorted(folder.glob("*.yaml")):
        yield load(str(path), folder)
