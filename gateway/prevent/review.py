"""What people do to a post-mortem: fill in lessons and items, sign it. Record in, record out; the caller keeps it.

A signature is for what was read: a change of the words before it is closed takes the signatures away. Once it is closed
only its items go on, until all are done.
"""

from typing import Any

from gateway.prevent import items
from gateway.prevent.post_mortem import CLOSED, DRAFT, LESSONS, REVIEW, Record

FUNCTIONS_NEEDED = 2
"""Reviewers of so many different functions (operations, development, product, security, ...), each another person."""
LESSONS_MOST = 20
WORDS_MOST = 2_000
NAME_MOST = 60


class NotNow(ValueError):
    """It cannot be done to this post-mortem in its state; the message says why."""


def edited(record: Record, edits: dict[str, Any], who: str) -> Record:
    """With the `summary`, `lessons` and `items` that are given. Raises ValueError, NotNow."""
    found = dict(record)
    words = {name: edits[name] for name in ("summary", "lessons") if name in edits}
    if words and record["status"] == CLOSED:
        raise NotNow("this post-mortem is closed: only its items can be changed")
    if "summary" in words:
        found["summary"] = _text(words["summary"], "summary")
    if "lessons" in words:
        found["lessons"] = record["lessons"] | _lessons(words["lessons"])
    if "items" in edits:
        if not isinstance(edits["items"], list):
            raise ValueError("`items` must be a list")
        found["items"] = items.changed(record["items"], edits["items"], who)
    if words and record["reviews"]:
        found |= {"reviews": [], "status": DRAFT}
    return found | {"version": record["version"] + 1}


def _lessons(given: Any) -> dict[str, list[str]]:
    if not isinstance(given, dict) or not given.keys() <= set(LESSONS):
        raise ValueError(f"`lessons` is an object of {', '.join(LESSONS)}")
    for name, said in given.items():
        if not isinstance(said, list) or len(said) > LESSONS_MOST:
            raise ValueError(f"`{name}` must be a list of at most {LESSONS_MOST} texts")
    return {name: [_text(each, name) for each in said] for name, said in given.items()}


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > WORDS_MOST:
        raise ValueError(f"`{name}` must be a text of at most {WORDS_MOST} characters")
    return value.strip()


def signed(record: Record, function: str, who: str, at: str) -> Record:
    """`function`: in which the reviewer looked at it. Raises ValueError, NotNow."""
    function = function.strip().lower()
    if not function or len(function) > NAME_MOST or not function.isprintable():
        raise ValueError("`function` must say in which function you review it, such as operations or development")
    if record["status"] == CLOSED:
        raise NotNow("this post-mortem is closed already")
    if any(each["who"] == who for each in record["reviews"]):
        raise NotNow(f"{who} has signed already; somebody else has to look at it too")
    reviews = [*record["reviews"], {"function": function, "who": who, "at": at}]
    found = record | {"reviews": reviews, "status": REVIEW, "version": record["version"] + 1}
    return found | {"status": CLOSED} if not missing(found) else found


def missing(record: Record) -> list[str]:
    """What stands between it and being closed."""
    found = items.missing(record["items"])
    if not any(record["lessons"].values()):
        found.append("no lesson is written")
    functions = sorted({each["function"] for each in record["reviews"]})
    if len(functions) < FUNCTIONS_NEEDED:
        found.append(f"signed for {', '.join(functions) or 'no function'}; {FUNCTIONS_NEEDED} different functions are "
                     "needed")
    return found


def redrafted(before: Record, fresh: Record) -> Record:
    """After a relapse: the facts anew, what people wrote kept; who signed has to look again."""
    kept = {"lessons": before["lessons"], "version": before["version"] + 1}
    known = {each["text"] for each in before["items"]}
    added = [each for each in fresh["items"] if each["text"] not in known]
    number = max((each["id"] for each in before["items"]), default=0)
    return fresh | kept | {"items": before["items"] + [
        each | {"id": number + index} for index, each in enumerate(added, 1)]}


def open_items(record: Record) -> list[dict[str, Any]]:
    """With the incident they are of."""
    return [{"incident": record["id"], "title": record["title"], **each} for each in record["items"]
            if each["status"] == items.OPEN]
