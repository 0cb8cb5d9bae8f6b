"""Comparing in a niced child, one at a time: it may take a second of a core that the turns want."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from gateway.control.comparing import Span
from gateway.control.refused import Refused

CHILD_SECONDS = 30.0
MODULE = "gateway.processes.comparer"
_busy = asyncio.Lock()


async def compared(folder: Path, span: Span, before: Span, slow: bool) -> dict[str, Any]:
    """As `comparing.compare`. Raises Refused while another one is made, or where it takes too long."""
    if _busy.locked():
        raise Refused(409, "another comparison is being made; try again in a moment")
    asked = json.dumps([span.since, span.until, before.since, before.until, slow])
    async with _busy:
        child = await asyncio.create_subprocess_exec(sys.executable, "-m", MODULE, str(folder), asked,
                                                     stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE)
        try:
            told, _ = await asyncio.wait_for(child.communicate(), CHILD_SECONDS)
        except TimeoutError:
            raise Refused(503, f"it took longer than {CHILD_SECONDS:g} s; compare shorter spans") from None
        finally:
            if child.returncode is None:
                child.kill()
                await child.wait()
    if child.returncode:
        raise Refused(500, "the comparison failed; the log of the gateway says why")
    found: dict[str, Any] = json.loads(told)
    return found
