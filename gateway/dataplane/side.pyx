"""One end of an exchange: what a connection to a client and one to an upstream have in common.

Sending. As long as nothing waits in the transport, bytes go straight to the kernel: that saves the transport's
bookkeeping, and the bytes object where they come from the head writer. What the kernel does not take, and everything
while something waits, and all TLS, goes through the transport, which keeps the order, tells `pause_writing` and meets
the errors: a broken connection takes 0 bytes here and fails there. The descriptor is ours to use until
`connection_lost`: uvloop and asyncio close it only behind that call.
"""
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE

from gateway.dataplane.sockets cimport send_now

# uvloop reads at most 256,000 bytes at once, which may all have to wait here: together under 512 KiB per direction.
HIGH_WATER = 128 * 1024
LOW_WATER = 32 * 1024


cdef class Side(Deadline):
    def __cinit__(self):
        self.fd = -1

    cdef int hold(self, int reason) except -1:
        raise NotImplementedError

    cdef int go_on(self, int reason) except -1:
        raise NotImplementedError

    cdef int meet(self, object transport) except -1:
        """The connection is made."""
        self.transport = transport
        self.write = transport.write
        transport.set_write_buffer_limits(HIGH_WATER, LOW_WATER)
        socket = transport.get_extra_info("socket")
        self.fd = socket.fileno() if socket is not None else -1
        return 0

    cdef int send(self, bytes data) except -1:
        return self.send_parts(PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data), NULL, 0)

    cdef int send_parts(self, const char* one, Py_ssize_t one_size, const char* two, Py_ssize_t two_size) except -1:
        """Send `one`, then `two`; neither is kept."""
        cdef Py_ssize_t sent = 0
        if self.closed or self.transport is None:
            return 0
        if self.straight():
            sent = send_now(self.fd, one, one_size, two, two_size)
            if sent:
                self.handed = True
            if sent == one_size + two_size:
                return 0
        self.queued = True
        if sent >= one_size:
            two += sent - one_size
            two_size -= sent - one_size
            self.write(PyBytes_FromStringAndSize(two, two_size))
        elif two_size == 0:
            self.write(PyBytes_FromStringAndSize(one + sent, one_size - sent))
        else:
            self.transport.writelines((PyBytes_FromStringAndSize(one + sent, one_size - sent),
                                       PyBytes_FromStringAndSize(two, two_size)))
        self.handed = self.handed or not self.transport.is_closing()    # closing: the write found it broken
        return 0

    cdef bint straight(self) except -1:
        """Whether nothing is in the way to the kernel."""
        if self.tls or self.fd < 0:
            return False
        if self.queued:
            self.queued = self.transport.get_write_buffer_size() != 0
        return not self.queued

    cdef bint takes(self) except -1:
        """Whether the peer took something since the last look; a slow one is no dead one."""
        cdef size_t before = self.unsent
        self.unsent = self.transport.get_write_buffer_size()
        return self.unsent < before

    cdef int end_sending(self) except -1:
        """Half-close."""
        if not self.closed and self.transport is not None:
            self.transport.write_eof()
        return 0
