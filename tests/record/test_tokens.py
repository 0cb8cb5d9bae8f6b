"""The token file: made, found, revoked; only hashes in it; a file that cannot be read lets nobody in."""
import stat
from pathlib import Path

import pytest

from gateway.model.role import Role, parse
from gateway.record.tokens import TokenFile, TokensError


def test_a_token_is_found_by_its_text_until_it_is_revoked(tmp_path: Path) -> None:
    tokens = TokenFile(tmp_path)
    assert tokens.tokens() == ()
    text = tokens.add("ann", Role.OPERATOR, 7)
    found = tokens.find(text)
    assert found
    assert (found.name, found.role, found.made_ns) == ("ann", Role.OPERATOR, 7)
    assert tokens.find(text[:-1]) is None
    tokens.revoke("ann")
    assert tokens.find(text) is None


def test_the_text_of_a_token_is_nowhere_on_the_disk(tmp_path: Path) -> None:
    text = TokenFile(tmp_path).add("ann", Role.ADMIN, 0)
    assert all(text not in each.read_text() for each in tmp_path.iterdir())
    assert stat.S_IMODE((tmp_path / "tokens").stat().st_mode) == 0o600


def test_another_process_sees_a_change_at_once(tmp_path: Path) -> None:
    running, command = TokenFile(tmp_path), TokenFile(tmp_path)
    first = command.add("ann", Role.VIEWER, 0)
    assert running.find(first)
    second = command.add("ben", Role.VIEWER, 0)
    command.revoke("ann")
    assert (running.find(first), running.find(second) is not None) == (None, True)


def test_a_name_is_given_once(tmp_path: Path) -> None:
    tokens = TokenFile(tmp_path)
    tokens.add("ann", Role.VIEWER, 0)
    with pytest.raises(ValueError, match="there is a token ann already"):
        tokens.add("ann", Role.ADMIN, 0)
    with pytest.raises(ValueError, match="is not a name"):
        tokens.add("a b", Role.ADMIN, 0)
    with pytest.raises(ValueError, match="there is no token ben; known are ann"):
        tokens.revoke("ben")


@pytest.mark.parametrize("content", ["", "{", "[]", '{"tokens": [{}]}', '{"tokens": [{"name": "a", "role": "admin", '
                                     '"digest": "", "made_ns": 0}]}'])
def test_a_file_that_is_broken_is_an_error_and_not_no_tokens(tmp_path: Path, content: str) -> None:
    (tmp_path / "tokens").write_text(content)
    with pytest.raises(TokensError, match="cannot be read"):
        TokenFile(tmp_path).tokens()


def test_a_role_is_one_of_three() -> None:
    assert parse("Operator") is Role.OPERATOR
    with pytest.raises(ValueError, match="write one of viewer, operator, admin"):
        parse("root")
