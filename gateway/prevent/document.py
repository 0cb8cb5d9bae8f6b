"""A post-mortem as a document: headings, paragraphs, tables, charts. Markdown and the web page differ only in how these
blocks are written; what is said, and in which order, is here."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from gateway.prevent import impact, review
from gateway.prevent.post_mortem import CLOSED, Record


@dataclass(frozen=True, slots=True)
class Heading:
    text: str


@dataclass(frozen=True, slots=True)
class Paragraph:
    text: str


@dataclass(frozen=True, slots=True)
class Bullets:
    """Nothing is written for none."""

    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Code:
    """Text as it is, such as a diff."""

    text: str


@dataclass(frozen=True, slots=True)
class Chart:
    """`series`: as in the record; `marks`: (RFC 3339, word)."""

    series: dict[str, Any]
    marks: tuple[tuple[str, str], ...]


Block = Heading | Paragraph | Bullets | Table | Code | Chart
MARKED = ("onset", "detected", "isolated", "mitigated", "resolved")


def title(record: Record) -> str:
    return f"Post-mortem of incident {record['id']}: {record['title']}"


def blocks(record: Record) -> Iterator[Block]:
    """In the order in which it is read."""
    for section in (_head, _impact, _detection, _cause, _config, _actions, _timeline, _lessons, _items, _reviews):
        yield from section(record)


def _head(record: Record) -> Iterator[Block]:
    yield Paragraph(f"{record['severity']}, {record['class']}; {record['status']}, version {record['version']}. "
                    "Blameless: it is about what happened, not about who.")
    if record["status"] != CLOSED and (open_ := review.missing(record)):
        yield Paragraph("Before it can be closed:")
        yield Bullets(tuple(open_))
    yield Heading("Summary")
    yield Paragraph(record["summary"])


def _impact(record: Record) -> Iterator[Block]:
    found = record["impact"]
    yield Heading("Impact")
    yield Paragraph(f"{impact.words(found)}.")
    rows = [("Requests of the affected routes", _shown(found["requests"])), ("Failed", _shown(found["failed"])),
            ("Refused by safeguards", _shown(found["refused"])),
            ("Answered by a fallback", _shown(found["fallback"])),
            ("Clients that noticed", _of(found["clients_failed"], found["clients_seen"]))]
    rows += [(f"Error budget of {each['route']} ({each['success']:.3%})",
              "no traffic" if each["used"] is None else f"{each['used']:.1%} of the month")
             for each in found["budgets"]]
    yield Table(("What", "How much"), tuple(rows))
    if found["share_recorded"] is not None and found["share_recorded"] < 1:
        yield Paragraph(f"Clients and fallbacks are counted in the flight recorder, which holds "
                        f"{found['share_recorded']:.1%} of the requests of that time, and all that failed.")
    marks = tuple((record["times"][name], name) for name in MARKED if record["times"][name])
    for series in record["series"]:
        yield Chart(series, marks)


def _detection(record: Record) -> Iterator[Block]:
    found, spans = record["detection"], record["derived"]
    yield Heading("How it was detected")
    who = "People said so" if found["by_people"] else f"By {found['detector']} on {found['target']}"
    seen = f": {found['observed']}" if found["observed"] else ""
    against = f", threshold {found['threshold']}" if found["threshold"] else ""
    yield Paragraph(f"{who}{seen}{against}; {found['seconds']:g} s after it began.")
    if found["also"]:
        yield Bullets(tuple(f"{each['detector']} on {each['target']} at {each['at']}" for each in found["also"]))
    yield Table(("From the onset", "Seconds"), tuple(
        (name.replace("_", " "), _shown(value)) for name, value in spans.items()))
    if found.get("examined") and not found["would_have_fired"]:
        yield Paragraph(f"No other budget of false alarms would have noticed it sooner, as far as could be examined: "
                        f"{found['examined']}.")
    if found["would_have_fired"]:
        yield Paragraph("What would have fired earlier, and what it would have cost:")
        yield Table(("Detector", "Seconds after the onset", "False alarms a month"), tuple(
            (each["params"], _shown(each["seconds"]), each["false_alarms"]) for each in found["would_have_fired"]))


def _cause(record: Record) -> Iterator[Block]:
    yield Heading("Root cause")
    if not record["root_causes"]:
        yield Paragraph("The analysis found none.")
    for each in record["root_causes"]:
        yield Paragraph(f"{each['kind']}: {each['text']}")
        yield Bullets(tuple(each["evidence"]))
    if record["trigger"]:
        yield Paragraph(f"Trigger: {record['trigger']['words']}.")
    excused = [each["words"] for each in record["analysis"]["changes"] or () if each.get("veto")]
    if excused:
        yield Paragraph("Changes that were looked at and are not it:")
        yield Bullets(tuple(excused))
    if record["contributing"]:
        yield Paragraph("What made it worse:")
        yield Bullets(tuple(record["contributing"]))


def _config(record: Record) -> Iterator[Block]:
    found = record["config"]
    if found is None:
        return
    by = f" by {found['author'] or found['who']}" if found["author"] or found["who"] else ""
    commit = f", commit {found['commit'][:12]}" if found["commit"] else ""
    yield Paragraph(f"Revision {found['revision']} was applied at {found['at']}{by}{commit}; before it, revision "
                    f"{found['before']} was served:")
    yield Code(found["diff"])


HELPED = {True: "yes", False: "no", None: "not known"}


def _actions(record: Record) -> Iterator[Block]:
    yield Heading("What was done, and whether it helped")
    if not record["actions"]:
        yield Paragraph("The gateway did nothing by itself.")
        return
    yield Table(("When", "What", "State", "Before", "Helped", "By which test"), tuple(
        (each["at"], f"{each['kind']} {each['target']}", each["state"], each["before"] if each["done"] else "",
         HELPED[each["helped"]], each["verdict"]) for each in record["actions"]))


def _timeline(record: Record) -> Iterator[Block]:
    yield Heading("Timeline")
    yield Table(("UTC", "Who", "What", "Words"), tuple(
        (each["at"], each["who"], each["kind"], each["text"]) for each in record["timeline"]))


LESSONS = {"well": "What went well", "wrong": "What went wrong", "lucky": "Where we were lucky"}


def _lessons(record: Record) -> Iterator[Block]:
    yield Heading("Lessons")
    for name, words in LESSONS.items():
        yield Paragraph(f"{words}:")
        yield Bullets(tuple(record["lessons"][name]) or ("(to be filled in)",))


def _items(record: Record) -> Iterator[Block]:
    yield Heading("Action items")
    if not record["items"]:
        yield Paragraph("None yet.")
        return
    yield Table(("No.", "Type", "What", "Owner", "Due", "Ticket", "Verify by", "State"), tuple(
        (str(each["id"]), each["type"], each["text"], each["owner"] or "(nobody yet)", each["due"] or "(no date yet)",
         each["ticket"], each["verify_by"], each["status"]) for each in record["items"]))


def _reviews(record: Record) -> Iterator[Block]:
    yield Heading("Reviewed by")
    yield Bullets(tuple(f"{each['function']}: {each['who']}, {each['at']}" for each in record["reviews"])
                  or ("(nobody yet)",))


def _of(part: int | None, whole: int | None) -> str:
    return "not recorded" if part is None else f"{part} of {whole}"


def _shown(value: float | None) -> str:
    return "–" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
