"""Screenshots of every page of the dashboard, of running processes with traffic, an incident and a safeguard that acts.

Light and dark on a wide screen, and a phone. The best of them are in docs/: `--folder docs --only NAME`.
"""

import argparse
import os
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from loadtests import site
from loadtests.errors import LoadTestError
from loadtests.proofs import gateways
from loadtests.proofs.gateways import Document, Gateway
from loadtests.proofs.stage import Mood, Stage, get

PAGES = {"overview": "/", "targets": "/targets", "target": "/targets/upstream%3Aorders", "incidents": "/incidents",
         "incident": "/incidents/1", "requests": "/requests", "explain": "/explain?path=/search&client=127.0.0.1",
         "drills": "/drills", "config": "/config", "revision": "/config/2"}
SCREENS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light", "viewport": {"width": 1360, "height": 850}},
    "dark": {"color_scheme": "dark", "viewport": {"width": 1360, "height": 850}},
    "phone": {"color_scheme": "light", "viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True},
}
CALM_SECONDS, TROUBLE_SECONDS = 75.0, 50.0


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--folder", type=Path, required=True, help="where to put them")
    parser.add_argument("--only", action="append", metavar="PAGE-SCREEN", help="such as overview-light; repeatable")
    parser.add_argument("--calm", type=float, default=CALM_SECONDS, help="seconds of traffic before the trouble")
    parser.add_argument("--first-port", type=int, default=site.FIRST_PORT, help="where to look for free ports from")


def main(options: argparse.Namespace) -> int:
    options.folder.mkdir(parents=True, exist_ok=True)
    with site.temporary_site(options.first_port) as where, Stage() as stage:
        port, moods = where.port(), [stage.endpoint(where.port()) for _ in range(3)]
        plan = config(port, moods)
        with gateways.running(plan, where, cores=frozenset(site.available_cores())) as gateway:
            crowds = [stage.crowd(port, get(path), connections=6 - number, pause=0.05 * (number + 1), apart=0.02)
                      for number, path in enumerate(("/orders", "/orders/7", "/customers/3", "/search"))]
            gateway.write(config(port, moods, search="50/s"))
            os.kill(gateway.program.pid, signal.SIGHUP)
            time.sleep(options.calm)
            trouble(gateway, moods[-1])
            for name, image in taken(gateway, options.only):
                (options.folder / f"{name}.png").write_bytes(image)
                print(f"{options.folder / name}.png  {len(image) / 1024:.0f} KiB", flush=True)
            for crowd in crowds:
                stage.leave(crowd)
    return 0


def trouble(gateway: Gateway, bad: Mood) -> None:
    """A release fails on one of three endpoints; a person isolates a route of another upstream."""
    gateway.ask("POST", "/v1/deploys", {"words": "orders v42", "version": "v42", "scope": {"upstream": "orders"}})
    bad.answers(500, b"oops")
    time.sleep(TROUBLE_SECONDS)
    gateway.ask("POST", "/v1/isolations", {"target": "route:customer", "reason": "customers see wrong names, #412",
                                           "ttl": "45m", "actor": "ann"})
    time.sleep(3)


def config(port: int, moods: list[Mood], search: str = "500/s") -> Document:
    versions = ("v41", "v41", "v42")
    return {
        "version": 1, "listeners": [{"address": f"127.0.0.1:{port}"}], "workers": 2, "drills": "enabled",
        "upstreams": {
            "orders": {"endpoints": [{"address": mood.address, "version": version}
                                     for mood, version in zip(moods, versions, strict=True)],
                       "breaker": {"window": "10s"}, "concurrency": {"limit": 200}},
            "customers": {"endpoints": [moods[0].address], "breaker": {"window": "10s"}}},
        "routes": [
            {"name": "list-orders", "match": {"path": "/orders"}, "upstream": "orders",
             "limits": [{"name": "per-client", "key": "client", "rate": "500/s"}],
             "objective": {"success": "99.9%", "under": "300ms"}, "priority": "high"},
            {"name": "order", "match": {"path": "/orders/{id}"}, "upstream": "orders"},
            {"name": "customer", "match": {"path": "/customers/{id}"}, "upstream": "customers",
             "fallback": [{"respond": {"status": 503, "json": {"error": "customers are resting"}}}]},
            {"name": "search", "match": {"path": "/search"}, "upstream": "orders", "priority": "low",
             "limits": [{"name": "per-client", "key": "client", "rate": search}]}]}


def taken(gateway: Gateway, only: list[str] | None) -> Iterator[tuple[str, bytes]]:
    """(name, PNG) of each page on each screen."""
    from playwright.sync_api import sync_playwright

    if shutil.which("chromium") is None:
        raise LoadTestError("chromium is missing: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for screen, how in SCREENS.items():
            page = browser.new_context(reduced_motion="reduce", **how).new_page()
            for name, path in PAGES.items():
                if only and f"{name}-{screen}" not in only:
                    continue
                page.goto(f"http://{gateway.admin}/#{path}")
                page.wait_for_selector("h1")
                page.wait_for_timeout(1500)
                yield f"{name}-{screen}", page.screenshot()
        browser.close()
