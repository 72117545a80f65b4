"""What a document says, whatever format it came in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Format = Literal["pdf", "docx", "xlsx", "pptx", "html", "markdown", "csv", "text"]
#: Why a document is refused: its format is none of ours; it is damaged; it needs a password; it is larger than is
#: read, or a bomb; reading it took too long or too much memory; nothing in it is text.
Refusal = Literal["unsupported", "damaged", "encrypted", "too_large", "too_slow", "empty"]


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of a document that belongs together: a paragraph, a table's rows, a slide."""

    text: str
    #: From one: the page, the slide, the sheet. None where the format has none.
    page: int | None = None
    #: The headings that it stands under, the outermost first, joined by " > ".
    section: str = ""


@dataclass(frozen=True, slots=True)
class ParsedDocument:
    """A document's text, in reading order."""

    format: Format
    parts: tuple[Part, ...]


class DocumentRefused(ValueError):
    """A document cannot be read; the message says why and what to do."""

    def __init__(self, code: Refusal, message: str) -> None:
        """Make an error.

        Args:
            code: Why, for code that must decide.
            message: What happened, and what to do.
        """
        super().__init__(message)
        self.code: Refusal = code
