"""Post-mortems beside the config, each change a commit in its git, where it says `post_mortems: {git: true}`.

Git is a program that may hang, so it is done between the turns of deliberation, in another thread; what fails is a
fault to show, and done with the next change of that record.
"""

import logging
from collections.abc import Callable
from pathlib import Path

from gateway.config import git_commit
from gateway.prevent import files
from gateway.prevent.post_mortem import Record

FOLDER = "post-mortems"
FORMATS = ("json", "md")
WAITING_MOST = 50


class Filing:
    """Mutable state: of each incident the record that waits, and what was done to it. Beyond WAITING_MOST the oldest
    is left out, and said."""

    def __init__(self, folder: Callable[[], Path | None], enabled: Callable[[], bool], log: logging.Logger) -> None:
        """`folder`: that of the config; None where there is none."""
        self._folder = folder
        self._enabled = enabled
        self._log = log
        self._waiting: dict[int, tuple[Record, str]] = {}
        self.fault = ""

    def put(self, record: Record, what: str, who: str) -> None:
        if not self._enabled():
            return
        self._waiting.pop(record["id"], None)
        self._waiting[record["id"]] = record, f"{what} by {who}"
        if len(self._waiting) > WAITING_MOST:
            oldest = next(iter(self._waiting))
            del self._waiting[oldest]
            self._log.error("the post-mortem of incident %d is not committed: too many wait", oldest)

    @property
    def is_waiting(self) -> bool:
        return bool(self._waiting)

    def file_one(self) -> None:
        """In another thread: writes and commits the one that has waited longest."""
        number = next(iter(self._waiting))
        record, what = self._waiting.pop(number)
        try:
            made = self._file(record, f"Post-mortem of incident {number}: {what}\n\n{record['title']}\n")
        except (OSError, git_commit.NotCommitted) as error:
            self.fault = f"the post-mortem of incident {number} is not committed: {error}"
            self._log.error("%s", self.fault)
        else:
            self.fault = ""
            self._log.info("the post-mortem of incident %d is commit %s", number, made[:12] or "HEAD already")

    def _file(self, record: Record, message: str) -> str:
        """Raises OSError or NotCommitted."""
        folder = self._folder()
        if folder is None:
            raise git_commit.NotCommitted("this gateway was started without a config file, so that there is no place "
                                          "beside it")
        (folder / FOLDER).mkdir(exist_ok=True)
        names = [f"{FOLDER}/{record['id']}.{form}" for form in FORMATS]
        for name, form in zip(names, FORMATS, strict=True):
            fresh = folder / f"{name}.new"
            fresh.write_text(files.text(record, form))
            fresh.rename(folder / name)
        return git_commit.commit(folder, names, message)

    def __repr__(self) -> str:
        return f"<Filing of {list(self._waiting)}>"
