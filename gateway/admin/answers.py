"""Errors of the admin API, as RFC 9457 has them."""

from collections.abc import Awaitable, Callable

from aiohttp import web

from gateway.admin.bodies import NotInTime, NotJson
from gateway.config.problems import ConfigError
from gateway.control.refused import Refused
from gateway.isolate.isolation import UnknownTargetError
from gateway.record.store import NotStored

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


def problem(code: int, title: str, detail: str, **more: object) -> web.Response:
    body = {"type": "about:blank", "title": title, "status": code, "detail": detail, **more}
    return web.json_response(body, status=code, content_type="application/problem+json")


def answered(ask: Answer) -> Answer:
    """An endpoint with all that can go wrong in it turned into answers."""
    async def answer(request: web.Request) -> web.StreamResponse:
        try:
            return await ask(request)
        except ConfigError as error:
            problems = [each.snapshot() for each in error.problems]
            return problem(422, "Config Refused", str(error), problems=problems)
        except NotJson as error:
            return problem(415, "Unsupported Media Type", str(error))
        except NotInTime as error:
            return problem(408, "Request Timeout", str(error))
        except (Refused, NotStored) as error:
            return problem(error.status, "Not Done", str(error))
        except UnknownTargetError as error:
            return problem(404, "Not Found", str(error))
        except ValueError as error:
            return problem(400, "Bad Request", str(error))

    return answer
