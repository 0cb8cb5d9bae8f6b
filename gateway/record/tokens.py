"""Tokens of the admin API: the file `tokens` in the state folder. Only hashes are in it.

A token is 256 random bits, so that one round of SHA-256 is enough: there is nothing to guess.
The file stands beside the store, not in it: a store that is corrupt or locked must neither open the admin API nor close
it. It is replaced as a whole, and is read again when it has changed.
"""

import dataclasses
import hashlib
import hmac
import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.model import role as roles
from gateway.model.kinds import NAME
from gateway.model.role import Role

FILE = "tokens"
PREFIX = "gw_"                          # so that a scanner for leaked secrets can know one
RANDOM_BYTES = 32
TOKENS_MOST = 1000


class TokensError(Exception):
    """The file cannot be read or written; nobody is let in by it, and the message says what to do."""


@dataclass(frozen=True, slots=True)
class Token:
    """`digest`: SHA-256 of the token's text, in hex."""

    name: str
    role: Role
    digest: str
    made_ns: int


class TokenFile:
    """The tokens of one state folder. Mutable state: what was read last, and from which version of the file."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE
        self._seen: tuple[int, int, int] | None = None
        self._tokens: tuple[Token, ...] = ()

    def tokens(self) -> tuple[Token, ...]:
        """Those that are valid; empty without a file. Raises TokensError."""
        try:
            found = os.stat(self.path)
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise TokensError(f"{self.path} cannot be read: {error.strerror}") from error
        version = (found.st_ino, found.st_mtime_ns, found.st_size)
        if version != self._seen:
            self._tokens, self._seen = self._read(), version
        return self._tokens

    def find(self, text: str) -> Token | None:
        """The token of this text, compared in constant time with each. Raises TokensError."""
        digest = digest_of(text)
        return next((each for each in self.tokens() if hmac.compare_digest(each.digest, digest)), None)

    def add(self, name: str, role: Role, now_ns: int) -> str:
        """Make a token and return its text, which is nowhere kept. Raises ValueError or TokensError."""
        known = self.tokens()
        if not NAME.fullmatch(name):
            raise ValueError(f"{name[:70]!r} is not a name; write letters, digits, dots, dashes and underscores")
        if any(each.name == name for each in known):
            raise ValueError(f"there is a token {name} already; revoke it first, or choose another name")
        if len(known) >= TOKENS_MOST:
            raise ValueError(f"there are {TOKENS_MOST} tokens already; revoke some")
        text = PREFIX + secrets.token_urlsafe(RANDOM_BYTES)
        self._write((*known, Token(name, role, digest_of(text), now_ns)))
        return text

    def revoke(self, name: str) -> Token:
        """Raises ValueError where there is none of this name, or TokensError."""
        known = self.tokens()
        gone = next((each for each in known if each.name == name), None)
        if gone is None:
            listed = ", ".join(each.name for each in known) or "none"
            raise ValueError(f"there is no token {name}; known are {listed}")
        self._write(tuple(each for each in known if each is not gone))
        return gone

    def _read(self) -> tuple[Token, ...]:
        try:
            return tuple(_token(each) for each in json.loads(self.path.read_text())["tokens"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise TokensError(f"{self.path} cannot be read ({error}); restore it, or move it away and make new "
                              "tokens") from error

    def _write(self, tokens: tuple[Token, ...]) -> None:
        document = {"tokens": [dataclasses.asdict(each) | {"role": each.role.name.lower()} for each in tokens]}
        fresh = self.path.with_suffix(".new")
        try:
            with open(fresh, "w", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
                json.dump(document, file)
                file.flush()
                os.fsync(file.fileno())
            fresh.rename(self.path)
        except OSError as error:
            raise TokensError(f"{self.path} cannot be written: {error.strerror}") from error

    def __repr__(self) -> str:
        return f"<TokenFile {self.path}>"


def digest_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _token(value: dict[str, Any]) -> Token:
    digest = str(value["digest"])
    if len(digest) != 64:
        raise ValueError("a digest is not one of SHA-256")
    return Token(str(value["name"]), roles.parse(str(value["role"])), digest, int(value["made_ns"]))
