"""What a story asks of a gateway: its incidents and actions; and a control that is killed."""
import contextlib
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from loadtests import site
from loadtests.proofs import gateways
from loadtests.proofs.gateways import Gateway, wait_until

Document = dict[str, Any]


@pytest.fixture
def where() -> Iterator[site.Site]:
    with site.temporary_site(24_140) as made:
        yield made


@contextlib.contextmanager
def running(config: Document, where: site.Site) -> Iterator[Gateway]:
    """A gateway that must not have logged an exception in the end."""
    with gateways.running(config, where, cores=frozenset(site.available_cores())) as gateway:
        yield gateway
    assert "Traceback" not in (said := gateway.program.log.read_text()), said


def get(gateway: Gateway, path: str) -> Any:
    status, document = gateway.ask("GET", path)
    assert status == 200, document
    return document


def incidents(gateway: Gateway) -> list[Document]:
    """All of them, also those that are over."""
    found: list[Document] = get(gateway, "/v1/incidents?all=true")["incidents"]
    return found


def incident(gateway: Gateway) -> Document:
    found: Document = get(gateway, "/v1/incidents/1")
    return found


def actions(gateway: Gateway) -> list[Document]:
    """Of the first incident; none while there is none."""
    status, document = gateway.ask("GET", "/v1/incidents/1/actions")
    found: list[Document] = document["actions"] if status == 200 else []
    return found


def soon(gateway: Gateway, holds: Any, what: str, seconds: float = 40.0) -> None:
    wait_until(holds, seconds, lambda: f"not within {seconds:g} s: {what}\n{story(gateway)}")


def story(gateway: Gateway) -> str:
    """For a person who wonders why."""
    return "\n".join(f"{line['at']} {line['kind']}: {line['words']}" for each in incidents(gateway)
                     for line in get(gateway, f"/v1/incidents/{each['id']}")["timeline"])


def kill_control(gateway: Gateway) -> None:
    """And wait until another one has looked at everything once."""
    gateway.wait_replaced("control", gateway.signal("control", signal.SIGKILL))
    soon(gateway, lambda: gateway.status()["deliberation"]["turn_ms"] > 0, "the new control thinks")
