"""What the fields say about the message itself: where its body ends, whether the connection lives on. Header-only.

Each function is handed one whole field whose name and value have been checked octet by octet and lie within the head.
Whatever two readers could frame differently is a fault, at the field that makes it so.
"""
from libc.stdint cimport int64_t, uint8_t, uint32_t

from gateway.dataplane.http1 cimport (
    BAD_CONNECTION, BAD_CONTENT_LENGTH, BAD_HOST, BAD_TRANSFER_CODING, CODING_IN_HTTP10, CONNECTION, CONTENT_LENGTH,
    EXPECT, FORWARDED, FORWARDED_FOR, FORWARDED_HOST, FORWARDED_PROTO, HOST, KEEP_ALIVE, LENGTH_AND_CODING, PLAIN,
    PROXY_FIELD, REQUEST_ID, TE, TRACEPARENT, TRAILER, TRANSFER_ENCODING, UPGRADE, VIA, Field, Head,
)
from gateway.dataplane.octets cimport (
    OCTET, OCTET_ALNUM, OCTET_DIGIT, OCTET_TOKEN, class_span, is_blank, lower, same_letters, same_word,
)
from gateway.dataplane.target cimport host_name_size

cdef enum:
    LENGTH_DIGITS = 18              # the most that always fit in 63 bits

# What Connection has said so far, several fields merged.
cdef enum Said:
    SAID_CLOSE = 1
    SAID_KEEP_ALIVE = 2
    SAID_UPGRADE = 4


cdef inline int kind_of(const uint8_t* p, Py_ssize_t at, Py_ssize_t size) noexcept nogil:
    """The FieldKind of the name p[at:at+size]."""
    if size == 2:
        return TE if same_word(p, at, size, "te", 2) else PLAIN
    if size == 3:
        return VIA if same_word(p, at, size, "via", 3) else PLAIN
    if size == 4:
        return HOST if same_word(p, at, size, "host", 4) else PLAIN
    if size == 5:
        return PROXY_FIELD if same_word(p, at, size, "proxy", 5) else PLAIN
    if size == 6:
        return EXPECT if same_word(p, at, size, "expect", 6) else PLAIN
    if size == 7:
        if same_word(p, at, size, "upgrade", 7):
            return UPGRADE
        return TRAILER if same_word(p, at, size, "trailer", 7) else PLAIN
    if size == 9:
        return FORWARDED if same_word(p, at, size, "forwarded", 9) else PLAIN
    if size == 10:
        if same_word(p, at, size, "connection", 10):
            return CONNECTION
        return KEEP_ALIVE if same_word(p, at, size, "keep-alive", 10) else PLAIN
    if size == 11:
        return TRACEPARENT if same_word(p, at, size, "traceparent", 11) else PLAIN
    if size == 12:
        return REQUEST_ID if same_word(p, at, size, "x-request-id", 12) else PLAIN
    if size == 14:
        return CONTENT_LENGTH if same_word(p, at, size, "content-length", 14) else PLAIN
    if size == 15:
        return FORWARDED_FOR if same_word(p, at, size, "x-forwarded-for", 15) else PLAIN
    if size == 16:
        if same_word(p, at, size, "x-forwarded-host", 16):
            return FORWARDED_HOST
        return PROXY_FIELD if same_word(p, at, size, "proxy-connection", 16) else PLAIN
    if size == 17:
        if same_word(p, at, size, "transfer-encoding", 17):
            return TRANSFER_ENCODING
        return FORWARDED_PROTO if same_word(p, at, size, "x-forwarded-proto", 17) else PLAIN
    if size == 18:
        return PROXY_FIELD if same_word(p, at, size, "proxy-authenticate", 18) else PLAIN
    if size == 19:
        return PROXY_FIELD if same_word(p, at, size, "proxy-authorization", 19) else PLAIN
    return PLAIN


cdef inline bint spells(const uint8_t* p, Py_ssize_t at, Py_ssize_t size, const char* letters) noexcept nogil:
    """Whether the letters and digits of the name p[at:at+size], all else left out, are these NUL-terminated ones."""
    cdef Py_ssize_t i
    for i in range(at, at + size):
        if not OCTET[p[i]] & OCTET_ALNUM:
            continue
        if letters[0] == 0 or lower(p[i]) != <uint8_t>letters[0]:
            return False
        letters += 1
    return letters[0] == 0


cdef inline bint mimics_framing(const uint8_t* p, Py_ssize_t at, Py_ssize_t size) noexcept nogil:
    """Whether a PLAIN name, such as Content_Length, becomes a framing field's once an upstream folds its signs.

    CGI and WSGI read "-" and "_" alike, others drop what is not a letter.
    """
    if size < 13:
        return False
    return spells(p, at, size, "contentlength") or spells(p, at, size, "transferencoding")


cdef inline int take_host(const uint8_t* p, const Field* field, Head* head) noexcept nogil:
    """Check Host and, of an absolute-form target, that it is the same: RFC 9112 3.2.2."""
    cdef Py_ssize_t name_size = host_name_size(p, field.value, field.value + field.value_size)
    if name_size == 0:
        return BAD_HOST
    if head.host_size != 0:
        if head.host_size != field.value_size or not same_letters(p, head.host_at, field.value, field.value_size):
            return BAD_HOST
    head.host_at = field.value
    head.host_size = field.value_size
    head.host_name_size = <uint32_t>name_size
    return 0


cdef inline int64_t decimal(const uint8_t* p, Py_ssize_t at, Py_ssize_t end) noexcept nogil:
    """The number that the digits p[at:end] write, or -1 if they are none, too many or not digits."""
    cdef int64_t number = 0
    cdef Py_ssize_t i
    if at >= end or end - at > LENGTH_DIGITS:
        return -1
    for i in range(at, end):
        if not OCTET[p[i]] & OCTET_DIGIT:
            return -1
        number = number * 10 + (p[i] - c'0')
    return number


cdef inline int take_content_length(const uint8_t* p, const Field* field, Head* head) noexcept nogil:
    if head.chunked:
        return LENGTH_AND_CODING
    head.content_length = decimal(p, field.value, field.value + field.value_size)
    return BAD_CONTENT_LENGTH if head.content_length < 0 else 0


cdef inline int take_transfer_encoding(const uint8_t* p, const Field* field, Head* head) noexcept nogil:
    if head.version_minor == 0:
        return CODING_IN_HTTP10
    if head.content_length >= 0:
        return LENGTH_AND_CODING
    head.chunked = same_word(p, field.value, field.value_size, "chunked", 7)
    return 0 if head.chunked else BAD_TRANSFER_CODING


cdef inline Py_ssize_t skip_to_member(const uint8_t* p, Py_ssize_t at, Py_ssize_t end) noexcept nogil:
    """The next octet of a comma list that is neither white space nor a comma; empty members are legal."""
    while at < end and (is_blank(p[at]) or p[at] == c','):
        at += 1
    return at


cdef inline Py_ssize_t member_end(const uint8_t* p, Py_ssize_t at, Py_ssize_t end) noexcept nogil:
    """Just past the token at `at`, or 0 if what is there is not a token that a comma or the end follows."""
    cdef Py_ssize_t token = class_span(p, at, end, OCTET_TOKEN), after = token
    while after < end and is_blank(p[after]):
        after += 1
    return token if token > at and (after >= end or p[after] == c',') else 0


cdef inline int take_option(const uint8_t* p, Py_ssize_t at, Py_ssize_t size, Head* head,
                            uint32_t* said) noexcept nogil:
    """One token of Connection. TE, Trailer, Upgrade and Keep-Alive are never passed on, so need no remembering."""
    if same_word(p, at, size, "close", 5):
        said[0] |= SAID_CLOSE
    elif same_word(p, at, size, "keep-alive", 10):
        said[0] |= SAID_KEEP_ALIVE
    elif same_word(p, at, size, "upgrade", 7):
        said[0] |= SAID_UPGRADE
    else:
        kind = kind_of(p, at, size)
        if kind == HOST or kind == CONTENT_LENGTH or kind == TRANSFER_ENCODING:
            return BAD_CONNECTION
        head.names_fields = head.names_fields or (kind != TE and kind != TRAILER)
    return 0


cdef inline int take_connection(const uint8_t* p, const Field* field, Head* head, uint32_t* said) noexcept nogil:
    cdef Py_ssize_t end = field.value + field.value_size, at = skip_to_member(p, field.value, end), after
    while at < end:
        after = member_end(p, at, end)
        if after == 0 or take_option(p, at, after - at, head, said) < 0:
            return BAD_CONNECTION
        at = skip_to_member(p, after, end)
    return 0


cdef inline void take_keep_alive(const uint8_t* p, const Field* field, Head* head) noexcept nogil:
    """`timeout=N`, wherever it stands in the list; what is not understood is advice that is not taken."""
    cdef Py_ssize_t end = field.value + field.value_size, at = skip_to_member(p, field.value, end), digits
    while at < end:
        if end - at > 8 and same_word(p, at, 8, "timeout=", 8):
            digits = class_span(p, at + 8, end, OCTET_DIGIT)
            head.keep_alive_timeout = decimal(p, at + 8, digits)
            return
        while at < end and p[at] != c',':
            at += 1
        at = skip_to_member(p, at, end)


cdef inline void take_te(const uint8_t* p, const Field* field, Head* head) noexcept nogil:
    cdef Py_ssize_t end = field.value + field.value_size, at = skip_to_member(p, field.value, end), token
    while at < end:
        token = class_span(p, at, end, OCTET_TOKEN)
        if same_word(p, at, token - at, "trailers", 8):
            head.te_trailers = True
        at = token
        while at < end and p[at] != c',':
            at += 1
        at = skip_to_member(p, at, end)


cdef inline bint lists_name(const uint8_t* p, const Field* options, const Field* field) noexcept nogil:
    """Whether the checked Connection field `options` lists the name of `field`."""
    cdef Py_ssize_t end = options.value + options.value_size, at = skip_to_member(p, options.value, end), token
    while at < end:
        token = class_span(p, at, end, OCTET_TOKEN)
        if token - at == field.name_size and same_letters(p, at, field.name, token - at):
            return True
        at = skip_to_member(p, token + (token == at), end)
    return False


cdef inline int take_framing(const uint8_t* p, const Field* field, Head* head, bint repeated, bint request,
                             uint32_t* said) noexcept nogil:
    """Note what a field that is not PLAIN says. 0, or the fault that it makes."""
    if field.kind == HOST and request:
        return BAD_HOST if repeated else take_host(p, field, head)
    if field.kind == CONTENT_LENGTH:
        return BAD_CONTENT_LENGTH if repeated else take_content_length(p, field, head)
    if field.kind == TRANSFER_ENCODING:
        return BAD_TRANSFER_CODING if repeated else take_transfer_encoding(p, field, head)
    if field.kind == CONNECTION:
        return take_connection(p, field, head, said)
    if field.kind == KEEP_ALIVE:
        take_keep_alive(p, field, head)
    elif field.kind == TE:
        take_te(p, field, head)
    elif field.kind == EXPECT:
        # RFC 9110 10.1.1: an HTTP/1.0 client does not wait, whatever it says
        head.expect_continue = head.version_minor == 1 and same_word(p, field.value, field.value_size,
                                                                     "100-continue", 12)
    return 0


cdef inline void settle_connection(Head* head, uint32_t said, bint request) noexcept nogil:
    """Keep-alive and upgrade, from the version and all Connection fields; `close` wins.

    A request with a body is never an upgrade, which a server may always ignore (RFC 9110 7.8): llhttp takes what
    follows such a head for the new protocol, others for the body.
    """
    if said & SAID_CLOSE:
        head.keep_alive = False
    else:
        head.keep_alive = head.version_minor == 1 or said & SAID_KEEP_ALIVE != 0
    head.upgrade = said & SAID_UPGRADE != 0 and head.first[<int>UPGRADE] != 0 and head.version_minor == 1
    if request and (head.chunked or head.content_length > 0):
        head.upgrade = False
