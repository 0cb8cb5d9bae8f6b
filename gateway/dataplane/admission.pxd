from libc.stdint cimport uint64_t

from gateway._gates cimport ClientRule
from gateway.dataplane.exchange cimport Exchange
from gateway.dataplane.http1 cimport Head


cdef bint admit(Exchange exchange, const char* p, const Head* head, uint64_t now) except -1
cdef bint admit_upstream(Exchange exchange, uint64_t now) except -1
cdef int deny_without_endpoint(Exchange exchange, uint64_t now) except -1
cdef const ClientRule* rule_on(Exchange exchange) noexcept
cdef int give_permits_back(Exchange exchange) noexcept
