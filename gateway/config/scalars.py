"""What an unquoted scalar stands for: the core schema of YAML 1.2 (section 10.3.2), and nothing of YAML 1.1.

Only true and false are booleans (yes, no, on and off are texts), `010` is ten, `1:30` is a text, and only a number is
a number. pyyaml's own resolver is that of YAML 1.1, so it is not used.
"""

import re

NULL = re.compile(r"null|Null|NULL|~|")
TRUE = re.compile(r"true|True|TRUE")
FALSE = re.compile(r"false|False|FALSE")
DECIMAL = re.compile(r"[-+]?[0-9]{1,40}")
OCTAL = re.compile(r"0o[0-7]{1,40}")
HEXADECIMAL = re.compile(r"0x[0-9a-fA-F]{1,40}")
FLOAT = re.compile(r"[-+]?(\.[0-9]{1,40}|[0-9]{1,40}(\.[0-9]{0,40})?)([eE][-+]?[0-9]{1,4})?")
INFINITE = re.compile(r"(?P<sign>[-+]?)\.(inf|Inf|INF)")
NOT_A_NUMBER = re.compile(r"\.(nan|NaN|NAN)")


def is_null(text: str) -> bool:
    return NULL.fullmatch(text) is not None


def resolve(text: str) -> bool | int | float | str:
    """The value of an unquoted scalar that is not null; a text where it is nothing else."""
    if TRUE.fullmatch(text):
        return True
    if FALSE.fullmatch(text):
        return False
    whole = _whole(text)
    if whole is not None:
        return whole
    if FLOAT.fullmatch(text):
        return float(text)
    if INFINITE.fullmatch(text):
        return float(text.replace(".", ""))
    return float("nan") if NOT_A_NUMBER.fullmatch(text) else text


def _whole(text: str) -> int | None:
    if DECIMAL.fullmatch(text):
        return int(text, 10)
    if OCTAL.fullmatch(text):
        return int(text[2:], 8)
    return int(text[2:], 16) if HEXADECIMAL.fullmatch(text) else None
