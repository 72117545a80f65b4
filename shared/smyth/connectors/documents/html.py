"""HTML: what a reader sees, block by block, under its headings."""

from __future__ import annotations

from collections.abc import Iterator

from selectolax.lexbor import LexborHTMLParser, LexborNode

from smyth.connectors.documents.document import Part
from smyth.connectors.documents.headings import Headings
from smyth.connectors.documents.limits import ParseLimits
from smyth.connectors.documents.text import decoded

_UNSEEN = ["script", "style", "noscript", "template", "svg", "iframe", "object", "head", "nav"]
#: The page itself is often hidden until a script shows it.
_HIDDEN = "body [hidden]"
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_CELLS = {"td", "th"}
_BLOCKS = {
    *_HEADINGS,
    *("address", "article", "aside", "blockquote", "body", "caption", "dd", "details", "div", "dl", "dt", "fieldset"),
    *("figcaption", "figure", "footer", "form", "header", "hr", "li", "main", "ol", "p", "pre", "section", "summary"),
    *("table", "tbody", "tfoot", "thead", "tr", "ul"),
}


def read(content: bytes, limits: ParseLimits) -> Iterator[Part]:
    """Yield blocks of text; the cells of a row stand in one block."""
    tree = LexborHTMLParser(decoded(content))
    tree.strip_tags(_UNSEEN)
    for node in reversed(tree.css(_HIDDEN)):  # What is inside goes before what is around it.
        node.decompose()
    if tree.body is None:
        return
    headings, words, block, cell = Headings(), list[str](), tree.body, None
    for node in tree.body.traverse(include_text=True):
        if node.tag == "br":
            words.append("\n")
        if not node.is_text_node:
            continue
        its_block, its_cell = _around(node, tree.body)
        if its_block.mem_id != block.mem_id:
            yield from _ended(block, words, headings)
            words, block, cell = [], its_block, None
        if its_cell is not None and cell is not None and its_cell.mem_id != cell.mem_id:
            words.append("; ")
        cell = its_cell or cell
        text = node.text_content or ""
        # Outside of <pre>, ends of lines are spaces.
        words.append(text if block.tag == "pre" else text.replace("\n", " "))
    yield from _ended(block, words, headings)


def _around(node: LexborNode, body: LexborNode) -> tuple[LexborNode, LexborNode | None]:
    """Return the block that a text belongs to, and the cell of a table inside of that."""
    cell = None
    above = node.parent
    while above is not None and above.tag not in _BLOCKS:
        if above.tag in _CELLS and cell is None:
            cell = above
        above = above.parent
    return above or body, cell


def _ended(block: LexborNode, words: list[str], headings: Headings) -> Iterator[Part]:
    lines = "".join(words).split("\n")
    text = "\n".join(lines if block.tag == "pre" else (" ".join(line.split()) for line in lines)).strip()
    if block.tag in _HEADINGS:
        headings.begin(_HEADINGS[block.tag], text)
    elif text.strip("; "):
        yield Part(text, section=headings.path)
