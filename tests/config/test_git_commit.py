"""Files committed in a real git work tree: they alone, and nothing of the repository is run."""
import subprocess
from pathlib import Path

import pytest

from gateway.config import git_commit


def git(folder: Path, *words: str) -> str:
    return subprocess.run(["git", "-c", "user.name=Ann", "-c", "user.email=ann@example.com", "-C", str(folder), *words],
                          check=True, capture_output=True, text=True).stdout


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A work tree with a config in a folder of it."""
    git(tmp_path, "init", "-q")
    (tmp_path / "deploy").mkdir()
    (tmp_path / "deploy" / "gateway.yaml").write_text("version: 1\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "config")
    return tmp_path


def written(tree: Path, text: str = "# it was quick\n") -> Path:
    (tree / "deploy" / "reports").mkdir(exist_ok=True)
    (tree / "deploy" / "reports" / "7.md").write_text(text)
    return tree / "deploy"


def test_only_the_files_named_are_in_the_commit(tree: Path) -> None:
    folder = written(tree)
    (folder / "gateway.yaml").write_text("version: 1     # not saved yet\n")
    (folder / "staged.yaml").write_text("version: 1\n")
    git(tree, "add", "deploy/staged.yaml")
    made = git_commit.commit(folder, ["reports/7.md"], "Post-mortem of incident 7")
    assert git(tree, "log", "-1", "--format=%H %an %s").strip() == f"{made} Safeguard Gateway Post-mortem of incident 7"
    assert git(tree, "show", "--format=", "--name-only", "HEAD").split() == ["deploy/reports/7.md"]
    assert git(tree, "status", "--porcelain").splitlines() == [" M deploy/gateway.yaml", "A  deploy/staged.yaml"]


def test_what_is_committed_already_makes_no_commit(tree: Path) -> None:
    folder = written(tree)
    assert git_commit.commit(folder, ["reports/7.md"], "once")
    assert git_commit.commit(folder, ["reports/7.md"], "twice") == ""
    assert git(tree, "log", "--format=%s").split() == ["once", "config"]


def test_neither_hooks_nor_filters_of_the_repository_are_run(tree: Path) -> None:
    folder, trace = written(tree), tree / "ran"
    for hook in ("pre-commit", "post-commit", "reference-transaction", "post-index-change"):
        path = tree / ".git" / "hooks" / hook
        path.write_text(f"#!/bin/sh\ntouch {trace}\n")
        path.chmod(0o755)
    git(tree, "config", "filter.mine.clean", f"touch {trace}")
    (tree / ".gitattributes").write_text("*.md filter=mine\n")
    assert git_commit.commit(folder, ["reports/7.md"], "quietly")
    assert not trace.exists()
    assert git(tree, "show", "HEAD:deploy/reports/7.md") == "# it was quick\n"


def test_without_a_work_tree_or_a_first_commit_it_says_so(tmp_path: Path) -> None:
    (tmp_path / "7.md").write_text("x")
    with pytest.raises(git_commit.NotCommitted, match="must be in a git work tree"):
        git_commit.commit(tmp_path, ["7.md"], "x")
    git(tmp_path, "init", "-q")
    with pytest.raises(git_commit.NotCommitted, match="has a commit"):
        git_commit.commit(tmp_path, ["7.md"], "x")
