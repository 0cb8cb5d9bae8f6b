"""Who asks the admin API, and whether they may: by a token with a role, or as a program of this machine.

Without any token, programs on this machine may do everything: the address is then a loopback one (sockets.py sees to
it), and a caller that is not on this machine is refused all the same. With the first token everybody needs one, also
on the loopback. A token file that cannot be read lets nobody in.

Wrong tokens are counted per address: after FAILURES of them in WINDOW the address is refused, right token or not, until
the oldest is past. The table is bounded; when it is full the oldest address goes.
"""

from collections import OrderedDict
from dataclasses import dataclass

from gateway.model.role import Role
from gateway.record.tokens import TokenFile, TokensError

OPEN = frozenset({"/", "/healthz", "/readyz"})  # up or not, and the dashboard, which is empty without the API
ADMIN_PATHS = ("/v1/config",)               # what changes there changes everything
ACCEPTING = "/accept"                       # of a proposal: it changes the config, or what may be one
HARMLESS_POSTS = frozenset({"/v1/config/diff"})
LOOPBACK = "loopback"                       # the name of who needs no token
SECOND = 1_000_000_000
FAILURES, WINDOW = 10, 60 * SECOND
ADDRESSES_MOST = 1024


@dataclass(frozen=True, slots=True)
class Caller:
    """`name`: of the token, for the audit."""

    name: str
    role: Role


class Denied(Exception):
    """`status` 401 (with a challenge), 403, 429 or 503; the message says what to do."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Guard:
    """Mutable state: the failures of each address."""

    def __init__(self, tokens: TokenFile | None) -> None:
        self._tokens = tokens
        self._failures: OrderedDict[str, list[int]] = OrderedDict()

    def caller(self, authorization: str | None, address: str, is_local: bool, now: int) -> Caller:
        """Who asks, from `address` (`is_local`: on this machine). `now` in monotonic ns. Raises Denied."""
        try:
            needed = self._tokens is not None and bool(self._tokens.tokens())
            if not needed:
                return self._without_token(is_local)
            return self._with_token(authorization, address, now)
        except TokensError as error:
            raise Denied(503, str(error)) from error

    def _without_token(self, is_local: bool) -> Caller:
        if not is_local:
            raise Denied(403, "there are no tokens, so that only programs on the gateway's machine may ask; make one "
                              "there with `gateway token add`")
        return Caller(LOOPBACK, Role.ADMIN)

    def _with_token(self, authorization: str | None, address: str, now: int) -> Caller:
        assert self._tokens is not None
        if self._is_locked_out(address, now):
            raise Denied(429, "too many wrong tokens from this address; wait a minute")
        scheme, _, text = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not text.strip():
            raise Denied(401, "send a token: `Authorization: Bearer gw_…`, or GATEWAY_TOKEN for the commands")
        found = self._tokens.find(text.strip())
        if found is None:
            self._note_failure(address, now)
            raise Denied(401, "this token is not known; it may have been revoked")
        return Caller(found.name, found.role)

    def _is_locked_out(self, address: str, now: int) -> bool:
        recent = [when for when in self._failures.get(address, ()) if when > now - WINDOW]
        return len(recent) >= FAILURES

    def _note_failure(self, address: str, now: int) -> None:
        before = [when for when in self._failures.pop(address, []) if when > now - WINDOW]
        self._failures[address] = [*before[-FAILURES:], now]
        while len(self._failures) > ADDRESSES_MOST:
            self._failures.popitem(last=False)


def needed(method: str, path: str) -> Role:
    """The least role for a request."""
    if method in ("GET", "HEAD") or path in HARMLESS_POSTS:
        return Role.VIEWER
    return Role.ADMIN if path.startswith(ADMIN_PATHS) or path.endswith(ACCEPTING) else Role.OPERATOR


def check(caller: Caller, method: str, path: str) -> None:
    """Raises Denied where the caller's role is too low."""
    least = needed(method, path)
    if caller.role < least:
        raise Denied(403, f"the token {caller.name} is of a {caller.role.name.lower()}; this takes an "
                          f"{least.name.lower()}")
