from gateway.dataplane.exchange cimport Exchange, UpstreamSide


cdef class UpstreamConnection(UpstreamSide):
    cdef int leave_pool(self) except -1
    cdef int ended(self, Exchange exchange, bint cleanly) except -1
