from gateway.config._requests import Requests
from gateway.routing.plan import Route

class Decider:
    outcomes: list[tuple[str, str, str]]
    evicted_live: int
    def __init__(self, routes: tuple[Route, ...], slots: int, knows_clients: bool = True) -> None: ...
    def decisions(self, requests: Requests) -> list[tuple[str, str, str]]: ...

class Tally:
    first_ns: int
    last_ns: int
    requests: int
    undecided: int
    late: int
    changes: dict[tuple[int, int], int]
    denied_before: int
    denied_now: int
    def __init__(self, old: Decider, new: Decider) -> None: ...
    def add(self, requests: Requests) -> None: ...
    def of_clients(self) -> list[tuple[int, int, int]]: ...
