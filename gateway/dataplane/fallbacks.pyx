"""The fallbacks of a route as the request path reads them: all that can be made before a request is made here.

Which step is taken is decided in mitigate/fallback.py. Where that needs no facts about the request (the first step for
a cause is an answer or a redirect), it is asked once, here, and denial.pyx has the bytes at hand: an open breaker
costs less than a request that is passed on.
"""
from pathlib import Path

from gateway.mitigate import fallback
from gateway.model.safeguards import CAUSES
from gateway.routing.template import compile_template

BODY_MAX = 1 << 20                          # of a file: it is held in memory by every worker
KINDS = {"stale": BY_STALE, "upstream": BY_UPSTREAM, "respond": BY_ANSWER, "redirect": BY_REDIRECT}


cdef class Step:
    """One step. Raises OSError or ValueError where its file cannot be served."""

    def __init__(self, told, pattern, dict groups):
        self.kind = KINDS[told.kind]
        self.status = told.status
        self.fields = b"".join(f"{name}: {value}\r\n".encode() for name, value in told.headers)
        self.fields += b"x-fallback: %s\r\n" % told.kind.encode()
        self.body = read_file(told.file) if told.file else told.body.encode()
        self.location = compile_template(told.to, pattern) if told.to else None
        self.group = groups[told.upstream] if told.upstream else None


def read_file(path):
    """The content, at most BODY_MAX bytes of it."""
    with Path(path).open("rb") as file:
        content = file.read(BODY_MAX + 1)
    if len(content) > BODY_MAX:
        raise ValueError(f"{path}: the body of a fallback may have up to {BODY_MAX} bytes")
    return content


cdef class Fallbacks:
    """The steps of a route, in order. `groups` are the upstreams of the plan by name."""

    def __init__(self, told, pattern, dict groups):
        self.told = told
        self.steps = tuple([Step(each, pattern, groups) for each in told])
        self.reads_request = any(each.kind != "respond" for each in told)
        self.keeps_for = max([0] + [each.stale_for for each in told if each.kind == "stale" and each.mode != "off"])
        self.names = ["", *CAUSES]
        self.always = [None] * len(self.names)
        for number, cause in enumerate(CAUSES, 1):
            at = fallback.certain(told, cause)
            self.always[number] = self.steps[at] if at >= 0 else None

    def __repr__(self):
        return f"<Fallbacks {', '.join(each.kind for each in self.told)}>"
