"""The files made from the settings are current, and complete."""

import json
from pathlib import Path

import pytest
import yaml

from gateway.cli.generate import FILES
from gateway.config import outline, pending, schema
from gateway.config.tree import Location

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", FILES)
def test_a_generated_file_is_current(name: str) -> None:
    assert (ROOT / name).read_text(encoding="utf-8") == FILES[name](), "run: python -m gateway.cli.generate"


def test_every_key_is_described() -> None:
    for path, section in outline.sections():
        assert section.__doc__, path
        assert all(field.description for field in outline.fields(section).values()), path


def test_the_full_example_shows_every_key() -> None:
    text = (ROOT / "config" / "full.yaml").read_text(encoding="utf-8")
    for path, section in outline.sections():
        assert [key for key in outline.fields(section) if f"{key}:" not in text] == [], path


def test_the_schema_refuses_unknown_keys_and_knows_defaults() -> None:
    document = schema.document()
    assert document["additionalProperties"] is False
    assert all(part["additionalProperties"] is False for part in document["$defs"].values())
    assert document["$defs"]["UpstreamTimeoutSettings"]["properties"]["connect"]["default"] == "1s"
    assert document["properties"]["workers"]["default"] == "auto"
    assert '"null"' not in json.dumps(document)


def test_no_pending_key_is_also_a_setting() -> None:
    for where, keys in pending.KEYS.items():
        location: Location = tuple(0 if part == "*" and where[0] == "routes" else part for part in where)
        assert outline.keys(location), where
        assert not set(outline.keys(location)) & keys


def test_the_examples_are_plain_yaml_for_other_tools() -> None:
    for name in ("gateway.yaml", "full.yaml"):
        assert yaml.safe_load((ROOT / "config" / name).read_text(encoding="utf-8"))["version"] == 1
