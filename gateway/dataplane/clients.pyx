"""Which client a request is from, as limits, rules and the recorder know it: its address, and a keyed hash of that.

The hash is keyed by this boot's seed, so that no client can choose a key that collides with another's. A peer's Client
is kept with its connection's Origin; behind a trusted proxy each request may have another, so those are kept here, by
what the proxy wrote. The table is bounded, and simply emptied when full.
"""
from libc.stdint cimport uint32_t, uint64_t

from gateway._limiter cimport siphash13
from gateway.dataplane.client_keys cimport ClientKey
from gateway.dataplane.http1 cimport FORWARDED_FOR, Field, Head

from cpython.bytes cimport PyBytes_FromStringAndSize

from gateway.dataplane.trusted import parse_address

cdef enum:
    MAX_KNOWN = 4096


cdef class Client:
    """One address. Keys: `siphash13` of the 16 bytes of the address (IPv4 mapped into IPv6); 0 stands for no client."""

    def __init__(self, str address, uint64_t seed0, uint64_t seed1):
        parsed = parse_address(address)
        packed = bytes(16)
        if parsed is not None:
            packed = parsed.packed if parsed.version == 6 else bytes(10) + b"\xff\xff" + parsed.packed
        self.address = address
        self.high = int.from_bytes(packed[:8], "big")
        self.low = int.from_bytes(packed[8:], "big")
        self.key = siphash13(packed, 16, seed0, seed1) or 1

    def __repr__(self):
        return f"<Client {self.address or 'unknown'}>"


cdef class Clients:
    """The clients of one worker, known by `key`. `seed`: the board's, so that all workers hash alike."""

    def __init__(self, trusted, seed, str key="ip"):
        self.trusted = trusted
        self.seed0, self.seed1 = seed
        self.known = {}
        self.named = None if key == "ip" else ClientKey(key, seed)

    cdef Client of_address(self, str address):
        return Client(address, self.seed0, self.seed1)

    cdef Client of_forwarded(self, str peer, const char* p, const Head* head):
        """The client that a trusted peer's X-Forwarded-For tells of."""
        cdef bytes said = forwarded_for(p, head)
        key = (peer, said)
        found = self.known.get(key)
        if found is None:
            if len(self.known) >= MAX_KNOWN:
                self.known.clear()
            found = self.known[key] = self.of_address(self.trusted.client_of(peer, said))
        return found

    def of(self, str address):
        """`of_address` for Python callers: the Client of this address."""
        return self.of_address(address)


cdef bytes forwarded_for(const char* p, const Head* head):
    """The values of all X-Forwarded-For fields, joined by commas."""
    cdef const Field* field
    cdef uint32_t i
    cdef bytes said = None, each
    if head.first[<int>FORWARDED_FOR] == 0:
        return b""
    for i in range(head.first[<int>FORWARDED_FOR] - 1, head.count):
        field = &head.fields[i]
        if field.kind == FORWARDED_FOR:
            each = PyBytes_FromStringAndSize(p + field.value, field.value_size)
            said = each if said is None else said + b"," + each
    return said
