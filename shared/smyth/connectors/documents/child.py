"""The process that reads one document: held to its limits before it sees a byte of it."""

from __future__ import annotations

import contextlib
import json
import resource
import struct
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

from smyth.connectors.documents.document import DocumentRefused, Part
from smyth.connectors.documents.formats import format_of
from smyth.connectors.documents.limits import ParseLimits

#: Where the reader of a format is; libraries are loaded for the one format only.
_READERS = {
    "pdf": "smyth.connectors.documents.pdf",
    "docx": "smyth.connectors.documents.word",
    "xlsx": "smyth.connectors.documents.sheets",
    "pptx": "smyth.connectors.documents.slides",
    "html": "smyth.connectors.documents.html",
    "markdown": "smyth.connectors.documents.markdown",
    "csv": "smyth.connectors.documents.table",
    "text": "smyth.connectors.documents.text",
}
Reader = Callable[[bytes, ParseLimits], Iterator[Part]]


def main() -> None:
    """Read what the parent asks on the standard input, and answer on the standard output."""
    (length,) = struct.unpack(">I", sys.stdin.buffer.read(4))
    asked = json.loads(sys.stdin.buffer.read(length))
    limits = ParseLimits(**asked["limits"])
    _hold(limits)
    json.dump(answer(sys.stdin.buffer.read(), asked["name"], asked["content_type"], limits), sys.stdout)


def answer(content: bytes, name: str, content_type: str | None, limits: ParseLimits) -> dict[str, Any]:
    """Return the parts of a document, or why it is refused."""
    try:
        found = format_of(content, name, content_type)
        read: Reader = import_module(_READERS[found]).read
        parts = list(_bounded(read(content, limits), limits))
        if not parts:
            raise DocumentRefused(
                "empty", "There is no text in the file. A scan must be made readable (by OCR) before it is sent."
            )
    except DocumentRefused as refused:
        return {"refused": refused.code, "message": str(refused)}
    except MemoryError:
        return {"refused": "too_large", "message": "Reading the file takes more memory than there is. Split it."}
    except RecursionError:
        return {"refused": "damaged", "message": "The file nests too deep to be read. Save it anew, simplified."}
    except ImportError as error:
        raise SystemExit(f"A library for documents is missing: {error}") from None
    except Exception as error:
        # Libraries raise anything on broken files. Its name tells enough; its text may hold what the file says.
        message = f"The file is damaged: it cannot be read as {found} ({type(error).__name__}). Save it anew."
        return {"refused": "damaged", "message": message}
    return {"format": found, "parts": [(part.text, part.page, part.section) for part in parts]}


def _bounded(parts: Iterator[Part], limits: ParseLimits) -> Iterator[Part]:
    """Pass parts with text on, without what is no text: halves of characters and NULs.

    Raises:
        DocumentRefused: It is too much.
    """
    characters = 0
    for part in parts:
        text = part.text.replace("\0", "").encode("utf-8", "replace").decode("utf-8").strip()
        if not text:
            continue
        characters += len(text)
        if characters > limits.characters:
            raise DocumentRefused(
                "too_large", f"The file holds more than {limits.characters:,} characters of text. Split it."
            )
        yield Part(text, part.page, part.section.encode("utf-8", "replace").decode("utf-8"))


def _hold(limits: ParseLimits) -> None:
    """Take away what reading does not need: memory and time beyond the limits, and writing files."""
    for what, most in (
        (resource.RLIMIT_AS, limits.memory_bytes),
        (resource.RLIMIT_CPU, limits.seconds),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        # Some systems (macOS) know a limit and do not take it.
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(what, (most, most))
