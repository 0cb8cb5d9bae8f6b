"""The config's own file, or folder of files, written when a person accepted a change of it: so that the disk says what
is served, and the next edit of it does not take the change away.

Only where it is ours to write: what stands there is the revision that the change was drafted against, and each file to
be changed is a regular one. A link (a mounted ConfigMap, a dotfiles folder) has its truth elsewhere.
"""

import os
import shutil
from pathlib import Path

from gateway.config import files, places, revisions
from gateway.config.problems import ConfigError


class NotOurs(Exception):
    """Nothing was written. The message says why, and what to do."""


def write(path: Path, base: str, body: str) -> list[Path]:
    """`base`, `body`: texts of a config before and after the change. Returns the files written; none: the disk says so
    already. Raises NotOurs."""
    try:
        documents = files.gather(path)
    except ConfigError as error:
        raise NotOurs(_why(path, f"it cannot be read ({error})")) from None
    there = revisions.text_of(documents)
    if there == body:
        return []
    if there != base:
        raise NotOurs(_why(path, "it is another config than the change was drafted against"))
    changed = _changed(path, documents, places.documents(body))
    for file, text in changed.items():
        _replace(file, text)
    return list(changed)


def _changed(path: Path, documents: files.Documents, after: dict[str, str]) -> dict[Path, str]:
    """Raises NotOurs where one of them is not to be written."""
    if len(documents) == 1 and len(after) == 1:
        after = {Path(name).name: text for name, text in zip(documents, after.values(), strict=True)}
    here = {Path(name).name: (Path(name), data.decode(errors="replace")) for name, data in documents.items()}
    if here.keys() != after.keys():
        raise NotOurs(_why(path, f"the change has other files: {', '.join(sorted(here.keys() ^ after.keys()))}"))
    changed = {file: after[name] for name, (file, text) in here.items() if after[name] != text}
    for file in changed:
        if file.is_symlink():
            raise NotOurs(_why(file, "it is a link, and its truth elsewhere"))
        if not os.access(file, os.W_OK) or not os.access(file.parent, os.W_OK):
            raise NotOurs(_why(file, "it cannot be written"))
    return changed


def _replace(file: Path, text: str) -> None:
    """Whole at every moment, with the mode that it had. Raises NotOurs."""
    fresh = file.with_name(f".{file.name}.new")
    try:
        with fresh.open("w") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        shutil.copymode(file, fresh)
        fresh.rename(file)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise NotOurs(_why(file, f"it cannot be written: {error.strerror}")) from None


def _why(path: Path, why: str) -> str:
    return (f"{path} is not written: {why}. The change is served, and the status shows drift; put it into that config "
            "too (`gateway config show` prints it), or the next change of it takes this one away")
