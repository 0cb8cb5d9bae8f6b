"""How many requests each cell of one to three columns holds: the loops in which an analysis spends its time.

One pass over the codes as they are, without a key per row in memory. A cell's number is
((code of the first column) * size of the second + code of the second) * ..., as numpy.ravel_multi_index has it.
"""
from libc.stdint cimport uint16_t, uint32_t

ctypedef fused Code:
    const uint16_t
    const uint32_t


def count_values(Code[::1] codes, uint32_t[::1] out):
    """Add up rows by code. Raises ValueError for a code beyond `out`."""
    cdef Py_ssize_t row, room = out.shape[0]
    for row in range(codes.shape[0]):
        if codes[row] >= room:
            raise ValueError("a code is not below its size")
        out[codes[row]] += 1


def recode(Code[::1] codes, const uint16_t[::1] coding, uint16_t[::1] out):
    """Each code by what `coding` has for it. Raises ValueError for one that it does not have, or a short `out`."""
    cdef Py_ssize_t row, room = coding.shape[0]
    if out.shape[0] < codes.shape[0]:
        raise ValueError("a place for every row")
    for row in range(codes.shape[0]):
        if codes[row] >= room:
            raise ValueError("a code is not below its size")
        out[row] = coding[codes[row]]


def count_rows(const uint16_t[::1] one, const uint16_t[::1] two, const uint16_t[::1] three, Py_ssize_t by_two,
               Py_ssize_t by_three, uint32_t[::1] out):
    """Add up rows by cell. Columns of codes below their sizes; `three` is None, and its size 1, where there are two.
    Raises ValueError where a column is shorter than the first, or a cell is beyond `out`."""
    cdef Py_ssize_t rows = one.shape[0], room = out.shape[0], row, cell
    cdef bint third = three is not None
    if two.shape[0] < rows or (third and three.shape[0] < rows):
        raise ValueError("each column has a code for every row")
    for row in range(rows):
        cell = one[row] * by_two + two[row]
        if third:
            cell = cell * by_three + three[row]
        if cell >= room:
            raise ValueError("a code is not below its size")
        out[cell] += 1


def sum_rows(const uint16_t[::1] one, const uint16_t[::1] two, const uint16_t[::1] three, Py_ssize_t by_two,
             Py_ssize_t by_three, const double[::1] weights, double[::1] out):
    """The same for rows that stand for so many requests each."""
    cdef Py_ssize_t rows = one.shape[0], room = out.shape[0], row, cell
    cdef bint third = three is not None
    if two.shape[0] < rows or weights.shape[0] < rows or (third and three.shape[0] < rows):
        raise ValueError("each column has a code, and each row a weight")
    for row in range(rows):
        cell = one[row] * by_two + two[row]
        if third:
            cell = cell * by_three + three[row]
        if cell >= room:
            raise ValueError("a code is not below its size")
        out[cell] += weights[row]
