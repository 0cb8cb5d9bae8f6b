"""One of three endpoints fails: found, cut off, explained, taken back, over."""
import pytest
from stories import telling
from stories.telling import incident, incidents, soon

from loadtests import site
from loadtests.proofs import gateways
from loadtests.proofs.stage import Stage, get

pytestmark = pytest.mark.wire
where = telling.where


def test_an_endpoint_that_fails_is_found_cut_off_explained_and_taken_back(where: site.Site) -> None:
    with Stage() as stage:
        bad, *others = (stage.endpoint(where.port()) for _ in range(3))
        port, upstream = where.port(), {"eject": {"for": "1s", "slow_start": "off"}}
        config = gateways.config(port, [each.address for each in (bad, *others)], workers=1, upstream=upstream)
        with telling.running({**config, "respond": {"calm": "2s"}}, where) as gateway:
            stage.crowd(port, get("/"), connections=6, pause=0.1)
            soon(gateway, lambda: bad.requests > 20, "traffic flows")
            bad.answers(500)
            soon(gateway, lambda: incidents(gateway), "an incident is opened")
            assert incident(gateway)["scope"][0] == f"endpoint:api/{bad.address}"
            soon(gateway, lambda: "analysed" in incident(gateway)["times"], "it is explained")
            bad.answers(200)
            found = incident(gateway)
            assert found["finding"]["causes"][0]["where"] == {"endpoint": bad.address}
            assert found["fault"] == "endpoint failure"
            assert "isolated" in found["times"]
            asked = bad.requests
            soon(gateway, lambda: bad.requests > asked + 5, "the endpoint is asked again")
            soon(gateway, lambda: incident(gateway)["state"] == "resolved", "the incident is over")
            assert [each["id"] for each in incidents(gateway)] == [1]
