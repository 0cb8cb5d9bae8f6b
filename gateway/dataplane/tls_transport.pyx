"""TLS between a TCP transport below and a protocol above: a protocol to the one, a transport to the other.

Why not the event loop's own TLS (`ssl=` of asyncio and uvloop 0.23):

- an end of the TCP stream that arrives while reading is paused throws away what was received before it, so that an
  upstream's `Connection: close` answer to a slow client is cut short;
- after a transfer every connection keeps its largest buffers, 560 KiB after an upload and more after a download;
- there is no `write_eof`, hence no lingering close, and `close` waits for the peer's answer.

Rules here:

1. *Nothing is lost.* While the protocol has paused reading, TCP is paused too, what was taken from it is kept, and the
   end of the stream is reported behind the last byte.
2. *Little is held.* Ciphertext is received into one buffer of the whole worker; only what a paused protocol left over
   is copied. Plaintext is encrypted a piece at a time, as long as TCP takes it; the rest waits unencrypted. So the
   memory buffers of OpenSSL, which never shrink, stay near one piece. At most: received, RECEIVE_SIZE and a piece; to
   be sent, the write limit, GATHER, and what the protocol writes until it heeds `pause_writing`.
3. *The two ends differ.* `eof_received` means the peer's close_notify. An end of TCP without one is a truncation:
   `connection_lost` with a ConnectionError.
4. `close` flushes, sends close_notify and closes, without waiting for the peer's; `write_eof` flushes, sends
   close_notify and shuts TCP's sending side down, and reading goes on.
5. The protocol is made, and told of the connection, when the handshake is complete.

One thread: the shared buffer is used within one callback and never across an await.
"""
import ssl
from collections import deque

cdef enum:
    RECEIVE_SIZE = 128 * 1024
    # Four records. Larger pieces save calls, and enlarge what OpenSSL keeps per connection (4/3 of the largest piece).
    PIECE = 64 * 1024
    # The largest record's plaintext: OpenSSL reads one record at a time.
    RECORD = 16 * 1024
    GATHER = 4 * PIECE              # sent by one system call; what the relay receives at a time
    # uvloop's own: 64 KiB, and 16 bytes, at which a fast reader would run dry each time.
    WRITE_HIGH = 64 * 1024
    WRITE_LOW = 16 * 1024

cdef enum State:
    HANDSHAKE
    CONNECTED
    CLOSING                         # `close` was called and something is still to be sent
    CLOSED

cdef object RECEIVED = memoryview(bytearray(RECEIVE_SIZE))

cdef object WantRead = ssl.SSLWantReadError
cdef object ZeroReturn = ssl.SSLZeroReturnError
cdef object SSLError = ssl.SSLError


cdef class TlsTransport:
    """Give it to the loop as the protocol of a TCP connection, then await `handshake()`."""
    cdef:
        object loop
        object factory
        object protocol
        object lower                # the TCP transport; None before and after
        object sslobj
        object decrypt              # bound methods of sslobj
        object decrypted
        object encrypt
        object incoming             # ciphertext received, not yet decrypted
        object outgoing             # ciphertext made, always taken out at once
        object waiter
        object fault                # why we ended it, for connection_lost
        object backlog              # plaintext that TCP would not take yet
        bytes held                  # ciphertext left over when the protocol paused
        Py_ssize_t backlog_size
        State state
        bint reading_paused
        bint lower_full
        bint protocol_paused
        bint end_wanted             # write_eof was called
        bint end_sent               # close_notify is out
        bint end_received           # the peer's close_notify was read
        bint end_delivered
        bint discarding             # after our close_notify, what OpenSSL does not want any more

    def __init__(self, loop, factory, context, *, server_side=True, server_hostname=None):
        self.loop = loop
        self.factory = factory
        self.incoming = ssl.MemoryBIO()
        self.outgoing = ssl.MemoryBIO()
        self.sslobj = context.wrap_bio(self.incoming, self.outgoing, server_side=server_side,
                                       server_hostname=server_hostname)
        self.decrypt, self.decrypted, self.encrypt = self.sslobj.read, self.sslobj.pending, self.sslobj.write
        self.waiter = loop.create_future()
        self.backlog = deque()
        self.held = b""
        self.state = HANDSHAKE

    def __repr__(self):
        names = {HANDSHAKE: "handshake", CONNECTED: "connected", CLOSING: "closing", CLOSED: "closed"}
        return (f"<TlsTransport {names[self.state]} reading={not self.reading_paused} held={len(self.held)} "
                f"backlog={self.backlog_size}>")

    async def handshake(self):
        """Until the protocol is connected; returns it. Raises ssl.SSLError or another OSError. Cancelled: aborts."""
        try:
            await self.waiter
        except BaseException:
            self.abort()
            raise
        return self.protocol

    # ---- as the protocol of the TCP transport

    def connection_made(self, lower):
        self.lower = lower
        lower.set_write_buffer_limits(WRITE_HIGH, WRITE_LOW)
        self._shake()

    def connection_lost(self, exc):
        protocol, fault = self.protocol, self.fault or exc
        self.state = CLOSED
        self._forget_backlog()
        self.held = b""
        self.lower = self.protocol = self.factory = self.fault = None
        self.sslobj = self.incoming = self.outgoing = self.decrypt = self.decrypted = self.encrypt = None
        self._settle(fault or ConnectionResetError("the connection ended in the TLS handshake"))
        if protocol is not None:
            protocol.connection_lost(fault)

    def get_buffer(self, hint):
        return RECEIVED

    def buffer_updated(self, Py_ssize_t size):
        if self.held or (self.reading_paused and self.state == CONNECTED):
            self.held += bytes(RECEIVED[:size])
        else:
            self._take(RECEIVED, size)

    def eof_received(self):
        """The end of TCP. Only after all that came before it was delivered: TCP is paused while the protocol is."""
        if self.end_received and self.state == CONNECTED:
            return True
        if self.end_sent or self.state != CONNECTED:
            return False
        self._fail(ConnectionResetError("the peer ended the connection without a TLS close_notify"))
        return True

    def pause_writing(self):
        self.lower_full = True
        if not self.protocol_paused and self.state == CONNECTED:
            self.protocol_paused = True
            self.protocol.pause_writing()

    def resume_writing(self):
        self.lower_full = False
        self._drain()
        if self.protocol_paused and not self.lower_full and self.state == CONNECTED:
            self.protocol_paused = False
            self.protocol.resume_writing()

    # ---- as the transport of the protocol

    def write(self, data):
        cdef Py_ssize_t sent
        if self.state != CONNECTED or self.end_wanted or not data:
            return
        if self.lower_full or self.backlog:
            sent = 0
        else:
            sent = self._encrypt(data)
        if sent < len(data) and self.state == CONNECTED:
            self._put_back(data, sent)

    def writelines(self, parts):
        self.write(b"".join(parts))

    def write_eof(self):
        if self.state == CONNECTED and not self.end_wanted:
            self.end_wanted = True
            self._drain()

    def can_write_eof(self):
        return True

    def close(self):
        if self.state == CONNECTED:
            self.state = CLOSING
            self.lower.pause_reading()
            self._drain()
        elif self.state == HANDSHAKE:
            self.abort()

    def abort(self):
        if self.lower is not None:
            self.state = CLOSING
            self._forget_backlog()
            self.lower.abort()

    def is_closing(self):
        return self.state >= CLOSING

    def is_reading(self):
        return self.state == CONNECTED and not self.reading_paused

    def pause_reading(self):
        if self.state == CONNECTED and not self.reading_paused:
            self.reading_paused = True
            self.lower.pause_reading()

    def resume_reading(self):
        """What was kept is delivered in the next turn of the loop, then TCP is read again."""
        if self.state == CONNECTED and self.reading_paused:
            self.reading_paused = False
            self.loop.call_soon(self._resume)

    def set_write_buffer_limits(self, high=None, low=None):
        """Limits in bytes of what waits in the TCP transport: above `high` the protocol is paused, at `low` resumed."""
        if self.lower is not None:
            self.lower.set_write_buffer_limits(high, low)

    def get_write_buffer_limits(self):
        return self.lower.get_write_buffer_limits() if self.lower is not None else (0, 0)

    def get_write_buffer_size(self):
        """Bytes of plaintext and ciphertext that wait to be sent."""
        return self.backlog_size + (self.lower.get_write_buffer_size() if self.lower is not None else 0)

    def get_extra_info(self, name, default=None):
        if name == "ssl_object":
            return self.sslobj
        return self.lower.get_extra_info(name, default) if self.lower is not None else default

    def get_protocol(self):
        return self.protocol

    def set_protocol(self, protocol):
        self.protocol = protocol

    # ---- receiving

    cdef int _take(self, source, Py_ssize_t size) except -1:
        """Give `size` bytes of ciphertext to OpenSSL piece by piece; keep the rest when the protocol pauses."""
        cdef Py_ssize_t at = 0, end
        while at < size and self.state <= CONNECTED and not self.discarding:
            if self.reading_paused and self.state == CONNECTED:
                self.held = bytes(source[at:size])
                return 0
            end = min(at + PIECE, size)
            self.incoming.write(source[at:end])
            at = end
            if self.state == HANDSHAKE:
                self._shake()
            else:
                self._decrypt()
        return 0

    def _resume(self):
        if self.state != CONNECTED or self.reading_paused:
            return
        self._decrypt()
        if self.held and not self.reading_paused:
            held, self.held = self.held, b""
            self._take(memoryview(held), len(held))
        if self.state == CONNECTED and not self.reading_paused:
            self.lower.resume_reading()

    cdef int _shake(self) except -1:
        try:
            self.sslobj.do_handshake()
        except WantRead:
            self._flush()
            return 0
        except SSLError as error:
            self._flush()           # the alert
            self._fail(error)
            return 0
        self._flush()
        self._connected()
        return 0

    cdef int _connected(self) except -1:
        if self.waiter.done():      # nobody waits any more
            self.abort()
            return 0
        self.protocol = self.factory()
        self.state = CONNECTED
        self.protocol.connection_made(self)
        self._settle(None)
        self._decrypt()
        return 0

    cdef int _decrypt(self) except -1:
        """Deliver all that is complete, about PIECE at a time, until the protocol pauses or ends it."""
        cdef bytes plain
        while self.state == CONNECTED and not self.reading_paused and not self.end_received:
            plain = self._read_plain()
            if not plain:
                break
            self.protocol.data_received(plain)
        if self.end_received and not self.end_delivered and self.state == CONNECTED and not self.reading_paused:
            self._deliver_end()
        if self.outgoing.pending:
            self._flush()           # a key update's answer
        return 0

    cdef bytes _read_plain(self):
        """What the received records hold, most often one; sets `end_received` at the peer's close_notify."""
        cdef bytes plain
        cdef list records = []
        cdef Py_ssize_t size = 0
        try:
            # Asking when nothing is there costs an exception: 2 us, of a request that costs 16.
            while size < PIECE and (self.incoming.pending or self.decrypted()):
                plain = self.decrypt(RECORD)
                if not plain:
                    self.end_received = True
                    break
                records.append(plain)
                size += len(plain)
        except WantRead:
            pass
        except ZeroReturn:
            self.end_received = True
        except SSLError as error:
            if self.end_sent:
                self.discarding = True
                self.incoming.read()
            else:
                self._fail(error)
        return records[0] if len(records) == 1 else b"".join(records)

    cdef int _deliver_end(self) except -1:
        """Once, as a TCP transport does: closed, unless the protocol answers that it still wants to send."""
        self.end_delivered = True
        if not self.protocol.eof_received() and self.state == CONNECTED:
            self.close()
        return 0

    # ---- sending

    cdef Py_ssize_t _encrypt(self, data) except -1:
        """Encrypt and send as long as TCP takes it; returns how many bytes of `data` that was."""
        cdef Py_ssize_t size = len(data), at = 0
        try:
            if size <= PIECE + RECORD:
                at = self.encrypt(data)
                self._flush()
            else:
                view = memoryview(data)
                while at < size and not self.lower_full:
                    at = self._encrypt_pieces(view, at, min(size, at + GATHER))
        except WantRead:
            pass
        except SSLError as error:
            self._fail(error)
        return at

    cdef Py_ssize_t _encrypt_pieces(self, view, Py_ssize_t at, Py_ssize_t end) except -1:
        """Encrypt `view` from `at` to `end` and send it by one system call; returns how far it came."""
        cdef list parts = []
        while at < end:
            at += self.encrypt(view[at:min(at + PIECE, end)])
            parts.append(self.outgoing.read())
        self.lower.writelines(parts)
        return at

    cdef int _flush(self) except -1:
        data = self.outgoing.read()
        if data and self.lower is not None:
            self.lower.write(data)
        return 0

    cdef int _put_back(self, data, Py_ssize_t sent) except -1:
        """Keep what TCP did not take; a buffer that its owner may change is copied."""
        rest = memoryview(data)[sent:] if type(data) is bytes else bytes(memoryview(data)[sent:])
        self.backlog.append(rest)
        self.backlog_size += len(rest)
        return 0

    cdef int _drain(self) except -1:
        """Send what waits, then the end if it is wanted."""
        cdef Py_ssize_t sent
        while self.backlog and not self.lower_full and CONNECTED <= self.state <= CLOSING:
            data = self.backlog.popleft()
            sent = self._encrypt(data)
            self.backlog_size -= sent
            if sent < len(data):
                self.backlog.appendleft(data[sent:])
                break
        if not self.backlog and CONNECTED <= self.state <= CLOSING:
            if self.end_wanted or self.state == CLOSING:
                self._send_end()
        return 0

    cdef int _send_end(self) except -1:
        if not self.end_sent:
            self.end_sent = True
            try:
                self.sslobj.unwrap()
            except SSLError:        # it asks for the peer's close_notify, which we do not wait for
                pass
            self._flush()
        if self.state == CLOSING:
            self.lower.close()
        else:
            self.lower.write_eof()
        return 0

    # ---- ending

    cdef int _fail(self, error) except -1:
        """End it now; `connection_lost` tells why."""
        self.fault = error
        if self.lower is not None and self.state == HANDSHAKE:
            self.lower.close()      # behind the alert
        elif self.lower is not None:
            self.lower.abort()
        self.state = CLOSING
        self._settle(error)
        return 0

    cdef int _forget_backlog(self) except -1:
        self.backlog.clear()
        self.backlog_size = 0
        return 0

    cdef int _settle(self, error) except -1:
        if not self.waiter.done():
            if error is None:
                self.waiter.set_result(None)
            else:
                self.waiter.set_exception(error)
                self.waiter.exception()         # asked for now: that nobody awaits it is no mistake
        return 0
