"""One of three endpoints answers 500 always: few clients see it, with control alive or stopped."""
import os
import signal
from collections import Counter

import pytest
from wire import gateways
from wire.peers.raw_client import ask
from wire.peers.scripted_upstream import Send, answer, upstream

pytestmark = pytest.mark.wire
EJECT = {"consecutive_failures": 5, "for": "30s"}


@pytest.mark.parametrize("control_stopped", [False, True], ids=["control-alive", "control-stopped"])
def test_at_most_five_clients_see_the_errors_of_one_of_three_endpoints(control_stopped: bool) -> None:
    with upstream() as broken, upstream() as well, upstream() as too:
        broken.on("/x", Send(answer(500, b"broken")))
        well.on("/x", Send(answer(200, b"ok")))
        too.on("/x", Send(answer(200, b"ok")))
        config = gateways.before(broken.address, well.address, too.address, upstream={"eject": EJECT}, workers=2)
        with gateways.running(config) as running:
            control = running.process.pid_of("control")
            if control_stopped:
                os.kill(control, signal.SIGSTOP)
            try:
                seen = Counter(ask(running.address, "/x").status for _ in range(100))
            finally:
                os.kill(control, signal.SIGCONT)
    assert seen[200] + seen[500] == 100
    assert seen[500] == 5
