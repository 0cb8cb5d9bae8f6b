"""What a post-mortem is on the disk: three files of the same record."""

import json

from gateway.prevent import markdown, web_page
from gateway.prevent.post_mortem import Record

FORMATS = ("json", "md", "html")


def written(record: Record) -> dict[str, str]:
    """File name -> its text."""
    return {f"{record['id']}.{each}": text(record, each) for each in FORMATS}


def text(record: Record, form: str) -> str:
    """`form`: one of FORMATS."""
    if form == "md":
        return markdown.markdown(record)
    return web_page.page(record) if form == "html" else json.dumps(record, indent=2) + "\n"
