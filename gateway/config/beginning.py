"""A first config, of what somebody has already: the URL of a server, an OpenAPI document or an nginx config."""

import json
from pathlib import Path
from typing import Any

import yaml

from gateway.config import from_nginx, from_openapi, single
from gateway.config.draft import Draft

SCHEMES = ("http://", "https://")
DOCUMENTS = {".json", ".yaml", ".yml"}
SIZE_MOST = 16 * 2**20


def config_of(source: str, listen: str, upstream: str | None) -> str:
    """The text of a config. Raises ConfigError on a URL that is none, ValueError or OSError on a file of no use."""
    draft = Draft(source, single.listen_address(listen))
    if source.startswith(SCHEMES):
        _add_url(draft, source)
    elif Path(source).suffix.lower() in DOCUMENTS:
        from_openapi.add(draft, _document(Path(source)), upstream)
    else:
        from_nginx.add(draft, Path(source))
    if not draft.routes:
        raise ValueError("; ".join(["it says of no route where to send requests", *draft.left_out[:5]]))
    return draft.text()


def _add_url(draft: Draft, url: str) -> None:
    parts = single.read_url(url)
    name = draft.add_upstream(parts.hostname or "", single.upstream(parts))
    rewrite = {"rewrite": f"{parts.path.rstrip('/')}/**"} if parts.path.rstrip("/") else {}
    draft.add_route("everything", upstream=name, **rewrite)


def _document(path: Path) -> dict[str, Any]:
    if path.stat().st_size > SIZE_MOST:
        raise ValueError(f"it is larger than {SIZE_MOST // 2**20} MiB")
    text = path.read_text()
    try:
        found = json.loads(text) if path.suffix.lower() == ".json" else yaml.load(text, yaml.CSafeLoader)
    except (yaml.YAMLError, RecursionError) as error:
        raise ValueError(f"it cannot be read: {error}") from None
    if not isinstance(found, dict) or not isinstance(found.get("paths"), dict):
        raise ValueError("it is no OpenAPI document: it has no `paths`")
    return found
