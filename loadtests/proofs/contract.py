"""Schemathesis over the OpenAPI document, against a running gateway: no 500, and no answer that is not promised.

It makes requests of the document, right ones, wrong ones and those at the limits between, in a token's name.
`/v1/events` is left out, as its answer never ends.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from gateway.model.role import Role
from gateway.record.tokens import TokenFile
from loadtests import site
from loadtests.errors import LoadTestError
from loadtests.proofs import gateways
from loadtests.proofs.stage import Stage
from loadtests.proofs.verdict import Verdict

ENDLESS = "/v1/events"
CHECKS = ("not_a_server_error", "status_code_conformance", "content_type_conformance", "response_headers_conformance",
          "response_schema_conformance", "missing_required_header", "unsupported_method", "ignored_auth")
PHASES = "examples,coverage,fuzzing"
SECONDS_MOST = 1800


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--examples", type=int, default=200, help="of each operation (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="what is made at random (default: %(default)s)")
    parser.add_argument("--first-port", type=int, default=site.FIRST_PORT, help="where to look for free ports from")


def main(options: argparse.Namespace) -> int:
    verdict = Verdict()
    with site.temporary_site(options.first_port) as where:
        holds(verdict, where, options.examples, options.seed)
    return verdict.exit_code()


def holds(verdict: Verdict, where: site.Site, examples: int, seed: int = 1, phases: str = PHASES) -> None:
    verdict.title(f"the contract of the admin API, {examples} examples of each operation")
    port = where.port()
    with Stage() as stage:
        config = gateways.config(port, [stage.endpoint(where.port()).address], workers=1)
        with gateways.running(config, where, cores=frozenset(site.available_cores())) as gateway:
            _have_an_incident(gateway)
            token = TokenFile(gateway.folder / "state").add("schemathesis", Role.ADMIN, 0)
            report, said = _run(gateway, token, examples, seed, phases)
            log = gateway.program.log.read_text(errors="replace")
    verdict.tell("operations, requests", f"{report['operations']['tested']}, {report['test_cases']['generated']}")
    verdict.mark("breaches of the contract", len(report["failures"]), "0", not report["failures"])
    verdict.mark("operations that could not be tried", report["operations"]["errored"], "0",
                 not report["operations"]["errored"])
    verdict.mark("exceptions in the gateway's log", log.count("Traceback"), "0", "Traceback" not in log)
    if verdict.missed:
        verdict.title(said)
        verdict.title(log[max(0, log.find("Traceback") - 500):][:4000])


def _have_an_incident(gateway: gateways.Gateway) -> None:
    """Number 1, which the document's examples name."""
    gateway.ask("POST", "/v1/reports", {"target": "route:all", "words": "for the proof"})
    gateways.wait_until(lambda: gateway.ask("GET", "/v1/incidents/1")[0] == 200, 20, lambda: "no incident was opened")


def _run(gateway: gateways.Gateway, token: str, examples: int, seed: int, phases: str) -> tuple[dict[str, Any], str]:
    """Its report, and what it says to people."""
    folder = gateway.folder / "contract"
    folder.mkdir()
    done = subprocess.run(
        [str(Path(sys.executable).parent / "st"), "run", f"http://{gateway.admin}/v1/openapi.json",
         "--header", f"Authorization: Bearer {token}", "--exclude-path", ENDLESS, "--checks", ",".join(CHECKS),
         "--phases", phases, "--max-examples", str(examples), "--seed", str(seed), "--request-timeout", "30",
         "--wait-for-schema", "30", "--continue-on-failure", "--no-color", "--report", "json",
         "--report-json-path", str(folder / "report.json")],
        cwd=folder, capture_output=True, text=True, timeout=SECONDS_MOST, check=False)
    if done.returncode not in (0, 1):
        raise LoadTestError(f"schemathesis ended with {done.returncode}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    return json.loads((folder / "report.json").read_text()), done.stdout
