"""Opening connections: which endpoint is tried, what the request is told, and that every connection is counted once."""
import asyncio
import logging
import ssl
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from data_path import Gateway, answer, get
from transports import Loop, Peer, Transport

from gateway.dataplane.names import Names
from gateway.dataplane.slowpath import Connector
from gateway.routing import plan as plans

LOG = logging.getLogger("slow path")
Behaviour = str | BaseException


class Network(Loop):
    """Endpoints by port: `accepts`, `ends` (at once), `hangs`, or the exception that connecting raises.

    An exception given as ("lives", error) comes when the connection was made already.
    """

    def __init__(self, **ports: Any) -> None:
        super().__init__()
        self.behaviour = {int(name[1:]): each for name, each in ports.items()}
        self.dialled: list[tuple[str, int]] = []

    async def create_connection(self, factory: Callable[[], Any], host: str, port: int) -> tuple[Transport, Any]:
        self.dialled.append((host, port))
        behaviour = self.behaviour[port]
        if isinstance(behaviour, BaseException):
            raise behaviour
        if behaviour == "hangs":
            await asyncio.sleep(3600)
        protocol = factory()
        transport = Transport(self, protocol)
        transport.connect()
        if isinstance(behaviour, tuple):
            raise behaviour[1]
        transport.end_comes = behaviour == "ends"
        self.run()
        return transport, protocol

    async def create_unix_connection(self, factory: Callable[[], Any], path: str) -> tuple[Transport, Any]:
        return await self.create_connection(factory, path, 0)


def upstream_of(*ports: int, **more: Any) -> plans.Upstream:
    return plans.Upstream("api", tuple(plans.Endpoint(f"127.0.0.1:{port}") for port in ports), "round_robin", **more)


async def nobody_knows(host: str, port: int) -> list[tuple[str, int]]:
    raise OSError("no such name")


async def connecting(gateway: Gateway, lookup: Callable[[str, int], Awaitable[Any]] = nobody_knows) -> None:
    """Do what the oldest connect under way was asked for."""
    names = Names(asyncio.get_running_loop(), LOG, lookup=lookup)
    asked = gateway.waiting.popleft()
    await Connector(names).connect(gateway.plane, asked.exchange, asked.generation)
    names.close()
    asked.task.end()
    gateway.loop.run()


def asks(gateway: Gateway) -> Peer:
    client = gateway.client()
    client.says(get())
    asyncio.run(connecting(gateway))
    return client


def open_connections(gateway: Gateway) -> list[int]:
    return [each.connections for each in gateway.group.endpoints]


def test_a_request_is_sent_on_the_connection_that_was_opened() -> None:
    network = Network(_9001="accepts")
    gateway = Gateway(upstream=upstream_of(9001), loop=network)
    client = asks(gateway)
    server = network.transports[-1]
    assert server.taken.startswith(b"GET / ")
    server.inbox += answer(b"hello")
    network.run()
    assert client.hears().endswith(b"hello")
    assert gateway.counted_endpoint()["connects"] == 1
    assert open_connections(gateway) == [1]


def test_another_endpoint_is_tried_when_one_refuses() -> None:
    network = Network(_9001=ConnectionRefusedError(), _9002="accepts")
    gateway = Gateway(upstream=upstream_of(9001, 9002), loop=network)
    asks(gateway)
    assert [port for _, port in network.dialled] == [9001, 9002]
    assert network.transports[-1].taken.startswith(b"GET / ")
    assert open_connections(gateway) == [0, 1]
    assert [each.active for each in gateway.group.endpoints] == [0, 1]
    assert gateway.counted_endpoint()["connect_failures"] == 1


def test_no_more_than_four_endpoints_are_tried() -> None:
    refusing = {f"_{port}": ConnectionRefusedError() for port in range(1, 7)}
    network = Network(**refusing)
    gateway = Gateway(upstream=upstream_of(*range(1, 7)), loop=network)
    client = asks(gateway)
    assert len(set(network.dialled)) == len(network.dialled) == 4
    assert client.hears().startswith(b"HTTP/1.1 502 ")
    assert open_connections(gateway) == [0] * 6
    assert gateway.refused() == {"connect_failed": 1}


@pytest.mark.parametrize(("error", "code", "told"), [
    (TimeoutError(), 504, b"connect_timeout"), (ssl.SSLError(1, "certificate of 10.0.0.1"), 502, b"certificate or"),
    (OSError(101, "unreachable 10.0.0.1"), 502, b"connect_failed"),
])
def test_the_client_is_told_why_and_no_secrets(error: OSError, code: int, told: bytes) -> None:
    gateway = Gateway(upstream=upstream_of(9001), loop=Network(_9001=error))
    heard = asks(gateway).hears()
    assert heard.startswith(b"HTTP/1.1 %d " % code)
    assert told in heard
    assert b"10.0.0.1" not in heard
    assert gateway.is_at_rest


def test_connecting_takes_no_longer_than_it_may() -> None:
    quick = plans.UpstreamTimeouts(connect=1_000_000)
    gateway = Gateway(upstream=upstream_of(9001, timeouts=quick), loop=Network(_9001="hangs"))
    assert asks(gateway).hears().startswith(b"HTTP/1.1 504 ")
    assert open_connections(gateway) == [0]


def test_an_endpoint_that_accepts_only_to_close_is_not_used() -> None:
    network = Network(_9001="ends", _9002="accepts")
    gateway = Gateway(upstream=upstream_of(9001, 9002), loop=network)
    client = asks(gateway)
    assert network.transports[-1].taken.startswith(b"GET / ")
    assert open_connections(gateway) == [0, 1]
    assert client.hears() == b""
    assert gateway.counted_endpoint()["connect_failures"] == 1


def test_a_connection_that_comes_to_life_when_its_time_is_over_is_counted_out_once() -> None:
    network = Network(_9001=("lives", TimeoutError()))
    gateway = Gateway(upstream=upstream_of(9001), loop=network)
    assert asks(gateway).hears().startswith(b"HTTP/1.1 504 ")
    assert open_connections(gateway) == [0]
    assert network.transports[-1].lost


def test_a_full_pool_is_a_503_that_is_not_the_upstreams_fault() -> None:
    limit = plans.PoolLimits(max_connections=1)
    gateway = Gateway(upstream=upstream_of(9001, pool=limit), loop=Network(_9001="accepts"))
    asks(gateway)
    assert asks(gateway).hears().startswith(b"HTTP/1.1 503 ")
    assert gateway.refused() == {"pool_full": 1}
    assert gateway.counted() == {"requests": 1, "5xx": 1, "refused": 1}
    assert open_connections(gateway) == [1]


def test_a_full_endpoint_is_passed_over() -> None:
    limit = plans.PoolLimits(max_connections=1)
    gateway = Gateway(upstream=upstream_of(9001, 9002, pool=limit), loop=Network(_9001="accepts", _9002="accepts"))
    for _ in range(2):
        asks(gateway)
    assert open_connections(gateway) == [1, 1]


def test_nothing_is_opened_for_a_client_that_has_left() -> None:
    network = Network(_9001="accepts")
    gateway = Gateway(upstream=upstream_of(9001), loop=network)
    client = gateway.client()
    client.says(get())
    client.ends()
    asyncio.run(connecting(gateway))
    assert network.dialled == []
    assert gateway.is_at_rest


def test_a_connection_for_a_client_that_left_meanwhile_is_parked() -> None:
    network = Network(_9001="accepts")
    gateway = Gateway(upstream=upstream_of(9001), loop=network)
    client = gateway.client()
    client.says(get())
    dial = network.create_connection

    async def leaves_first(*to: Any) -> Any:
        client.vanishes()
        return await dial(*to)

    network.create_connection = leaves_first
    asyncio.run(connecting(gateway))
    assert gateway.group.snapshot()[0] == {"address": "127.0.0.1:9001", "active": 0, "connections": 1, "idle": 1}


@pytest.mark.parametrize("fault", [ValueError("ours"), RuntimeError("ours")])
def test_a_fault_of_ours_is_told_and_logged(fault: Exception, caplog: pytest.LogCaptureFixture) -> None:
    gateway = Gateway(upstream=upstream_of(9001), loop=Network(_9001=fault))
    heard = asks(gateway).hears()
    assert heard.startswith(b"HTTP/1.1 500 ")
    assert b"ours" not in heard
    assert "please report this" in caplog.text
    assert open_connections(gateway) == [0]
    assert gateway.is_at_rest


def test_every_address_of_a_name_is_tried() -> None:
    class TwoAddresses(Network):
        async def create_connection(self, factory: Any, host: str, port: int) -> Any:
            self.behaviour[port] = "accepts" if host == "10.0.0.2" else ConnectionRefusedError()
            return await super().create_connection(factory, host, port)

    async def two(host: str, port: int) -> list[tuple[str, int]]:
        return [("10.0.0.1", port), ("10.0.0.2", port)]

    network = TwoAddresses()
    gateway = Gateway(upstream=plans.Upstream("api", (plans.Endpoint("orders.internal:80"),)), loop=network)
    client = gateway.client()
    client.says(get())
    asyncio.run(connecting(gateway, two))
    assert network.dialled == [("10.0.0.1", 80), ("10.0.0.2", 80)]
    assert open_connections(gateway) == [1]


def test_a_name_that_nobody_knows_is_a_502() -> None:
    gateway = Gateway(upstream=plans.Upstream("api", (plans.Endpoint("orders.internal:80"),)), loop=Network())
    assert asks(gateway).hears().startswith(b"HTTP/1.1 502 ")
    assert open_connections(gateway) == [0]


def test_a_unix_socket_is_dialled_by_its_path() -> None:
    network = Network(_0="accepts")
    gateway = Gateway(upstream=plans.Upstream("api", (plans.Endpoint("unix:/run/orders"),)), loop=network)
    asks(gateway)
    assert network.dialled == [("/run/orders", 0)]
