import numpy as np
from numpy.typing import NDArray

_Codes = NDArray[np.uint16]
_Values = NDArray[np.uint16] | NDArray[np.uint32]

def count_values(codes: _Values, out: NDArray[np.uint32]) -> None: ...
def recode(codes: _Values, coding: _Codes, out: _Codes) -> None: ...

def count_rows(
    one: _Codes, two: _Codes, three: _Codes | None, by_two: int, by_three: int, out: NDArray[np.uint32],
) -> None: ...
def sum_rows(
    one: _Codes, two: _Codes, three: _Codes | None, by_two: int, by_three: int, weights: NDArray[np.float64],
    out: NDArray[np.float64],
) -> None: ...
