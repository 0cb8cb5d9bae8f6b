"""The commands of docs/tutorial.md, run as they stand there but for the ports; `#>` marks what they must print."""
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from wire.gateway_process import REPOSITORY, free_port

pytestmark = [pytest.mark.wire, pytest.mark.timeout(260)]

BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PROMISE = re.compile(r"^#> (.*)$", re.MULTILINE)
PORTS = ("8080", "9900", "3000")
BEFORE = "set -euo pipefail\nset -m\ntrap 'kill $(jobs -p) 2> /dev/null || true' EXIT\n"


def test_the_tutorial_does_what_it_says(tmp_path: Path) -> None:
    script = BEFORE + "".join(BLOCK.findall((REPOSITORY / "docs/tutorial.md").read_text()))
    admin = ""
    for port in PORTS:
        free = str(free_port())
        script = re.sub(rf"\b{port}\b", free, script)
        admin = free if port == "9900" else admin
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
                                "GATEWAY_ADMIN": f"127.0.0.1:{admin}", "PYTHONUNBUFFERED": "1"}
    printed = tmp_path / "printed"  # a file, since what runs in the background would keep a pipe open for ever
    with printed.open("w") as output:
        done = subprocess.run(["bash", "-c", script], cwd=tmp_path, env=environment, timeout=240, check=False,
                              stdout=output, stderr=subprocess.STDOUT)
    text = printed.read_text()
    assert done.returncode == 0, text + (tmp_path / "gateway.log").read_text()
    position = 0
    for promise in PROMISE.findall(script):
        found = text.find(promise, position)
        assert found >= 0, f"{promise!r} is not in what follows of\n{text[position:]}"
        position = found
