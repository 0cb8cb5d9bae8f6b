"""What was decided about a request, and by what: the numbers that the data plane keeps, the recorder writes, and
metrics and the command line read. One table; numbers are never given to another word, since records outlive a version.
"""

from enum import IntEnum


class Decision(IntEnum):
    """Why a request did not get the ordinary answer. ISOLATED to TIMEOUT are the causes of `model.safeguards.CAUSES`,
    in the order of the gates; a fallback that answered leaves the cause as it is."""

    NONE = 0
    ISOLATED = 1
    LIMITED = 2
    SHED = 3
    SATURATED = 4
    OPEN = 5
    ERROR = 6
    TIMEOUT = 7
    REFUSED = 8  # an ordinary no of the gateway: no route, a faulty request, a body above the bound
    GONE = 9  # the client left before its answer was complete


class Safeguard(IntEnum):
    """Which safeguard decided."""

    NONE = 0
    ISOLATION = 1  # of the route, upstream or endpoint
    CLIENT_ISOLATION = 2
    CLIENT_CLAMP = 3
    LIMIT = 4
    SHEDDING = 5
    ROUTE_CONCURRENCY = 6
    UPSTREAM_CONCURRENCY = 7
    BREAKER = 8
    EJECTION = 9  # no endpoint was left
    RETRY_BUDGET = 10
