"""What a comparison leaves behind: JSON with every sample, a Markdown table, an SVG chart."""

import dataclasses
import datetime
import json
import os
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from loadtests import chart, summary, tables
from loadtests.rounds import Measured

FOLDER = Path(__file__).parent / "results"


def write(folder: Path, measured: Sequence[Measured], options: dict[str, Any]) -> list[Path]:
    """Write bench.json, bench.md and bench.svg; returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    title = f"Load test of {datetime.datetime.now(datetime.UTC):%Y-%m-%d %H:%M} UTC on {machine()['cpu']}"
    texts = {
        "bench.json": json.dumps(document(title, measured, options), indent=1),
        "bench.md": tables.markdown(title, measured),
        "bench.svg": chart.svg(title, measured),
    }
    for name, text in texts.items():
        (folder / name).write_text(text)
    return [folder / name for name in texts]


def document(title: str, measured: Sequence[Measured], options: dict[str, Any]) -> dict[str, Any]:
    """CPU in seconds per request in `samples`; in `summary` in µs, as in the table."""
    return {"title": title, "machine": machine(), "options": options,
            "scenarios": {each.scenario.name: _scenario(each) for each in measured}}


def machine() -> dict[str, str | int]:
    models = [line.partition(":")[2].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
              if line.startswith("model name")]
    return {"cpu": models[0] if models else platform.machine(), "cores": os.cpu_count() or 0,
            "kernel": platform.release(), "python": platform.python_version()}


def _scenario(measured: Measured) -> dict[str, Any]:
    return {
        "scenario": dataclasses.asdict(measured.scenario),
        "cores": {"proxy": sorted(measured.cores.proxy), "load": sorted(measured.cores.load)},
        "versions": measured.versions,
        "ciphers": measured.ciphers,
        "samples": {label: [dataclasses.asdict(sample) for sample in samples]
                    for label, samples in measured.rounds.items()},
        "summary": [dataclasses.asdict(row) for row in summary.rows(measured)],
        "marks": summary.verdicts(measured),
    }
