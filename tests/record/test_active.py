"""The active revision: whole at every moment, private, and true only once it is established."""
from pathlib import Path

import pytest

from gateway.record.active import Active, ActiveFile, from_json
from gateway.record.revision import Revision, content_hash
from gateway.routing import plan as plans

PLAN = plans.Plan((plans.Listener(":80"),))


def active(number: int) -> Active:
    return Active(Revision(number, content_hash("#"), "#", PLAN.digest, PLAN.to_json(), 0), set_aside="abc")


def test_a_proposal_is_not_true_before_it_is_established(tmp_path: Path) -> None:
    file = ActiveFile(tmp_path)
    file.write(active(1))
    file.propose(active(2))
    assert (file.read(), file.read_proposed()) == (active(1), active(2))
    with file.path.open() as seen_by_a_reader:
        file.establish()
        assert from_json(seen_by_a_reader.read()) == active(1)
    assert file.read() == active(2)
    assert file.read().plan == PLAN


def test_a_withdrawn_proposal_is_gone(tmp_path: Path) -> None:
    file = ActiveFile(tmp_path)
    file.propose(active(2))
    file.withdraw()
    file.withdraw()
    with pytest.raises(FileNotFoundError):
        file.establish()


def test_the_files_are_private(tmp_path: Path) -> None:
    file = ActiveFile(tmp_path)
    file.write(active(1))
    assert file.path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"format": 2}', PLAN.to_json(),
                                  '{"format": 1, "set_aside": "", "revision": {"number": 1}}'])
def test_anything_else_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        from_json(text)
