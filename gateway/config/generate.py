"""`python -m gateway.config.generate`: write the files that are made from the settings. Tests keep them current."""

from pathlib import Path

from gateway.config import reference, schema
from gateway.record import metrics_reference

FILES = {"config/gateway.schema.json": schema.text, "docs/config.md": reference.text,
         "docs/metrics.md": metrics_reference.text}


def write(root: Path) -> None:
    """Write each file below the project's `root`."""
    for name, text in FILES.items():
        (root / name).write_text(text(), encoding="utf-8")


if __name__ == "__main__":
    write(Path.cwd())
