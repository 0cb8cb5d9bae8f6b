"""An idle client believes only a complete 200."""

import socket

import pytest

from loadtests import idle_clients, scenarios

BODY = b"x" * 1024


def asked(*pieces):
    """What `ask` makes of an answer that comes in these pieces, with the connection closed behind it."""
    client, server = socket.socketpair()
    with client, server:
        for piece in pieces:
            server.sendall(piece)
        server.shutdown(socket.SHUT_WR)
        idle_clients.ask(client, b"GET / HTTP/1.1\r\n\r\n", len(BODY))


def test_an_answer_in_pieces_is_read_to_its_end():
    asked(b"HTTP/1.1 200 OK\r\n", b"Content-Length: 1024\r\n\r\n", BODY)


def test_a_connection_closed_in_the_middle_of_a_body_is_lost():
    with pytest.raises(ConnectionError, match="closed after"):
        asked(b"HTTP/1.1 200 OK\r\nContent-Length: 1024\r\n\r\n", BODY[:1000])


def test_a_refusal_is_not_an_answer():
    with pytest.raises(ConnectionError, match="503"):
        asked(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 1024\r\n\r\n", BODY)


def test_the_request_carries_ten_fields_and_the_host_among_them():
    head = idle_clients.request_bytes(scenarios.SCENARIOS["small"])
    assert head.count(b"\r\n") == 1 + 10 + 1
    assert b"\r\nHost: api.example.com\r\n" in head
