"""The kinds of field that settings are made of: model's words as pydantic types.

This and `answers` are the pydantic modules of this room.

A kind reads what the YAML reader gives (a quoted text is `str`, an unquoted one `scalar.Scalar`) or the same from
Python, answers the plain value that the code computes with, and refuses with a text that says what to write. It also
carries its JSON Schema for editors, and how a value is printed back (in defaults, in the reference).
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable
from typing import Annotated, Any, ClassVar

from pydantic import (
    BaseModel,
    ConfigDict,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ValidationInfo,
    field_validator,
)
from pydantic_core import CoreSchema, core_schema

from gateway.model import address, http, quantities
from gateway.model.scalar import Scalar

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
MILLISECOND = quantities.DURATION_UNITS["ms"]
YEAR = 8760 * quantities.DURATION_UNITS["h"]
DURATION = r"[0-9]+(\.[0-9]+)?(ns|us|ms|s|m|h)"
SHARE = r"[0-9]+(\.[0-9]+)?%"
RATE = r"[0-9]+/(s|m|h)"
SIZE = r"[0-9]+(\.[0-9]+)?(B|KiB|MiB|GiB|TiB)?"


class Settings(BaseModel):
    """A section of the config: unknown keys refused, frozen, each key described by the text below it."""

    MAY_BE_NULL: ClassVar[frozenset[str]] = frozenset()
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    @field_validator("*", mode="before")
    @classmethod
    def _has_a_value(cls, value: Any, info: ValidationInfo) -> Any:
        """A key without a value is a mistake, not a wish for the default."""
        if value is None and info.field_name not in cls.MAY_BE_NULL:
            raise ValueError("has no value; write one, or leave the key out")
        return value


class Kind:
    """`read` turns what was written into the value or raises ValueError; `show` prints a value as one writes it.

    `form` says in the reference how it is written, where the JSON Schema does not.
    """

    def __init__(self, read: Callable[[Any], Any], show: Callable[[Any], Any] = lambda value: value, *,
                 form: str = "", **schema: Any) -> None:
        self.read, self.show, self.form, self.schema = read, show, form, schema

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        printed = core_schema.plain_serializer_function_ser_schema(self.show, when_used="json")
        return core_schema.no_info_plain_validator_function(self.read, serialization=printed)

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return dict(self.schema)


class Or:
    """Beside a type: a short form that is also taken. `expand` makes it the long one; `short` is its JSON Schema."""

    def __init__(self, expand: Callable[[Any], Any], **short: Any) -> None:
        self.expand, self.short = expand, short

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self.expand, handler(source))

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        long = handler(core)
        return {"anyOf": [self.short or long["items"], long]}


def one_or_many(value: Any) -> Any:
    """A single item stands for a list of one."""
    return value if isinstance(value, (list, tuple)) else [value]


def text(value: Any) -> str:
    """The text as written, whether or not it also looks like a number."""
    if isinstance(value, str):
        return str(value)
    raise ValueError(f"must be a text, not {called(value)}")


def resolved(value: Any) -> Any:
    """What an unquoted scalar stands for in YAML 1.2; any other value is as it is."""
    return value.value if isinstance(value, Scalar) else value


def called(value: Any) -> str:
    """How a message calls a value that is not what the field wants."""
    plain = resolved(value)
    if plain is None:
        return "null"
    if isinstance(plain, dict):
        return "a mapping"
    if isinstance(plain, (list, tuple)):
        return "a list"
    return repr(plain[:40]) if isinstance(plain, str) else str(plain).lower()


def flag(value: Any) -> bool:
    plain = resolved(value)
    if isinstance(plain, bool):
        return plain
    raise ValueError(f"must be true or false, not {called(value)}")


def whole(value: Any) -> int:
    plain = resolved(value)
    if isinstance(plain, int) and not isinstance(plain, bool):
        return plain
    quoted = isinstance(plain, str) and plain.isdecimal()
    raise ValueError(f"must be a whole number, not {called(value)}" + ("; write it without quotes" if quoted else ""))


def within(value: int, least: int, most: int, show: Callable[[int], str] = str) -> int:
    if not least <= value <= most:
        raise ValueError(f"must be {show(least)} to {show(most)}, not {show(value)}")
    return value


def words(check: Callable[[str], str], **schema: Any) -> Kind:
    """A text that `check` accepts."""
    return Kind(lambda value: check(text(value)), type="string", **schema)


def choice(*allowed: str | int) -> Kind:
    """One of a few words or numbers."""
    listed = ", ".join(str(word) for word in allowed)

    def read(value: Any) -> Any:
        wanted = resolved(value)
        if wanted in allowed and type(wanted) in (str, int):  # 1.0 and true are not 1
            return wanted
        raise ValueError(f"must be {listed if len(allowed) == 1 else 'one of ' + listed}, not {called(value)}"
                         + suggestion(str(wanted), [word for word in allowed if isinstance(word, str)]))

    return Kind(read, enum=list(allowed))


def suggestion(word: str, known: Iterable[str]) -> str:
    """`; did you mean x?`, or nothing where no known word is close."""
    close = closest(word, known)
    return f"; did you mean {close}?" if close else ""


def closest(word: str, known: Iterable[str]) -> str:
    """The known word that is most like this one, empty where none is."""
    return next(iter(difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)), "")


def number(least: int, most: int) -> Kind:
    """A whole number, both bounds included."""
    return Kind(lambda value: within(whole(value), least, most), form=f"{least} to {most}",
                type="integer", minimum=least, maximum=most)


def quantity(parse: Callable[[str], int], show: Callable[[int], str], least: int, most: int, **schema: Any) -> Kind:
    """A number with a unit, both bounds included."""
    return Kind(lambda value: within(parse(text(value)), least, most, show), show, **schema)


def duration(least: int = MILLISECOND, most: int = YEAR) -> Kind:
    """Nanoseconds, both bounds included."""
    return quantity(quantities.parse_duration, quantities.format_duration, least, most,
                    form="duration", type="string", pattern=f"^{DURATION}$", examples=["250ms", "10s"])


def size(least: int, most: int) -> Kind:
    """Bytes, both bounds included."""
    return quantity(quantities.parse_size, quantities.format_size, least, most,
                    form="size", type=["string", "integer"], pattern=f"^{SIZE}$", examples=["64KiB"])


def share(least: int = 1, most: int = 100 * quantities.PERCENT) -> Kind:
    """Parts per million, both bounds included."""
    return quantity(quantities.parse_share, quantities.format_share, least, most,
                    form="share", type="string", pattern=f"^{SHARE}$", examples=["50%"])


def rate(value: Any) -> quantities.Rate:
    found = quantities.parse_rate(text(value))
    if not 0 < found.count <= found.period:
        raise ValueError(f"{value} is no rate to keep; write at least 1 and at most a thousand million per second")
    return found


def or_word(word: str, kind: Kind) -> Kind:
    """As `kind`, and `word` is 0."""
    return Kind(lambda value: 0 if value == word else kind.read(value),
                lambda value: kind.show(value) if value else word,
                form=f"{kind.form} or `{word}`", anyOf=[{"const": word}, kind.schema])


def name(value: str) -> str:
    if not NAME.fullmatch(value):
        raise ValueError(f"{value[:70]!r} is not a name; write at most 63 letters, digits, dots, dashes and "
                         "underscores, a letter or digit first")
    return value


def file_path(value: str) -> str:
    if not value or "\0" in value:
        raise ValueError("needs the path of a file")
    return value


SCALARS = ["string", "number", "boolean"]  # all of them are texts where a text is wanted
Text = Annotated[str, Kind(text, form="text", type=SCALARS)]
Flag = Annotated[bool, Kind(flag, type="boolean")]
Name = Annotated[str, words(name, pattern=f"^{NAME.pattern}$")]
FilePath = Annotated[str, words(file_path, form="file")]
Duration = Annotated[int, duration()]
DurationOrZero = Annotated[int, duration(least=0)]
DurationOrOff = Annotated[int, or_word("off", duration(least=0))]
Share = Annotated[int, share()]
Rate = Annotated[quantities.Rate, Kind(rate, str, form="rate", type="string", pattern=f"^{RATE}$", examples=["50/s"])]
Mode = Annotated[str, choice("off", "shadow", "enforce")]
Size = Annotated[int, size(2**20, quantities.LARGEST)]
SizeOrOff = Annotated[int, or_word("off", size(1, quantities.LARGEST))]
ListenAddress = Annotated[str, words(address.listen, examples=["0.0.0.0:8080", "[::]:8080", "unix:/run/gateway.sock"])]
EndpointAddress = Annotated[str, words(address.endpoint, examples=["127.0.0.1:9001", "unix:/run/api.sock"])]
HostPattern = Annotated[str, words(address.host_pattern, examples=["api.example.com", "*.example.com"])]
HostHeader = Annotated[str, words(address.host_header, examples=["keep", "api.internal"])]
Network = Annotated[str, words(address.network, examples=["10.0.0.0/8"])]
Path = Annotated[str, words(http.path, pattern="^/", examples=["/orders/**"])]
PlainPath = Annotated[str, words(http.plain_path, pattern="^/", examples=["/healthz"])]
Target = Annotated[str, words(http.target, examples=["https://example.com/new/**"])]
Token = Annotated[str, words(http.token)]
RequestField = Annotated[str, words(http.request_field)]
ResponseField = Annotated[str, words(http.response_field)]
AnswerField = Annotated[str, words(http.answer_field)]
FieldValue = Annotated[str, Kind(lambda value: http.field_value(text(value)), type=SCALARS)]
Method = Annotated[str, words(http.method, examples=list(http.METHODS))]
