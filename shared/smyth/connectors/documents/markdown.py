"""Markdown: paragraphs, lists and code under their headings."""

from __future__ import annotations

import re
from collections.abc import Iterator

from smyth.connectors.documents.document import Part
from smyth.connectors.documents.headings import Headings
from smyth.connectors.documents.limits import ParseLimits
from smyth.connectors.documents.text import decoded

_HEADING = re.compile(r" {0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*$")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_UNDERLINE = re.compile(r" {0,3}(=+|-+)[ \t]*$")


def read(content: bytes, limits: ParseLimits) -> Iterator[Part]:
    """Yield blocks, which blank lines part; code between fences stays whole."""
    headings, block, fence = Headings(), list[str](), ""
    for line in _without_front_matter(decoded(content)).split("\n"):
        opened = _FENCE.match(line)
        if fence:
            block.append(line)
            if opened and opened[1].startswith(fence):
                yield Part("\n".join(block), section=headings.path)
                block, fence = [], ""
            continue
        if opened:
            fence = opened[1]
            block.append(line)
            continue
        heading, underline = _HEADING.match(line), _UNDERLINE.match(line)
        if heading or (underline and len(block) == 1):
            title = (heading[2] or "") if heading else block.pop()
            yield Part("\n".join(block), section=headings.path)
            block = []
            headings.begin(len(heading[1]) if heading else 1 if line.strip()[0] == "=" else 2, title)
        elif line.strip():
            block.append(line)
        else:
            yield Part("\n".join(block), section=headings.path)
            block = []
    yield Part("\n".join(block), section=headings.path)


def _without_front_matter(text: str) -> str:
    """Leave out what tools write above a page between two lines of ``---``."""
    if text.startswith("---\n"):
        end = text.find("\n---\n", 3)
        if end >= 0:
            return text[end + 5 :]
    return text
