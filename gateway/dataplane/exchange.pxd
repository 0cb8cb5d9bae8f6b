from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t

from gateway._gates cimport Permits
from gateway.dataplane.body cimport Body
from gateway.dataplane.deadlines cimport Deadline
from gateway.dataplane.forwarding cimport Identity, Origin
from gateway.dataplane.http1 cimport Head
from gateway.dataplane.kept cimport Kept, Seen
from gateway.dataplane.stale_answers cimport Capture
from gateway.dataplane.plane cimport Door, Plane
from gateway.dataplane.pool cimport Endpoint, UpstreamGroup
from gateway.dataplane.routes cimport Route, RoutePlan
from gateway.dataplane.side cimport Side

cdef enum:
    JOIN = 16 * 1024                # up to here one copy and one write beat two buffers in one write
    NO_LIMIT = 0xFFFFFFFF


cdef class ClientSide(Side):
    cdef Plane plane
    cdef Door door
    cdef Origin origin
    cdef Exchange exchange                  # the one in flight, or None
    cdef Seen host                          # of its last request
    cdef Seen agent

    cdef int tunnel_opened(self, uint64_t now) except -1
    cdef int answered(self, bint keep, bint request_done, uint64_t now) except -1
    cdef int reset(self) except -1
    cdef int failed(self) except -1


cdef class UpstreamSide(Side):
    cdef Plane plane
    cdef Endpoint endpoint
    cdef Exchange exchange                  # the one that uses this connection, or None
    cdef bint fresh                         # no request was ever sent on it
    cdef public bint once                   # for one exchange only: a drill's

    cdef bint quiet(self)
    cdef int park(self, int64_t keep_alive_s, uint64_t now) except -1
    cdef int discard(self, bint cleanly) except -1


cdef class Exchange(Deadline):
    cdef readonly uint64_t generation       # a late result of the slow path carries an older one and is ignored
    cdef Plane plane
    cdef ClientSide client
    cdef UpstreamSide upstream
    cdef RoutePlan routes                   # until its answer begins: a long one must not keep an old plan alive
    cdef uint64_t revision                  # the number of that plan
    cdef Route route
    cdef UpstreamGroup group                # of the route, or of the fallback that is asked instead
    cdef readonly Endpoint endpoint
    cdef Identity identity
    cdef bint own_id                        # the request goes up under `identity`, not under an id that its client gave
    cdef bint brings_id                     # the client sent one, sane or not
    cdef uint64_t began                     # ns: the request's head was complete
    cdef uint64_t sent                      # handed to an upstream connection; 0: never
    cdef uint64_t answered                  # first byte of the final answer; 0: none
    cdef uint32_t method
    cdef bint http10                        # the client speaks HTTP/1.0
    cdef bint keep                          # the client's connection may go on after this
    cdef bint upgrade                       # the client asked for a tunnel
    cdef readonly bint tunnel               # and has it
    cdef bint client_eof                    # in a tunnel: this side has said all
    cdef bint upstream_eof
    cdef bint refused
    cdef bint failed_upstream               # refused for a fault of the upstream
    cdef bint gone                          # the client left first
    cdef uint64_t client_high               # the client's address, and its keyed hash: see clients.pxd
    cdef uint64_t client_low
    cdef uint64_t client_key                # of its address, or of what `clients.key` says
    cdef uint64_t address_key
    cdef Kept kept                          # for the flight record
    cdef uint8_t decision                   # of model.decisions, like `safeguard`: why there is no ordinary answer
    cdef uint8_t safeguard
    cdef uint64_t observed                  # what the deciding safeguard saw, and what it allows
    cdef uint64_t threshold
    cdef uint32_t limit_row                 # of the limit that denied, on the board
    cdef bint shadowed                      # a safeguard in shadow mode would have refused it: it counts no further
    cdef int near                           # 1 + index of a limit that is nearly used up, to be told; 0 = none
    cdef uint64_t near_arrival              # and its arrival time
    cdef uint32_t breaker_generation        # that the upstream's breaker admitted it under
    cdef bint breaker_counts                # and this try's outcome is for the breaker to see
    cdef bint counted                       # this try's outcome is counted: of a tunnel, its handshake
    cdef uint32_t epoch                     # of shedding that let it in, for `Plane.has_left`; 0 = it counts nowhere
    cdef Permits* route_permit              # to be given back in `finish`; NULL = none is held
    cdef Permits* upstream_permit
    cdef Body request
    cdef bytes asked                        # head and early body as the client sent them, where a fallback may need it
    cdef uint64_t stale_hash                # of what is asked for, where something may be kept of it; else 0
    cdef bytes stale_key                    # of what is being kept, or no longer true; or None
    cdef Capture capture                    # the answer as it is being kept, or None
    cdef bint alternate                     # a fallback's upstream was asked
    cdef bytes first                        # the head, and the body as far as it came along
    cdef list rest                          # more of the body that waits for a connection, or is held for a second try
    cdef bint replayable                    # all that was sent is still held in `first` and `rest`
    cdef Py_ssize_t held_size
    cdef readonly int attempts              # beside the first
    cdef readonly int retried               # of these, tries again after a failure
    cdef int unreached                      # tries that found nobody to connect to
    cdef int status
    cdef Body answer
    cdef bint answer_begun                  # the client has the first byte of the final answer
    cdef bint upstream_keep                 # the upstream's connection may be used again
    cdef int64_t upstream_keep_s
    cdef int relay
    cdef int interims
    cdef bytes partial                      # an answer's head that is not complete yet
    cdef uint64_t bytes_in
    cdef uint64_t bytes_out

    # the life of a request, in order
    cdef Py_ssize_t begin(self, ClientSide client, bytes data, Py_ssize_t start, const Head* head,
                          uint64_t now) except -1
    cdef int forward(self, const char* p, const Head* head, Py_ssize_t take, uint64_t now) except -1
    cdef int send_request(self, UpstreamSide connection, uint64_t now) except -1
    cdef Py_ssize_t more_request(self, bytes data, uint64_t now) except -1
    cdef int more_answer(self, bytes data, uint64_t now) except -1
    cdef int begin_answer(self, bytes data, Py_ssize_t at, const Head* head, uint64_t now) except -1
    cdef int relay_answer(self, bytes data, Py_ssize_t at, uint64_t now) except -1
    cdef int finish(self, uint64_t now) except -1
    # steps of it
    cdef int open(self, ClientSide client, const char* p, const Head* head, uint64_t now) except -1
    cdef int hold_piece(self, bytes piece) except -1
    cdef int use_endpoint(self, Endpoint endpoint) except -1
    cdef int send_or_connect(self, uint64_t now) except -1
    cdef bint meets_fault(self) except -1
    cdef int connect_again(self) except -1
    cdef int connect_by(self, object way) except -1

cdef Exchange take_exchange(Plane plane)
