"""What makes a Revision of a config: its text, its plan, where it comes from, what it changes.

A config that is a folder has as its text all its files, each after a line that names it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway.config import differences, files, git, load, rules
from gateway.config.rules import Rule
from gateway.record.revision import Revision, content_hash
from gateway.routing.plan import Plan


@dataclass(frozen=True, slots=True)
class Candidate:
    """A config that loaded, before it has a number."""

    text: str
    plan: Plan
    origin: git.GitFacts = git.NONE

    @property
    def content(self) -> str:
        return content_hash(self.text)


def from_disk(path: Path) -> Candidate:
    """What stands at `path` now; it is read once, so that what is kept is what was checked. Raises ConfigError."""
    documents = files.gather(path)
    return Candidate(text_of(documents), load.plan_of(documents, rules.beside(path)), git.facts(path))


def from_documents(documents: files.Documents, obeying: Sequence[Rule] = ()) -> Candidate:
    """Of texts by name, such as somebody sent. Raises ConfigError."""
    return Candidate(text_of(documents), load.plan_of(documents, obeying))


def text_of(documents: files.Documents) -> str:
    """The texts as one."""
    texts = {name: data.decode(errors="replace") for name, data in documents.items()}
    if len(texts) == 1:
        return next(iter(texts.values()))
    return "".join(f"# file: {Path(name).name}\n{text}\n" for name, text in texts.items())


def revision(number: int, candidate: Candidate, *, at_ns: int, how: str, who: str, note: str = "",
             reason: str = "", before: Revision | None = None) -> Revision:
    """`before` is what is served until then; the diff is against it."""
    plan, origin = candidate.plan, candidate.origin
    return Revision(
        number, candidate.content, candidate.text, plan.digest, plan.to_json(), at_ns, who=who, note=note, how=how,
        commit=origin.commit, author=origin.author, dirty=origin.dirty,
        diff=differences.of_texts(before.text, candidate.text) if before else "", reason=reason,
    )


def back_to(number: int, target: Revision, *, at_ns: int, who: str, note: str, before: Revision,
            reason: str = "") -> Revision:
    """A revision that serves `target` again."""
    return Revision(
        number, target.content, target.text, target.digest, target.plan, at_ns, who=who, note=note, how="rollback",
        base=target.number, commit=target.commit, author=target.author, dirty=target.dirty,
        diff=differences.of_texts(before.text, target.text), reason=reason,
    )
