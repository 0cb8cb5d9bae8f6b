"""What kind of fault an incident is: it decides which ladder of actions is tried, and who is called."""

from enum import StrEnum


class FaultClass(StrEnum):
    """In the order in which they are asked; the first that fits is it."""

    GATEWAY_OVERLOAD = "gateway overload"
    MISCONFIGURATION = "misconfiguration"
    CLIENT_SURGE = "client surge"
    ENDPOINT_FAILURE = "endpoint failure"
    NETWORK_FAILURE = "network failure"
    UPSTREAM_FAILURE = "upstream failure"
    SLOW_UPSTREAM = "slow upstream"
    CODE_DEFECT = "code defect"
    UNKNOWN = "unknown"
