"""Errors of the admin API, as RFC 9457 has them."""

from aiohttp import web


def problem(code: int, title: str, detail: str, **more: object) -> web.Response:
    body = {"type": "about:blank", "title": title, "status": code, "detail": detail, **more}
    return web.json_response(body, status=code, content_type="application/problem+json")
