"""One claim of a JSON Web Token, read and not verified: RFC 7519 in its compact form, header.payload.signature."""

import base64
import json

TOKEN_MOST = 8192
NO_TOKEN = (ValueError, RecursionError)     # malformed, or nested without end


def claim_of(token: bytes, name: str) -> bytes:
    """The claim as bytes, where it is a text or a whole number; empty where the token has none or is no token."""
    parts = token.strip().split(b".")
    if len(token) > TOKEN_MOST or len(parts) != 3:
        return b""
    try:
        payload = json.loads(base64.b64decode(parts[1] + b"=" * (-len(parts[1]) % 4), altchars=b"-_", validate=True))
    except NO_TOKEN:
        return b""
    claim = payload.get(name) if isinstance(payload, dict) else None
    if isinstance(claim, bool) or not isinstance(claim, str | int):
        return b""
    return str(claim).encode("utf-8", "replace")
