"""PPTX: the text of its slides, in their order, and of the speaker's notes."""

from __future__ import annotations

import posixpath
import zipfile
from collections.abc import Iterator
from xml.etree import ElementTree

from smyth.connectors.documents.archive import checked
from smyth.connectors.documents.document import DocumentRefused, Part
from smyth.connectors.documents.headings import Headings
from smyth.connectors.documents.limits import ParseLimits

_DRAWING = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_SLIDES = "{http://schemas.openxmlformats.org/presentationml/2006/main}"
_RELATION_ID = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_MAIN = "ppt/presentation.xml"


def read(content: bytes, limits: ParseLimits) -> Iterator[Part]:
    """Yield the paragraphs of every slide under the slide's title, then those of its notes.

    Raises:
        DocumentRefused: It has too many slides.
    """
    with zipfile.ZipFile(checked(content, limits)) as archive:
        targets = {relation: place for relation, (_, place) in _relations(archive, _MAIN).items()}
        slides = [slide.get(_RELATION_ID, "") for slide in _xml(archive, _MAIN).iter(f"{_SLIDES}sldId")]
        if len(slides) > limits.pages:
            raise DocumentRefused(
                "too_large", f"The file has {len(slides):,} slides; at most {limits.pages:,} are read. Split it."
            )
        for number, slide in enumerate(slides, start=1):
            yield from _slide(archive, targets[slide], number)


def _slide(archive: zipfile.ZipFile, place: str, number: int) -> Iterator[Part]:
    heading, title = Headings(), None
    tree = _xml(archive, place)
    for shape in tree.iter(f"{_SLIDES}sp"):
        placeholder = shape.find(f"{_SLIDES}nvSpPr/{_SLIDES}nvPr/{_SLIDES}ph")
        if placeholder is not None and placeholder.get("type") in ("title", "ctrTitle"):
            title = shape
            heading.begin(1, " ".join(_paragraphs(shape)))
    titles = set(title.iter(f"{_DRAWING}p")) if title is not None and heading.path else set()
    # A slide that is nothing but its title says that much.
    told = [_text(paragraph) for paragraph in tree.iter(f"{_DRAWING}p") if paragraph not in titles]
    yield Part("\n".join(filter(None, told)) or heading.path, number, heading.path)
    for kind, notes in _relations(archive, place).values():
        if kind.endswith("/notesSlide"):
            yield Part("\n".join(_paragraphs(_xml(archive, notes))), number, heading.path)


def _paragraphs(element: ElementTree.Element) -> Iterator[str]:
    return filter(None, map(_text, element.iter(f"{_DRAWING}p")))


def _text(paragraph: ElementTree.Element) -> str:
    pieces = ("\n" if piece.tag == f"{_DRAWING}br" else piece.text or "" for piece in paragraph.iter() if _said(piece))
    return "".join(pieces).strip()


def _said(piece: ElementTree.Element) -> bool:
    return piece.tag in (f"{_DRAWING}t", f"{_DRAWING}br")


def _relations(archive: zipfile.ZipFile, place: str) -> dict[str, tuple[str, str]]:
    """Return what a part refers to: by id, the kind and the place."""
    folder, name = posixpath.split(place)
    try:
        tree = _xml(archive, f"{folder}/_rels/{name}.rels")
    except KeyError:
        return {}
    return {
        relation.get("Id", ""): (relation.get("Type", ""), _place(folder, relation.get("Target", "")))
        for relation in tree
        if relation.get("TargetMode") != "External"
    }


def _place(folder: str, target: str) -> str:
    return posixpath.normpath(posixpath.join("/", folder, target)).lstrip("/")


def _xml(archive: zipfile.ZipFile, place: str) -> ElementTree.Element:
    return ElementTree.fromstring(archive.read(place))  # noqa: S314 - looked over: it declares nothing
