"""An endpoint's address taken apart."""
import pytest

from gateway.dataplane import dial
from gateway.routing import plan as plans


@pytest.mark.parametrize(("address", "host", "port"), [
    ("10.0.0.1:9001", "10.0.0.1", 9001), ("orders.internal:80", "orders.internal", 80), ("[::1]:9001", "::1", 9001),
    ("[::1]", "::1", 443), ("orders", "orders", 443),
])
def test_an_address_is_a_host_and_a_port(address: str, host: str, port: int) -> None:
    assert dial.split_address(address, 443) == (host, port)


def test_the_name_to_verify_is_the_endpoints_own_unless_told() -> None:
    endpoint = plans.Endpoint("orders.internal:8443")
    assert dial.target_of(endpoint, plans.UpstreamTls(), None).server_name == "orders.internal"
    told = plans.UpstreamTls(server_name="orders.example")
    assert dial.target_of(endpoint, told, None).server_name == "orders.example"
    assert dial.target_of(endpoint, None, None).server_name == ""


def test_a_unix_socket_is_called_localhost() -> None:
    target = dial.target_of(plans.Endpoint("unix:/run/orders"), plans.UpstreamTls(), None)
    assert (target.path, target.host_field, target.server_name) == ("/run/orders", b"localhost", "localhost")


@pytest.mark.parametrize(("address", "spoken", "port"), [("orders", None, 80), ("orders", plans.UpstreamTls(), 443)])
def test_the_port_is_that_of_the_protocol(address: str, spoken: plans.UpstreamTls | None, port: int) -> None:
    assert dial.target_of(plans.Endpoint(address), spoken, None).port == port
