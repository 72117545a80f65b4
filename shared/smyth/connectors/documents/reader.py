"""Reads documents in a child process that can be ended: a document is somebody else's input to large libraries."""

from __future__ import annotations

import json
import os
import signal
import struct
import subprocess
import sys
from dataclasses import asdict
from typing import Any

from smyth.connectors.documents.document import DocumentRefused, ParsedDocument, Part
from smyth.connectors.documents.limits import MEGABYTE, ParseLimits

#: Isolated: nothing of the parent's environment, which has keys, nor of the folder it happens to be in.
_START = "import sys; sys.path[:] = sys.argv[1:]; from smyth.connectors.documents.child import main; main()"
_LIMITS = ParseLimits()


def parse(
    content: bytes, name: str, content_type: str | None = None, *, limits: ParseLimits = _LIMITS
) -> ParsedDocument:
    """Read a file's text. It blocks, for up to ``limits.seconds``; call it in a thread where others wait.

    Args:
        content: The file.
        name: What it is called; the ending tells Markdown and CSV from other text.
        content_type: Its media type, for names without an ending.
        limits: How much it may be and use up.

    Raises:
        DocumentRefused: It cannot be read, is more than the limits allow, or holds no text.
    """
    if len(content) > limits.content_bytes:
        raise DocumentRefused(
            "too_large",
            f"The file has {len(content) / MEGABYTE:,.0f} MB; at most {limits.content_bytes // MEGABYTE} MB are read. "
            "Split it.",
        )
    answer = _answer(content, {"name": name, "content_type": content_type, "limits": asdict(limits)}, limits)
    if "refused" in answer:
        raise DocumentRefused(answer["refused"], answer["message"])
    return ParsedDocument(answer["format"], tuple(Part(*part) for part in answer["parts"]))


def _answer(content: bytes, asked: dict[str, Any], limits: ParseLimits) -> dict[str, Any]:
    """Let a child read; return what it says.

    Raises:
        DocumentRefused: It was ended, or ended without a word.
    """
    header = json.dumps(asked).encode()
    try:
        ended = subprocess.run(  # noqa: S603 - our own module
            [sys.executable, "-I", "-S", "-c", _START, *filter(None, sys.path)],
            input=struct.pack(">I", len(header)) + header + content,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ},
            timeout=limits.seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise _too_slow(limits) from None
    if ended.returncode in (-signal.SIGXCPU, -signal.SIGKILL):
        raise _too_slow(limits)
    try:
        answer = json.loads(ended.stdout)
    except ValueError:
        answer = None
    if ended.returncode or not isinstance(answer, dict):
        raise DocumentRefused("damaged", "The file could not be read to its end. Save it anew and send it again.")
    return answer


def _too_slow(limits: ParseLimits) -> DocumentRefused:
    return DocumentRefused("too_slow", f"Reading the file took more than {limits.seconds} s. Split or simplify it.")
