"""`clients.key`: who a client is beside its address, by a header, a cookie or a claim of its bearer token.

The value itself is kept nowhere: a request carries its hash, keyed by this boot's seed and set apart from the hashes
of addresses. A request that does not say who it is from is its address's. Nothing here proves who a client is: a header
can be made up, and the signature of a token is not checked, so it must have been, by whoever stands before the gateway.
"""
from libc.stdint cimport uint32_t, uint64_t

from gateway._limiter cimport siphash13
from gateway.dataplane.cookies cimport cookie_value
from gateway.dataplane.http1 cimport Field, Head

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE

from gateway.dataplane.claims import claim_of
from gateway.model.target import NAMED_SEED

cdef extern from "strings.h" nogil:
    int strncasecmp(const char*, const char*, size_t)

cdef enum:
    MAX_TOKENS = 4096               # whose claim is known by heart; simply emptied when full
    BEARER = 7                      # "Bearer "

cdef dict KINDS = {"header": BY_HEADER, "cookie": BY_COOKIE, "jwt": BY_CLAIM}


cdef const char* header_value(const char* p, const Head* head, const char* name, size_t name_size,
                              size_t* size) noexcept:
    """Where the value of the first field of that name begins and its size; NULL where there is none."""
    cdef const Field* field
    cdef uint32_t i
    for i in range(head.count):
        field = &head.fields[i]
        if field.name_size == name_size and strncasecmp(p + field.name, name, name_size) == 0:
            size[0] = field.value_size
            return p + field.value
    return NULL


cdef class ClientKey:
    """`text`: `header:NAME`, `cookie:NAME` or `jwt:CLAIM`; `seed`: the board's."""

    def __init__(self, str text, seed):
        kind, _, name = text.partition(":")
        self.kind = KINDS[kind]
        self.name = name.encode()
        self.seed0, self.seed1 = (each ^ NAMED_SEED for each in seed)
        self.claims = {}

    cdef uint64_t of(self, const char* p, const Head* head) except? 0:
        """The key of a request's client; 0: the request does not say."""
        cdef const char* value
        cdef size_t size = 0
        if self.kind == BY_COOKIE:
            value = cookie_value(p, head, PyBytes_AS_STRING(self.name), PyBytes_GET_SIZE(self.name), &size)
        elif self.kind == BY_HEADER:
            value = header_value(p, head, PyBytes_AS_STRING(self.name), PyBytes_GET_SIZE(self.name), &size)
        else:
            value = header_value(p, head, "authorization", 13, &size)
            if value == NULL or size <= BEARER or strncasecmp(value, "bearer ", BEARER) != 0:
                return 0
            return self.of_token(value + BEARER, size - BEARER)
        if value == NULL or size == 0:
            return 0
        return siphash13(<const unsigned char*>value, size, self.seed0, self.seed1) or 1

    cdef uint64_t of_token(self, const char* value, size_t size) except? 0:
        cdef bytes token = PyBytes_FromStringAndSize(value, size), claim
        found = self.claims.get(token)
        if found is None:
            claim = claim_of(token, self.name.decode())
            if len(self.claims) >= MAX_TOKENS:
                self.claims.clear()
            found = self.claims[token] = 0 if not claim else (
                siphash13(<const unsigned char*>PyBytes_AS_STRING(claim), PyBytes_GET_SIZE(claim), self.seed0,
                          self.seed1) or 1)
        return found

    def __repr__(self):
        return f"<ClientKey {self.name.decode()}>"
