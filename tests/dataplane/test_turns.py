"""Large bodies share the loop: one large read in each of its turns."""
from data_path import Gateway, answer, asked, get, status
from http_messages import HOST, message
from transports import READ_AT_ONCE, Peer

from gateway.routing import plan as plans

LARGE = answer(b"x" * (4 * READ_AT_ONCE))


def turn(gateway: Gateway, *peers: Peer) -> list[int]:
    """One turn of the event loop, as uvloop's: what is ready, then whoever has something to read. How much of each
    peer's is not read yet."""
    for _ in range(len(gateway.loop.ready)):
        gateway.loop.ready.popleft()()
    for each in gateway.loop.transports:
        each.deliver()
    return [len(each.transport.inbox) // READ_AT_ONCE for each in peers]


def with_answers(gateway: Gateway, *answers: bytes) -> tuple[list[Peer], list[Peer]]:
    """Clients that have asked, and their upstreams, whose answers are there to be read."""
    pairs = [asked(gateway, get()) for _ in answers]
    for (_, upstream), each in zip(pairs, answers, strict=True):
        upstream.transport.inbox += each
    return [client for client, _ in pairs], [upstream for _, upstream in pairs]


def test_large_answers_take_turns_and_none_is_favoured() -> None:
    gateway = Gateway()
    clients, upstreams = with_answers(gateway, LARGE, LARGE)
    assert turn(gateway, *upstreams) == [3, 3]      # nobody has waited yet
    assert turn(gateway, *upstreams) == [3, 3]      # two were read in one turn, so none is in this one
    assert turn(gateway, *upstreams) == [2, 3]
    assert turn(gateway, *upstreams) == [2, 2]
    assert turn(gateway, *upstreams) == [1, 2]
    gateway.loop.run()
    assert [client.hears().count(b"x") for client in clients] == [4 * READ_AT_ONCE] * 2
    assert gateway.is_at_rest


def test_a_small_answer_does_not_wait_for_large_ones() -> None:
    gateway = Gateway()
    _, upstreams = with_answers(gateway, LARGE, LARGE)
    turn(gateway)
    client, upstream = asked_beside(gateway)
    upstream.transport.inbox += answer(b"small")
    assert turn(gateway, *upstreams) == [3, 3]
    assert client.hears().endswith(b"small")


def asked_beside(gateway: Gateway) -> tuple[Peer, Peer]:
    """As `asked`, but whatever else is to be read stays where it is."""
    others = [each for each in gateway.loop.transports if each.inbox]
    kept = [(each, bytes(each.inbox)) for each in others]
    ready = list(gateway.loop.ready)
    gateway.loop.ready.clear()
    for each in others:
        each.inbox.clear()
    pair = asked(gateway, get())
    for each, inbox in kept:
        each.inbox += inbox
    gateway.loop.ready.extend(ready)
    return pair


def test_a_large_upload_takes_its_turn_too() -> None:
    gateway = Gateway()
    size = 3 * READ_AT_ONCE
    client, upstream = asked(gateway, message("POST /upload HTTP/1.1", HOST, f"Content-Length: {size}"))
    client.transport.inbox += b"#" * size
    assert turn(gateway, client) == [2]
    assert client.is_held
    gateway.loop.run()
    assert upstream.hears().count(b"#") == size
    assert not client.is_held


def test_how_long_the_next_one_waits_is_told() -> None:
    gateway = Gateway()
    assert gateway.plane.turns.waited() == 0
    with_answers(gateway, LARGE)
    turn(gateway)
    first = gateway.plane.turns.waited()
    assert 0 < first < gateway.plane.turns.waited()
    gateway.loop.run()
    assert gateway.plane.turns.waited() == 0


def test_who_leaves_while_it_waits_holds_up_nobody() -> None:
    gateway = Gateway()
    (leaver, client), _ = with_answers(gateway, LARGE, LARGE)
    turn(gateway)
    leaver.vanishes()
    gateway.loop.run()
    assert client.hears().count(b"x") == 4 * READ_AT_ONCE
    assert gateway.is_at_rest


def test_a_connection_whose_answer_ended_with_a_large_read_does_not_wait() -> None:
    gateway = Gateway()
    client, upstream = asked(gateway, get())
    body = b"x" * (READ_AT_ONCE // 2)
    upstream.says(answer(body))
    assert gateway.plane.turns.waited() == 0
    client.says(get())
    upstream.says(answer(b"again"))
    assert client.hears().endswith(b"again")


def test_who_lingers_over_a_large_body_is_cut_off_in_time_all_the_same() -> None:
    gateway = Gateway(plans.Route("one", plans.Match("/one"), upstream="api"))
    client = gateway.client()
    client.says(message("POST /nowhere HTTP/1.1", HOST, f"Content-Length: {9 * READ_AT_ONCE}"))
    assert status(client.hears()) == 404
    client.transport.inbox += b"#" * READ_AT_ONCE
    turn(gateway)
    gateway.silence_of(9)
    assert client.is_gone
    assert not gateway.plane.clients
