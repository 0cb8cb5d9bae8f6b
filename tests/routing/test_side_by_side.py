"""What a plan changes of the one before it."""
from dataclasses import replace

from gateway.model.safeguards import Breaker, Limit
from gateway.routing import plan as plans
from gateway.routing import side_by_side

FEW, MANY = Limit("few", quota=1), Limit("few", quota=9)
API = plans.Upstream("api", (plans.Endpoint("h:1"), plans.Endpoint("h:2")))
ROUTE = plans.Route("all", upstream="api", limits=(FEW, Limit("each", "client")))
OLD = plans.Plan((plans.Listener("127.0.0.1:80"),), (API,), (ROUTE, plans.Route("other", respond=plans.Respond())))


def changed(**parts: object) -> side_by_side.Difference:
    return side_by_side.difference(OLD, replace(OLD, **parts))  # type: ignore[arg-type]


def test_a_plan_that_changes_no_route_and_no_upstream_concerns_no_request() -> None:
    assert not changed(recorder=plans.Recorder(disk=0)).concerns_requests


def test_an_endpoint_that_was_added_or_weighs_otherwise_is_of_the_revision_and_the_others_are_not() -> None:
    found = changed(upstreams=(replace(API, endpoints=(plans.Endpoint("h:1"), plans.Endpoint("h:2", weight=3),
                                                       plans.Endpoint("h:3"))),))
    assert found.endpoints == {("api", "h:2"), ("api", "h:3")}
    assert (found.upstreams, found.routes) == ({"api"}, {"all"})


def test_where_the_settings_of_an_upstream_change_all_its_endpoints_are_of_the_revision() -> None:
    assert changed(upstreams=(replace(API, breaker=Breaker(failures=1)),)).endpoints == {("api", "h:1"), ("api", "h:2")}


def test_a_route_that_is_gone_is_a_change_too() -> None:
    assert changed(routes=(ROUTE,)).routes == {"other"}


def test_only_a_limit_that_both_have_and_have_otherwise_needs_a_spare_row() -> None:
    route = replace(ROUTE, limits=(MANY, Limit("each", "client"), Limit("fresh")))
    found = changed(routes=(route, OLD.routes[1])).limits
    assert found == {("all", "few")}
    assert side_by_side.spare(found) == [("all", "few~")]
