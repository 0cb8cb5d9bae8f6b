"""What a revision keeps of a config: text, plan, difference, and what git knows of the file."""
import os
import subprocess
from pathlib import Path

import config_text
import pytest

from gateway.config import differences, git, revisions
from gateway.config.problems import ConfigError
from gateway.record.revision import content_hash

ROUTES = config_text.TOP + "routes:\n  - {name: a, upstream: orders}\n"
A = "  - {name: a, match: {path: /a}, upstream: orders}\n"
B = "  - {name: b, match: {path: /b}, upstream: orders}\n"


def commit(folder: Path, *arguments: str) -> None:
    for words in (("init", "-q"), ("add", "-A"), ("commit", "-qm", "x", *arguments)):
        subprocess.run(["git", "-c", "user.name=Ann", "-c", "user.email=ann@example.com", "-C", str(folder), *words],
                       check=True, env=os.environ | {"GIT_CONFIG_GLOBAL": "/dev/null"})


def head(folder: Path) -> str:
    return subprocess.run(["git", "-C", str(folder), "rev-parse", "HEAD"], check=True, capture_output=True,
                          text=True).stdout.strip()


def test_a_file_outside_git_has_no_commit(tmp_path: Path) -> None:
    assert git.facts(config_text.written(tmp_path, ROUTES)) == git.GitFacts()


def test_a_committed_file_has_its_commit_and_author(tmp_path: Path) -> None:
    file = config_text.written(tmp_path, ROUTES)
    commit(tmp_path)
    assert git.facts(file) == git.GitFacts(head(tmp_path), "Ann <ann@example.com>", dirty=False)


def test_a_changed_file_is_dirty_and_another_changed_file_does_not_matter(tmp_path: Path) -> None:
    file = config_text.written(tmp_path, ROUTES)
    commit(tmp_path)
    config_text.written(tmp_path, "x", "other.yaml")
    assert not git.facts(file).dirty
    config_text.written(tmp_path, ROUTES + "# more\n")
    assert git.facts(file).dirty


def test_a_folder_with_a_new_file_is_dirty(tmp_path: Path) -> None:
    folder = tmp_path / "conf.d"
    folder.mkdir()
    config_text.written(folder, ROUTES)
    commit(tmp_path)
    assert not git.facts(folder).dirty
    config_text.written(folder, "upstreams: {}\n", "more.yaml")
    assert git.facts(folder).dirty


def test_a_file_that_was_never_committed_has_no_commit(tmp_path: Path) -> None:
    config_text.written(tmp_path, "x", "other.yaml")
    commit(tmp_path)
    assert git.facts(config_text.written(tmp_path, ROUTES)) == git.GitFacts()


def test_programs_that_a_repository_names_are_not_run(tmp_path: Path) -> None:
    file, proof = config_text.written(tmp_path, ROUTES), tmp_path / "ran"
    script = tmp_path / "evil.sh"
    script.write_text(f"#!/bin/sh\ntouch {proof}\ncat\n")
    script.chmod(0o700)
    (tmp_path / ".gitattributes").write_text("*.yaml filter=evil\n")
    commit(tmp_path)
    for setting in ("core.fsmonitor", "filter.evil.clean", "filter.evil.process", "diff.external"):
        subprocess.run(["git", "-C", str(tmp_path), "config", setting, str(script)], check=True)
    config_text.written(tmp_path, ROUTES + "# more\n")
    assert git.facts(file).dirty
    assert not proof.exists()


def test_without_git_there_are_no_facts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = config_text.written(tmp_path, ROUTES)
    commit(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert git.facts(file) == git.GitFacts()


def test_a_candidate_is_what_was_read(tmp_path: Path) -> None:
    candidate = revisions.from_disk(config_text.written(tmp_path, ROUTES))
    assert (candidate.text, candidate.content) == (ROUTES, content_hash(ROUTES))
    assert [route.name for route in candidate.plan.routes] == ["a"]


def test_what_was_sent_has_the_same_content_as_the_file(tmp_path: Path) -> None:
    file = config_text.written(tmp_path, ROUTES)
    sent = revisions.from_documents({"somewhere/else.yaml": ROUTES.encode()})
    assert sent.content == revisions.from_disk(file).content


def test_the_text_of_a_folder_names_its_files(tmp_path: Path) -> None:
    config_text.written(tmp_path, config_text.TOP, "a.yaml")
    config_text.written(tmp_path, "routes: [{name: a, upstream: orders}]\n", "b.yaml")
    text = revisions.from_disk(tmp_path).text
    assert text.startswith("# file: a.yaml\nversion: 1\n")
    assert "# file: b.yaml\nroutes:" in text


def test_a_bad_text_is_refused_with_its_places() -> None:
    with pytest.raises(ConfigError, match=r"sent\.yaml:4:1: .*unknown key"):
        revisions.from_documents({"sent.yaml": (config_text.TOP + "routez: []\n").encode()})


def test_a_rollback_serves_the_old_plan_under_a_new_number(tmp_path: Path) -> None:
    old = revisions.from_documents({"x": config_text.TOP.encode()})
    new = revisions.from_documents({"x": ROUTES.encode()})
    first = revisions.revision(1, old, at_ns=1, how="boot", who="file")
    second = revisions.revision(2, new, at_ns=2, how="file", who="file", before=first)
    third = revisions.back_to(3, first, at_ns=3, who="loopback", note="ann", before=second)
    assert (third.number, third.base, third.how, third.digest) == (3, 1, "rollback", first.digest)
    assert "+routes:" in second.diff
    assert "-routes:" in third.diff


def changes(before: str, after: str) -> list[str]:
    plans = [revisions.from_documents({"x": text.encode()}).plan for text in (before, after)]
    return differences.of_plans(*plans)


def test_a_comment_changes_nothing() -> None:
    assert changes(ROUTES, "# hello\n" + ROUTES) == []


def test_what_is_added_removed_and_changed_is_named() -> None:
    before = config_text.TOP + "routes:\n" + A + B
    after = """\
version: 1
listeners: [{address: 127.0.0.1:8080}]
upstreams:
  orders: {endpoints: [127.0.0.1:9002], timeouts: {connect: 2s}}
routes:
  - {name: c, match: {path: /c}, upstream: orders}
  - {name: a, match: {path: /a}, upstream: orders, timeout: 5s}
"""
    assert changes(before, after) == [
        "- upstream orders: endpoint 127.0.0.1:9001",
        "+ upstream orders: endpoint 127.0.0.1:9002",
        "~ upstream orders: timeouts: connect: 1000000000 -> 2000000000",
        "- route b",
        "+ route c",
        "~ route a: timeout: 0 -> 5000000000",
    ]


def touched(before: str, after: str) -> list[tuple[str, str]]:
    made = [revisions.from_documents({"x": text.encode()}) for text in (before, after)]
    plans = [revisions.revision(number, each, at_ns=0, how="file", who="file").plan for number, each in enumerate(made)]
    return differences.touched(*plans)


def test_what_a_revision_touched_are_upstreams_and_routes_or_everything() -> None:
    before = config_text.TOP + "routes:\n" + A + B
    assert touched(before, "# hello\n" + before) == []
    assert touched(before, config_text.TOP + "routes:\n" + A) == [("route", "b")]
    assert touched(before, before.replace("127.0.0.1:9001", "127.0.0.1:9002")) == [("upstream", "orders")]
    assert touched(before, before.replace("127.0.0.1:8080", "127.0.0.1:8081")) == [("", "")]


def test_a_new_order_of_routes_is_a_change() -> None:
    top = config_text.TOP + "routes:\n"
    assert changes(top + A + B, top + B + A) == ["~ order of routes: b, a"]


def test_a_diff_of_texts_is_bounded() -> None:
    assert differences.of_texts("a\n", "a\n") == ""
    long = differences.of_texts("", "\n".join(map(str, range(5000)))).splitlines()
    assert len(long) == differences.LINES_MAX + 1
    assert long[-1].endswith("more lines")
