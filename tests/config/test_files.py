"""A folder of files is one config, merged by name."""

from pathlib import Path

import config_text

from gateway.config import load

LISTENERS = "version: 1\nlisteners: [{address: 127.0.0.1:8080}]\n"


def folder(root: Path, **files: str) -> Path:
    made = root / "conf"
    made.mkdir()
    for name, text in files.items():
        config_text.written(made, text, f"{name}.yaml")
    return made


def problems(root: Path) -> list[str]:
    return [line.replace("conf/", "") for line in config_text.problems_of(root)]


def test_upstreams_and_routes_may_be_spread_over_files(tmp_path: Path) -> None:
    made = folder(
        tmp_path,
        a=LISTENERS,
        b="version: 1\nupstreams: {u: {endpoints: ['a:1']}}\nroutes: [{name: b, match: {path: /b}, upstream: v}]\n",
        c="upstreams: {v: {endpoints: ['a:2']}}\nroutes: [{name: c, match: {path: /c}, upstream: u}]\n",
    )
    (made / ".hidden.yaml").write_text("nonsense")
    (made / "notes.txt").write_text("nonsense")
    plan = load.load(made)
    assert [upstream.name for upstream in plan.upstreams] == ["u", "v"]
    assert [route.name for route in plan.routes] == ["b", "c"]


def test_what_is_defined_twice_is_located_in_both_files(tmp_path: Path) -> None:
    made = folder(
        tmp_path,
        a=LISTENERS + "upstreams: {u: {endpoints: ['a:1']}}\nroutes: [{name: r, match: {path: /a}, upstream: u}]\n",
        b="upstreams: {u: {endpoints: ['a:2']}}\nroutes: [{name: r, match: {path: /b}, upstream: u}]\nlisteners: []\n",
    )
    assert problems(made) == [
        "b.yaml:1:13: upstreams.u: is already defined at a.yaml:3:13; keep one, or rename it",
        "b.yaml:2:17: routes.r.name: is already the name of the route at a.yaml:4:17; choose another",
        "b.yaml:3:1: listeners: is already given at a.yaml:2:1; keep one of them",
    ]


def test_files_of_different_versions_do_not_mix(tmp_path: Path) -> None:
    assert problems(folder(tmp_path, a=LISTENERS, b="version: 2\n")) == [
        "b.yaml:1:1: version: is already given at a.yaml:1:1; keep one of them"
    ]


def test_mistakes_of_all_files_are_shown_at_once(tmp_path: Path) -> None:
    made = folder(tmp_path, a=LISTENERS + "workers: -1\n", b="routes: [\n", c="upstream: {}\n")
    found = problems(made)
    assert [line.partition(": ")[0] for line in found] == ["a.yaml:3:10", "b.yaml:2:1", "c.yaml:1:1"]
    assert found[2] == "c.yaml:1:1: upstream: unknown key; did you mean upstreams?"


def test_an_empty_folder_is_said_so(tmp_path: Path) -> None:
    assert config_text.problems_of(folder(tmp_path)) == [
        "conf: no .yaml or .yml file in this folder; write one, such as gateway.yaml"
    ]
