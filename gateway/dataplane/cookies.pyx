"""One cookie of a request, found without taking the others apart (RFC 6265 4.2.1): `name=value; name=value`.

The first of a name counts, as it does in most servers. A value in quotes is taken with its quotes. Whatever a client
writes, nothing is read outside the field's value.
"""
from libc.stdint cimport uint32_t
from libc.string cimport memchr, memcmp

from gateway.dataplane.http1 cimport MAX_FIELDS, Field, Head, Limits, scan_request

cdef extern from "strings.h" nogil:
    int strncasecmp(const char*, const char*, size_t)


cdef const char* cookie_value(const char* p, const Head* head, const char* name, size_t name_size,
                              size_t* size) noexcept:
    """Where the value of the cookie begins and its size; NULL where there is none."""
    cdef const Field* field
    cdef const char* found
    cdef uint32_t i
    for i in range(head.count):
        field = &head.fields[i]
        if field.name_size == 6 and strncasecmp(p + field.name, "cookie", 6) == 0:
            found = in_field(p + field.value, p + field.value + field.value_size, name, name_size, size)
            if found != NULL:
                return found
    return NULL


cdef const char* in_field(const char* at, const char* end, const char* name, size_t name_size, size_t* size) noexcept:
    cdef const char* stop
    while at < end:
        while at < end and (at[0] == c' ' or at[0] == c'\t'):
            at += 1
        stop = <const char*>memchr(at, c';', end - at)
        if stop == NULL:
            stop = end
        if <size_t>(stop - at) > name_size and at[name_size] == c'=' and memcmp(at, name, name_size) == 0:
            size[0] = <size_t>(stop - at) - name_size - 1
            return at + name_size + 1
        at = stop + 1
    return NULL


def value_of(bytes request, bytes name):
    """The value of a cookie in a request's head, None without it; for tests. Raises ValueError on a faulty head."""
    cdef Head head
    cdef Limits limits
    cdef size_t size = 0
    cdef const char* found
    limits.line, limits.fields, limits.size = 8192, MAX_FIELDS, 65536
    if scan_request(request, len(request), &limits, &head) <= 0:
        raise ValueError("not a request's head")
    found = cookie_value(request, &head, name, len(name), &size)
    return None if found == NULL else found[:size]
