"""`gateway token` on a state folder, as before the first start."""
from pathlib import Path

from click.testing import CliRunner

from gateway.cli import main
from gateway.record.tokens import TokenFile


def run(folder: Path, *words: str) -> tuple[int, str]:
    done = CliRunner().invoke(main, ["token", "--state-dir", str(folder), *words])
    return done.exit_code, done.output


def test_a_token_is_printed_once_listed_and_revoked(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    code, text = run(folder, "add", "ann", "--role", "operator")
    assert code == 0
    assert TokenFile(folder).find(text.strip())
    assert run(folder, "add", "ann", "--role", "admin")[0] == 1
    code, listed = run(folder, "list")
    assert listed.split()[:2] == ["ann", "operator"]
    assert text.strip() not in listed
    assert run(folder, "revoke", "ann") == (0, "ann is revoked\n")
    code, none = run(folder, "list")
    assert (code, "there is none" in none) == (0, True)
    assert run(folder, "revoke", "ann")[0] == 1
