"""The classes of octets of RFC 9110 and 3986 and the two spans that are worth vector instructions. Header-only.

A span answers the first offset in [at, end) whose octet is outside the class, or `end`. Sixteen octets are loaded at
once only while `at + 16 <= end`; the rest, and every other machine than x86-64, goes octet by octet through the table.
"""
from libc.stdint cimport uint8_t

cdef extern from *:
    """
    #include <stddef.h>
    #include <stdint.h>
    #ifdef __SSE2__
    #include <emmintrin.h>
    #endif

    enum { OCTET_TOKEN = 1, OCTET_PATH = 2, OCTET_HOST = 4, OCTET_DIGIT = 8, OCTET_HEX = 16, OCTET_ALNUM = 32,
           OCTET_VALUE = 64, OCTET_VISIBLE = 128 };

    #define GRAPHIC (OCTET_VALUE | OCTET_VISIBLE)
    #define SUBDELIM (GRAPHIC | OCTET_PATH | OCTET_HOST)
    #define LETTER (SUBDELIM | OCTET_TOKEN | OCTET_ALNUM)

    static const uint8_t OCTET[256] = {
        ['\\t'] = OCTET_VALUE, [' '] = OCTET_VALUE, [0x80 ... 0xFF] = OCTET_VALUE,
        ['0' ... '9'] = LETTER | OCTET_DIGIT | OCTET_HEX,
        ['A' ... 'F'] = LETTER | OCTET_HEX, ['G' ... 'Z'] = LETTER,
        ['a' ... 'f'] = LETTER | OCTET_HEX, ['g' ... 'z'] = LETTER,
        ['-'] = SUBDELIM | OCTET_TOKEN, ['.'] = SUBDELIM | OCTET_TOKEN,
        ['_'] = SUBDELIM | OCTET_TOKEN, ['~'] = SUBDELIM | OCTET_TOKEN,
        ['!'] = SUBDELIM | OCTET_TOKEN, ['$'] = SUBDELIM | OCTET_TOKEN, ['&'] = SUBDELIM | OCTET_TOKEN,
        ['\\''] = SUBDELIM | OCTET_TOKEN, ['*'] = SUBDELIM | OCTET_TOKEN, ['+'] = SUBDELIM | OCTET_TOKEN,
        ['('] = SUBDELIM, [')'] = SUBDELIM, [';'] = SUBDELIM, ['='] = SUBDELIM,
        [','] = GRAPHIC | OCTET_PATH, [':'] = GRAPHIC | OCTET_PATH, ['@'] = GRAPHIC | OCTET_PATH,
        ['/'] = GRAPHIC | OCTET_PATH,
        ['#'] = GRAPHIC | OCTET_TOKEN, ['%'] = GRAPHIC | OCTET_TOKEN, ['^'] = GRAPHIC | OCTET_TOKEN,
        ['`'] = GRAPHIC | OCTET_TOKEN, ['|'] = GRAPHIC | OCTET_TOKEN,
        ['"'] = GRAPHIC, ['<'] = GRAPHIC, ['>'] = GRAPHIC, ['?'] = GRAPHIC, ['['] = GRAPHIC, ['\\\\'] = GRAPHIC,
        [']'] = GRAPHIC, ['{'] = GRAPHIC, ['}'] = GRAPHIC,
    };

    /* Field content: HTAB, SP to 0x7E, obs-text. */
    static inline ptrdiff_t value_span(const uint8_t* p, ptrdiff_t at, ptrdiff_t end) {
    #ifdef __SSE2__
        const __m128i last_control = _mm_set1_epi8(0x1F), tab = _mm_set1_epi8(0x09), del = _mm_set1_epi8(0x7F);
        for (; at + 16 <= end; at += 16) {
            __m128i octets = _mm_loadu_si128((const __m128i*)(p + at));
            __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(octets, last_control), octets);
            __m128i wrong = _mm_or_si128(_mm_andnot_si128(_mm_cmpeq_epi8(octets, tab), control),
                                         _mm_cmpeq_epi8(octets, del));
            unsigned found = (unsigned)_mm_movemask_epi8(wrong);
            if (found) return at + __builtin_ctz(found);
        }
    #endif
        while (at < end && (OCTET[p[at]] & OCTET_VALUE)) at++;
        return at;
    }

    /* Visible ASCII: 0x21 to 0x7E. */
    static inline ptrdiff_t visible_span(const uint8_t* p, ptrdiff_t at, ptrdiff_t end) {
    #ifdef __SSE2__
        const __m128i space = _mm_set1_epi8(0x20), del = _mm_set1_epi8(0x7F);
        for (; at + 16 <= end; at += 16) {
            __m128i octets = _mm_loadu_si128((const __m128i*)(p + at));
            __m128i right = _mm_andnot_si128(_mm_cmpeq_epi8(octets, del), _mm_cmpgt_epi8(octets, space));
            unsigned found = (unsigned)_mm_movemask_epi8(right) ^ 0xFFFFu;
            if (found) return at + __builtin_ctz(found);
        }
    #endif
        while (at < end && (OCTET[p[at]] & OCTET_VISIBLE)) at++;
        return at;
    }
    """
    enum:
        OCTET_TOKEN         # tchar
        OCTET_PATH          # pchar or "/", without "%"
        OCTET_HOST          # unreserved or sub-delims, without ","
        OCTET_DIGIT
        OCTET_HEX
        OCTET_ALNUM
        OCTET_VALUE
        OCTET_VISIBLE
    const uint8_t OCTET[256]
    Py_ssize_t value_span(const uint8_t* p, Py_ssize_t at, Py_ssize_t end) noexcept nogil
    Py_ssize_t visible_span(const uint8_t* p, Py_ssize_t at, Py_ssize_t end) noexcept nogil

cdef enum:
    HTAB = 0x09
    LF = 0x0A
    CR = 0x0D
    SP = 0x20


cdef inline Py_ssize_t class_span(const uint8_t* p, Py_ssize_t at, Py_ssize_t end, int octet_class) noexcept nogil:
    """The first offset in [at, end) whose octet is outside the class, or `end`."""
    while at + 4 <= end and OCTET[p[at]] & OCTET[p[at + 1]] & OCTET[p[at + 2]] & OCTET[p[at + 3]] & octet_class:
        at += 4
    while at < end and OCTET[p[at]] & octet_class:
        at += 1
    return at


cdef inline bint is_blank(uint8_t octet) noexcept nogil:
    return octet == SP or octet == HTAB


cdef inline uint8_t lower(uint8_t octet) noexcept nogil:
    return octet + 32 if c'A' <= octet <= c'Z' else octet


cdef inline bint same_word(const uint8_t* p, Py_ssize_t at, Py_ssize_t size, const char* word,
                           Py_ssize_t word_size) noexcept nogil:
    """Whether p[at:at+size], which the caller has checked to lie in its buffer, is this lower-case word."""
    cdef Py_ssize_t i
    if size != word_size:
        return False
    for i in range(size):
        if lower(p[at + i]) != <uint8_t>word[i]:
            return False
    return True


cdef inline bint same_letters(const uint8_t* p, Py_ssize_t one, Py_ssize_t other, Py_ssize_t size) noexcept nogil:
    """Whether p[one:one+size] and p[other:other+size], both within the buffer, are alike but for case."""
    cdef Py_ssize_t i
    for i in range(size):
        if lower(p[one + i]) != lower(p[other + i]):
            return False
    return True


cdef inline uint8_t hex_digit(uint8_t octet) noexcept nogil:
    """The value of an octet of class OCTET_HEX."""
    return octet - c'0' if octet <= c'9' else (octet | 32) - c'a' + 10
