"""The post-mortem as people read it: everything is there, and nothing that was written is markup."""
import xml.etree.ElementTree as ET

from markdown_it import MarkdownIt
from prevent import cases
from prevent.cases import ONSET

from gateway.prevent import files, markdown, post_mortem, review, web_page
from gateway.prevent.case import SECOND
from gateway.prevent.post_mortem import Record

HOSTILE = '<script>alert(1)</script> & "x" | [a](javascript:b) `c` *d*'


def record() -> Record:
    found = post_mortem.draft(cases.case(), (ONSET + 165) * SECOND)
    return review.edited(found, {"lessons": {"wrong": [HOSTILE]}, "items": [{"text": HOSTILE}]}, HOSTILE)


def test_every_section_is_in_both_forms() -> None:
    page, text = web_page.page(record()), markdown.markdown(record())
    for name in ("Summary", "Impact", "How it was detected", "Root cause", "What was done, and whether it helped",
                 "Timeline", "Lessons", "Action items", "Reviewed by"):
        assert f"<h2>{name}</h2>" in page
        assert f"\n## {name}\n" in text
    assert "800 of 1100 requests failed" in page
    assert "80.0% of the month" in text


def test_what_people_wrote_is_never_markup_in_the_page() -> None:
    page = web_page.page(record())
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "see &lt;i&gt;a|b&lt;/i&gt;" in page
    for loaded in ("src=", "href=", "url(", "@import"):
        assert loaded not in page


def test_what_people_wrote_is_never_markup_in_markdown() -> None:
    rendered = MarkdownIt("commonmark").enable("table").render(markdown.markdown(record()))
    for markup in ("<script", "<a ", "<em>", "<code>c", "<i>"):
        assert markup not in rendered
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in rendered
    assert "| [a](javascript:b)" in rendered


def test_the_charts_are_well_formed_and_show_the_failures_and_the_marks() -> None:
    page = web_page.page(record())
    figures = [ET.fromstring(f"<svg{part.split('</svg>')[0]}</svg>") for part in page.split("<svg")[1:]]
    assert len(figures) == 2
    labels = [each.get("aria-label") for each in figures]
    assert labels == ["route:orders, per second: requests/s at most 10; failed/s at most 8",
                      "route:orders, 99th percentile in ms: p99 ms at most 12.5"]
    words = [each.text for each in figures[0].iter("text")]
    assert {"onset", "detected", "mitigated", "resolved", "requests/s", "failed/s"} <= set(words)
    assert {each.get("class") for each in figures[0].iter("path")} == {"requests", "failed"}


def test_a_record_is_three_files() -> None:
    assert list(files.written(record())) == ["7.json", "7.md", "7.html"]
