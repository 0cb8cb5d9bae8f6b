"""How the admin API is served: aiohttp's server, within bounds."""

import logging

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError


class OnlyOurFaults(logging.Filter):
    """Drops what aiohttp says of a request that is no HTTP: whoever sends such must not be able to fill the log."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not (record.exc_info and isinstance(record.exc_info[1], HttpProcessingError))


def runner(app: web.Application) -> web.AppRunner:
    log = logging.getLogger("gateway.admin")
    if not log.filters:
        log.addFilter(OnlyOurFaults())
    return web.AppRunner(app, access_log=None, shutdown_timeout=1.0, logger=log)
