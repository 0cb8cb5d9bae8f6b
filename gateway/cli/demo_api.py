"""The demo API: endpoints that behave as an API does; `/slow` takes as long as it is asked to, and `/orders` can be
broken.
"""

import asyncio

from aiohttp import web

ORDERS = [
    {"id": 1, "customer": 7, "item": "a kettle", "price": "39.90"},
    {"id": 2, "customer": 8, "item": "a lamp", "price": "24.00"},
    {"id": 3, "customer": 7, "item": "tea", "price": "6.50"},
]
CUSTOMERS = {"7": {"id": 7, "name": "Ada"}, "8": {"id": 8, "name": "Grace"}}
LONGEST_SECONDS = 60.0


BROKEN: web.AppKey[list[bool]] = web.AppKey("broken")


def make_app() -> web.Application:
    app = web.Application()
    app[BROKEN] = [False]
    app.add_routes([web.get("/orders", _orders), web.get("/search/{words}", _search),
                    web.get("/customers/{id}", _customer), web.get("/slow", _slow)])
    return app


def break_orders(app: web.Application) -> None:
    """From now on each `/orders` is answered with 500."""
    app[BROKEN][0] = True


def repair_orders(app: web.Application) -> None:
    app[BROKEN][0] = False


async def _search(request: web.Request) -> web.Response:
    words = request.match_info["words"]
    return web.json_response({"found": [each for each in ORDERS if words in str(each["item"])]})


async def _orders(request: web.Request) -> web.Response:
    if request.app[BROKEN][0]:
        return web.json_response({"error": "the orders cannot be read"}, status=500)
    return web.json_response({"orders": ORDERS})


async def _customer(request: web.Request) -> web.Response:
    customer = CUSTOMERS.get(request.match_info["id"])
    if customer is None:
        return web.json_response({"error": "no such customer"}, status=404)
    return web.json_response(customer)


async def _slow(request: web.Request) -> web.Response:
    """`?seconds=N`, 2 unless told."""
    try:
        seconds = min(max(float(request.query.get("seconds", "2")), 0.0), LONGEST_SECONDS)
    except ValueError:
        return web.json_response({"error": "seconds is not a number"}, status=400)
    await asyncio.sleep(seconds)
    return web.json_response({"waited_seconds": seconds})
