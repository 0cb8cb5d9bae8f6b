"""What the request path counts as a failure is what isolate/outcomes.py says is one."""
import pytest
from data_path import Gateway, answer, asked, get

from gateway.isolate import outcomes
from gateway.isolate.outcomes import Outcome
from gateway.model.errors import REFUSALS, Side

SLOW_PATH = [each.reason for each in REFUSALS if each.side is Side.UPSTREAM] + ["pool_full"]


def counted(gateway: Gateway) -> Outcome:
    """What the upstream's counters say of the one request there was."""
    row = gateway.board.counters("upstreams", 0, 0)
    if not row["requests"]:
        return Outcome.NO_RESULT
    return Outcome.FAILURE if row["failures"] else Outcome.SUCCESS


@pytest.mark.parametrize("status", [200, 304, 400, 404, 429, 499, 500, 501, 502, 503, 504, 505, 599])
def test_an_answer_counts_by_its_status(status: int) -> None:
    gateway = Gateway()
    _, api = asked(gateway, get())
    api.says(answer(status=f"{status} X"))
    assert counted(gateway) is outcomes.of_status(status)


@pytest.mark.parametrize("reason", SLOW_PATH)
def test_what_could_not_be_asked_counts_by_its_reason(reason: str) -> None:
    gateway = Gateway()
    gateway.client().says(get())
    gateway.fails_to_connect(reason)
    assert counted(gateway) is outcomes.of_refusal(reason)
