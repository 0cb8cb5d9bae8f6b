"""An unquoted YAML scalar, which is not yet known to be a text or a number.

`version: 1.10` is a text where a text is wanted and a number where a number is wanted. The reader cannot know which,
so it keeps both: the text as written, and the value that YAML 1.2's core schema gives it. The field decides.
"""


class Scalar(str):
    """The text as written; `.value` is that text, or the bool, int or float that it stands for."""

    __slots__ = ("value",)
    value: bool | int | float | str

    def __new__(cls, text: str, value: bool | int | float | str) -> "Scalar":
        made = super().__new__(cls, text)
        made.value = value
        return made
