"""What a look-up costs, in ns, by the number of routes: `python loadtests/router_cost.py`.

Each row is one way in which a plan's routes may differ; the request is taken by the tenth of them,
or by none. CPU time, and the least disturbed of several rounds counts.
"""
import time
from collections.abc import Callable

from gateway.routing.plan import Match, Route
from gateway.routing.router import Router

SIZES = (10, 1_000, 10_000)
LOOK_UPS = 200_000
ROUNDS = 9

Case = tuple[str, Callable[[int], Match], bytes, bytes]

CASES: tuple[Case, ...] = (
    ("prefix", lambda n: Match(f"/service-{n}/**"), b"api.example.com", b"/service-9/orders/81723/items"),
    ("exact, five segments", lambda n: Match(f"/api/v1/accounts/list/page{n}"), b"h", b"/api/v1/accounts/list/page9"),
    ("{id} in the middle", lambda n: Match(f"/api/{{tenant}}/r{n}/{{id}}"), b"h", b"/api/acme/r9/4711"),
    ("escape in the path", lambda n: Match(f"/service-{n}/**"), b"h", b"/service%2D9/orders/81723/items"),
    ("host", lambda n: Match("/**", hosts=(f"customer{n}.example.com",)), b"customer9.example.com:8443", b"/orders/7"),
    ("host suffix", lambda n: Match("/**", hosts=(f"*.c{n}.example.com",)), b"eu.shop.c9.example.com", b"/orders/7"),
    ("header value", lambda n: Match("/orders/**", headers=(("x-tenant", f"t{n}"),)), b"h", b"/orders/7"),
    ("no route", lambda n: Match(f"/service-{n}/**"), b"api.example.com", b"/wp-login.php"),
)


def cost(router: Router, host: bytes, path: bytes) -> float:
    """CPU ns of one look-up."""
    rounds = []
    for _ in range(ROUNDS):
        started = time.process_time_ns()
        router.bench_find(host, path, b"x-tenant", b"t9", LOOK_UPS)
        rounds.append((time.process_time_ns() - started) / LOOK_UPS)
    return min(rounds)


def main() -> None:
    print(f"{'ns per look-up, routes:':28}" + "".join(f"{size:>10,}" for size in SIZES))
    for name, match, host, path in CASES:
        costs = []
        for size in SIZES:
            router = Router(tuple(Route(f"r{number}", match(number), upstream="u") for number in range(size)))
            costs.append(cost(router, host, path))
        print(f"{name:28}" + "".join(f"{each:10.0f}" for each in costs))


if __name__ == "__main__":
    main()
