"""The dashboard in a real Chromium, against running processes: what a person on call sees and does."""
import http.client
import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright
from wire import gateway_process as processes
from wire.gateway_process import REPOSITORY, Gateway, free_port, wait_until

pytestmark = [pytest.mark.wire, pytest.mark.skipif(not shutil.which("chromium"), reason="chromium is not installed")]

CONFIG = """\
version: 1
listeners: [{{address: "127.0.0.1:{port}"}}]
workers: 1
upstreams:
  demo: {{endpoints: ["127.0.0.1:{api}"], breaker: {{window: 10s}}, concurrency: {{limit: 50}}}}
routes:
  - name: list-orders
    match: {{path: /orders/**}}
    upstream: demo
    limits: [{{name: per-client, key: client, rate: 500/s}}]
    fallback: [{{respond: {{status: 503, json: {{error: orders are resting}}}}}}]
  - {{name: customer, match: {{path: "/customers/{{id}}"}}, upstream: demo}}
"""
PAGES = ["/", "/targets", "/targets/route%3Alist-orders", "/incidents", "/incidents/1", "/incidents/1/report",
         "/requests", "/explain?path=/orders/7", "/drills", "/config", "/config/1"]


class World:
    """A demo API, a gateway before it, and somebody who asks for orders all the time."""

    def __init__(self, gateway: Gateway, port: int) -> None:
        self.gateway = gateway
        self.port = port
        self._ended = threading.Event()
        self._asking = threading.Thread(target=self._ask_on)
        self._asking.start()

    def _ask_on(self) -> None:
        while not self._ended.wait(0.05):
            self.orders()

    def orders(self) -> tuple[int, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/orders")
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()

    def say(self, path: str, **body: Any) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.gateway.admin_port, timeout=5)
        connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
        assert connection.getresponse().status < 300
        connection.close()

    def end(self) -> None:
        self._ended.set()
        self._asking.join()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    port, api = free_port(), free_port()
    demo = subprocess.Popen([sys.executable, "-m", "gateway", "demo", "--port", str(api)], cwd=REPOSITORY,
                            stdout=subprocess.DEVNULL)
    try:
        wait_until(lambda: processes.get_status(api, "/orders") == 200, 15, "the demo API answers")
        folder: Path = tmp_path_factory.mktemp("dashboard")
        with processes.gateway(CONFIG.format(port=port, api=api), folder) as gateway:
            found = World(gateway, port)
            try:
                yield found
            finally:
                found.end()
    finally:
        demo.terminate()
        demo.wait(10)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        yield found
        found.close()


class Looking:
    """Somebody before the dashboard. `faults`: what the browser complained of."""

    def __init__(self, browser: Browser, world: World, scheme: Any = "light", viewport: Any = None) -> None:
        self._context = browser.new_context(color_scheme=scheme, reduced_motion="reduce", viewport=viewport)
        self._address = f"http://127.0.0.1:{world.gateway.admin_port}/#"
        self.faults: list[str] = []
        self.page: Page = self._context.new_page()
        self.page.set_default_timeout(10_000)
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("console", self._said)

    def _said(self, message: ConsoleMessage) -> None:
        """A refusal that the page shows is no fault of the page."""
        if message.type == "error" and "status of 4" not in message.text:
            self.faults.append(message.text)

    def at(self, path: str) -> Page:
        self.page.goto(self._address + path)
        self.page.wait_for_selector("h1")
        return self.page

    def leave(self) -> None:
        self._context.close()
        assert self.faults == []


@pytest.fixture
def looking(browser: Browser, world: World) -> Iterator[Looking]:
    found = Looking(browser, world)
    yield found
    found.leave()


def test_live_traffic_is_seen(looking: Looking) -> None:
    page = looking.at("/")
    tile = page.locator(".tile", has_text="Requests/s").locator("dd").first
    wait_until(lambda: float(tile.inner_text()) > 1, 10, "requests are counted")
    expect(page.locator("#link")).to_have_text("● Live")
    expect(page.get_by_role("img", name="Requests per second")).to_be_visible()
    expect(page.get_by_role("region", name="Busiest routes")).to_contain_text("route:list-orders")
    expect(page.get_by_text("Nothing is held back")).to_be_visible()


def test_a_route_is_isolated_and_released(looking: Looking, world: World) -> None:
    page = looking.at("/targets")
    page.get_by_role("button", name="Isolate route:list-orders").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("status")).to_contain_text("of all traffic will be refused")
    dialog.get_by_label("Reason").fill("a drill")
    dialog.get_by_role("button", name="Isolate").click()
    expect(page.get_by_role("button", name="Release route:list-orders")).to_be_visible()
    wait_until(lambda: world.orders() == (503, {"error": "orders are resting"}), 1, "the fallback is served")
    page = looking.at("/")
    expect(page.get_by_role("region", name="Safeguards in force")).to_contain_text("isolated for another 29m")
    page.get_by_role("region", name="By hand").get_by_role("button", name="Release").click()
    page.get_by_role("dialog").get_by_role("button", name="Release").click()
    expect(page.get_by_text("Nothing is isolated")).to_be_visible()
    wait_until(lambda: world.orders()[0] == 200, 1, "orders are served again")


def test_what_was_refused_is_found_in_the_log(looking: Looking) -> None:
    page = looking.at("/requests?status=503")
    found = page.get_by_role("region", name="Requests").locator("tbody tr")
    expect(found.first).to_contain_text("isolated by isolation")
    found.first.get_by_role("button", name="Details").click()
    page.get_by_role("dialog").get_by_role("link", name="Explain").click()
    expect(page.get_by_role("heading", name="What was recorded")).to_be_visible()
    expect(page.get_by_role("region", name="Safeguards that it meets")).to_contain_text("limit per-client")
    page.get_by_role("link", name="Requests").last.click()
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_text("Before", exact=True)).to_be_visible()
    page.get_by_role("textbox", name="Status").fill("418")
    page.get_by_role("button", name="Look").click()
    expect(page.get_by_text("No request matches")).to_be_visible()


def test_a_config_is_compared_applied_and_rolled_back(looking: Looking, world: World) -> None:
    page = looking.at("/config")
    text = page.get_by_label("The config as text")
    text.fill(text.input_value().replace("rate: 500/s", "rate: 0/s"))
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_role("alert")).to_contain_text("what is served goes on")
    text.fill(text.input_value().replace("rate: 0/s", "rate: 700/s"))
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_label("Differences")).to_contain_text("rate: 700/s")
    expect(page.get_by_text("may be applied")).to_be_visible(timeout=30_000)
    page.get_by_role("button", name="Apply").click()
    page.get_by_role("dialog").get_by_role("button", name="Apply").click()
    expect(page.get_by_text("Revision 2 is served, since")).to_be_visible()
    page.get_by_role("button", name="Roll back to revision 1").click()
    page.get_by_role("dialog").get_by_role("button", name="Roll back").click()
    expect(page.get_by_text("Revision 3 is served, since")).to_be_visible()
    assert world.gateway.status()["config"]["revision"]["base"] == 1


def test_an_incident_is_followed_to_its_review(looking: Looking, world: World) -> None:
    page = looking.at("/")
    world.say("/v1/reports", target="route:customer", words="customers see wrong names")
    page.locator(".alarm", has_text="route:customer").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Incident 1")
    page.get_by_role("button", name="Acknowledge").click()
    expect(page.get_by_text("Acknowledged by", exact=True)).to_be_visible()
    page.get_by_role("button", name="Add a comment").click()
    page.get_by_role("dialog").get_by_label("Words").fill("the cache is stale")
    page.get_by_role("dialog").get_by_role("button", name="Add").click()
    expect(page.locator(".timeline")).to_contain_text("the cache is stale")
    expect(page.get_by_role("heading", name="Why")).to_be_visible(timeout=20_000)
    world.say("/v1/maintenance", target="route:customer", reason="it is known", ttl="10m")
    page.get_by_role("button", name="Resolve").click()
    page.get_by_role("dialog").get_by_label("Words").fill("the cache is emptied")
    page.get_by_role("dialog").get_by_role("button", name="Resolve").click()
    page.get_by_role("link", name="Post-mortem").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Post-mortem of incident 1", timeout=20_000)
    page.get_by_role("button", name="Add: what went well").click(timeout=60_000)
    page.get_by_role("dialog").get_by_label("Lesson").fill("customers called at once")
    page.get_by_role("dialog").get_by_role("button", name="Add").click()
    expect(page.get_by_text("customers called at once")).to_be_visible()
    page.get_by_role("button", name="Add an item").click()
    page.get_by_role("dialog").get_by_label("What is to be done").fill("check the cache each minute")
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    expect(page.get_by_role("region", name="Action items")).to_contain_text("check the cache each minute")
    page.get_by_role("button", name="Sign").click()
    page.get_by_role("dialog").get_by_label("Words").fill("operations")
    page.get_by_role("dialog").get_by_role("button", name="Sign").click()
    expect(page.get_by_text("operations: loopback")).to_be_visible()
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save as web page").click()
    assert "customers called at once" in Path(saved.value.path()).read_text()
    page = looking.at("/incidents/1")
    page.get_by_role("button", name="Mark as reviewed").click()
    expect(page.locator(".steps .here")).to_contain_text("reviewed")


def test_a_drill_is_begun_followed_stopped_and_kept(looking: Looking, world: World) -> None:
    page = looking.at("/drills")
    expect(page.get_by_text("drills: enabled")).to_be_visible()
    served = world.gateway.status()["config"]["revision"]["number"]
    text = processes.get_json(world.gateway.admin_port, f"/v1/revisions/{served}")[1]["text"]
    world.say("/v1/config", documents={"gateway.yaml": f"{text}drills: enabled\n"}, probation=False)
    page.get_by_role("button", name="Begin status").click()
    page.get_by_role("dialog").get_by_label("Reason").fill("the drill of the week")
    page.get_by_role("dialog").get_by_role("button", name="Break it").click()
    expect(page.get_by_role("region", name="Broken now")).to_contain_text("upstream demo")
    expect(page.get_by_text("noticed in time")).to_be_visible(timeout=20_000)
    page.get_by_role("button", name="Stop fault 1").click()
    page.get_by_role("dialog").get_by_label("Words").fill("seen enough")
    page.get_by_role("dialog").get_by_role("button", name="Stop").click()
    expect(page.get_by_text("Nothing is broken on purpose")).to_be_visible()
    page.get_by_role("button", name="Keep the result").click()
    expect(page.get_by_role("region", name="Drills that were run")).to_contain_text("by hand: status")


# What a theme changes is colour alone, in all pages alike: all else is looked at once.
RULES = {"light": {"resultTypes": ["violations"]},
         "dark": {"runOnly": {"type": "rule", "values": ["color-contrast"]}, "resultTypes": ["violations"]}}


@pytest.mark.parametrize("scheme", RULES)
def test_every_page_can_be_read_by_everybody(browser: Browser, world: World, scheme: str) -> None:
    looking, axe = Looking(browser, world, scheme), Axe()
    for path in PAGES if scheme == "light" else PAGES[::2]:
        page = looking.at(path)
        expect(page.locator(".loading")).to_have_count(0)
        found = axe.run(page, options=RULES[scheme]).response["violations"]
        serious = [(each["id"], each["nodes"][0]["html"][:200]) for each in found
                   if each["impact"] in ("serious", "critical")]
        assert serious == [], (path, scheme)
    looking.leave()


def test_no_page_is_wider_than_a_phone(browser: Browser, world: World) -> None:
    looking = Looking(browser, world, viewport={"width": 390, "height": 844})
    for path in PAGES:
        page = looking.at(path)
        expect(page.locator(".loading")).to_have_count(0)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path
    looking.leave()
