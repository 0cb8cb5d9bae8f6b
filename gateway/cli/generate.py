"""`python -m gateway.cli.generate`: write every file that is made of the code. Tests keep them current."""

from pathlib import Path

from gateway.admin import reference as api_reference
from gateway.cli import reference
from gateway.config import generate

FILES = generate.FILES | {"docs/commands.md": reference.text, "docs/api.md": api_reference.text}

if __name__ == "__main__":
    for name, text in FILES.items():
        (Path.cwd() / name).write_text(text(), encoding="utf-8")
