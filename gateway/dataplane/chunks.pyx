"""Chunked bodies, strictly by RFC 9112 section 7.1: a state per octet, so that input may be cut anywhere.

    chunk       = 1*15HEXDIG [ extension ] CRLF data CRLF
    extension   = *( BWS ";" BWS token [ BWS "=" BWS ( token / quoted-string ) ] )
    last chunk  = 1*15"0" [ extension ] CRLF *( trailer-field CRLF ) CRLF

A size line is at most 256 octets, a trailer name 64, the trailer section 8 KiB. A trailer field must not frame, route
or authenticate (RFC 9110 6.5.1): a recipient may merge it into the head. Data is skipped, or copied out, a whole piece
at a time.
"""
from libc.string cimport memcpy, memset

from gateway.dataplane.framing cimport kind_of, mimics_framing
from gateway.dataplane.http1 cimport (
    BAD_CHUNK_END, BAD_CHUNK_EXTENSION, BAD_CHUNK_SIZE, BAD_LINE_END, BAD_TRAILER, PLAIN, REQUEST_ID, TRACEPARENT, VIA,
)
from gateway.dataplane.octets cimport (
    CR, LF, OCTET, OCTET_HEX, OCTET_TOKEN, OCTET_VALUE, hex_digit, is_blank, same_word,
)

cdef enum:
    SIZE_DIGITS = 15                # the most that always fit in 63 bits
    SIZE_LINE = 256
    TRAILER_SECTION = 8 * 1024

# The states, in the order in which a body goes through them.
cdef enum:
    SIZE = 0
    EXTENSION_GAP                   # white space after the size or a token value: ";" must follow
    NAME_START                      # after ";"
    NAME
    NAME_GAP                        # white space after a name: ";" or "=" must follow
    VALUE_START                     # after "="
    VALUE
    QUOTED
    QUOTED_PAIR                     # after a backslash
    QUOTED_END
    SIZE_LF
    DATA
    DATA_CR
    DATA_LF
    TRAILER_START                   # at the first octet of a trailer line
    FIELD_NAME
    FIELD_VALUE
    FIELD_LF
    LAST_LF
    DONE


cdef void chunks_start(Chunks* chunks) noexcept nogil:
    memset(chunks, 0, sizeof(Chunks))


# ---- the size line: each function takes one octet and answers the next state, or a fault -------------------------

cdef inline int after_token(uint8_t octet, int gap) noexcept nogil:
    """What may follow a size, an extension's name or its value."""
    if octet == CR:
        return SIZE_LF
    if octet == c';':
        return NAME_START
    if is_blank(octet):
        return gap
    return BAD_LINE_END if octet == LF else BAD_CHUNK_EXTENSION


cdef inline int take_size(Chunks* chunks, uint8_t octet) noexcept nogil:
    if OCTET[octet] & OCTET_HEX:
        if chunks.digits >= SIZE_DIGITS:
            return BAD_CHUNK_SIZE
        chunks.left = chunks.left * 16 + hex_digit(octet)
        chunks.digits += 1
        return SIZE
    if chunks.digits == 0 or not (octet == CR or octet == LF or octet == c';' or is_blank(octet)):
        return BAD_CHUNK_SIZE
    return after_token(octet, EXTENSION_GAP)


cdef inline int take_quoted(int state, uint8_t octet) noexcept nogil:
    """A quoted-string: qdtext is any field octet but the quote and the backslash."""
    if not OCTET[octet] & OCTET_VALUE:
        return BAD_CHUNK_EXTENSION
    if state == QUOTED_PAIR:
        return QUOTED
    if octet == c'"':
        return QUOTED_END
    return QUOTED_PAIR if octet == c'\\' else QUOTED


cdef inline int take_extension(int state, uint8_t octet) noexcept nogil:
    if state == QUOTED or state == QUOTED_PAIR:
        return take_quoted(state, octet)
    if state == NAME_START or state == VALUE_START:
        if is_blank(octet):
            return state
        if state == VALUE_START and octet == c'"':
            return QUOTED
        return state + 1 if OCTET[octet] & OCTET_TOKEN else BAD_CHUNK_EXTENSION
    if (state == NAME or state == VALUE) and OCTET[octet] & OCTET_TOKEN:
        return state
    if (state == NAME or state == NAME_GAP) and octet == c'=':
        return VALUE_START
    if (state == NAME_GAP or state == EXTENSION_GAP) and octet == CR:
        return BAD_CHUNK_EXTENSION
    return after_token(octet, NAME_GAP if state == NAME or state == NAME_GAP else EXTENSION_GAP)


cdef inline int end_size_line(Chunks* chunks, uint8_t octet) noexcept nogil:
    if octet != LF:
        return BAD_LINE_END
    chunks.line = chunks.digits = 0
    return DATA if chunks.left > 0 else TRAILER_START


cdef inline int take_size_line(Chunks* chunks, uint8_t octet) noexcept nogil:
    if chunks.state == SIZE_LF:
        return end_size_line(chunks, octet)
    chunks.line += 1
    if chunks.line > SIZE_LINE and octet != CR:
        return BAD_CHUNK_EXTENSION
    if chunks.state == SIZE:
        return take_size(chunks, octet)
    return take_extension(chunks.state, octet)


# ---- the trailer section ----------------------------------------------------------------------------------------

cdef inline bint is_refused(const uint8_t* name, Py_ssize_t size) noexcept nogil:
    """Whether a trailer of this name frames, routes or authenticates."""
    cdef int kind = kind_of(name, 0, size)
    if size >= 12 and same_word(name, 0, 12, "x-forwarded-", 12):
        return True
    if mimics_framing(name, 0, size):
        return True
    if kind != PLAIN:
        return kind != VIA and kind != REQUEST_ID and kind != TRACEPARENT
    return (same_word(name, 0, size, "cookie", 6) or same_word(name, 0, size, "set-cookie", 10)
            or same_word(name, 0, size, "authorization", 13) or same_word(name, 0, size, "content-type", 12)
            or same_word(name, 0, size, "content-range", 13) or same_word(name, 0, size, "content-encoding", 16))


cdef inline int take_name(Chunks* chunks, uint8_t octet) noexcept nogil:
    if octet == c':' and chunks.line > 0:
        return BAD_TRAILER if is_refused(chunks.name, chunks.line) else FIELD_VALUE
    if not OCTET[octet] & OCTET_TOKEN:
        return BAD_LINE_END if octet == LF else BAD_TRAILER
    if chunks.line >= TRAILER_NAME:
        return BAD_TRAILER
    chunks.name[chunks.line] = octet
    chunks.line += 1
    return FIELD_NAME


cdef inline int take_value(uint8_t octet) noexcept nogil:
    if OCTET[octet] & OCTET_VALUE:
        return FIELD_VALUE
    if octet == CR:
        return FIELD_LF
    return BAD_LINE_END if octet == LF else BAD_TRAILER


cdef inline int take_trailer(Chunks* chunks, uint8_t octet) noexcept nogil:
    chunks.trailer += 1
    if chunks.trailer > TRAILER_SECTION:
        return BAD_TRAILER
    if chunks.state == TRAILER_START:
        chunks.line = 0
        return LAST_LF if octet == CR else take_name(chunks, octet)
    if chunks.state == FIELD_NAME:
        return take_name(chunks, octet)
    if chunks.state == FIELD_VALUE:
        return take_value(octet)
    if octet != LF:
        return BAD_LINE_END
    return TRAILER_START if chunks.state == FIELD_LF else DONE


# ---- the body ---------------------------------------------------------------------------------------------------

cdef inline int take_data_end(Chunks* chunks, uint8_t octet) noexcept nogil:
    if chunks.state == DATA_CR:
        return DATA_LF if octet == CR else BAD_CHUNK_END
    return SIZE if octet == LF else BAD_CHUNK_END


cdef inline int take_octet(Chunks* chunks, uint8_t octet) noexcept nogil:
    if chunks.state <= SIZE_LF:
        return take_size_line(chunks, octet)
    if chunks.state <= DATA_LF:
        return take_data_end(chunks, octet)
    return take_trailer(chunks, octet)


cdef inline Py_ssize_t take_data(Chunks* chunks, const uint8_t* p, Py_ssize_t n, char* out,
                                 Py_ssize_t* out_size) noexcept nogil:
    """As much of the present chunk's data as the n octets at p hold; the state moves on with its last octet."""
    cdef Py_ssize_t size = n if <uint64_t>n < chunks.left else <Py_ssize_t>chunks.left
    if out != NULL:
        memcpy(out + out_size[0], p, size)
        out_size[0] += size
    chunks.left -= size
    chunks.body += size
    if chunks.left == 0:
        chunks.state = DATA_CR
    return size


cdef Py_ssize_t chunks_scan(Chunks* chunks, const char* p, Py_ssize_t n, char* out,
                            Py_ssize_t* out_size) noexcept nogil:
    cdef const uint8_t* octets = <const uint8_t*>p
    cdef Py_ssize_t at = 0
    cdef int state
    while at < n and chunks.state != DONE:
        if chunks.state == DATA:
            at += take_data(chunks, octets + at, n - at, out, out_size)
            continue
        state = take_octet(chunks, octets[at])
        if state < 0:
            return state
        chunks.state = state
        at += 1
    chunks.done = chunks.state == DONE
    return at
