"""What bytes are: media types by signature, and file endings by media type."""

from __future__ import annotations

import mimetypes
from functools import cache

TEXT = "text/plain"
BYTES = "application/octet-stream"

#: First bytes of the kinds that models and browsers take. Short ones, which text has by chance, are left out.
_SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"%PDF-", "application/pdf"),
    (b"PK\x03\x04", "application/zip"),
    (b"\x1f\x8b\x08", "application/gzip"),
    (b"ID3", "audio/mpeg"),
    (b"OggS", "audio/ogg"),
    (b"fLaC", "audio/flac"),
    (b"\x1aE\xdf\xa3", "video/webm"),
)
_IN_RIFF = {b"WEBP": "image/webp", b"WAVE": "audio/wav", b"AVI ": "video/x-msvideo"}
_IN_MP4 = {b"M4A ": "audio/mp4", b"heic": "image/heic", b"heix": "image/heic", b"avif": "image/avif"}
_ENDINGS = {"audio/wav": ".wav", "audio/ogg": ".ogg", "audio/flac": ".flac", "audio/mp4": ".m4a", "text/xml": ".xml"}


def signature(content: bytes) -> str | None:
    """Return the media type that the first bytes tell, or None where they tell none."""
    if content[:4] == b"RIFF":
        return _IN_RIFF.get(content[8:12])
    if content[4:8] == b"ftyp":
        return _IN_MP4.get(content[8:12], "video/mp4")
    return next((kind for start, kind in _SIGNATURES if content.startswith(start)), None)


def media_type(content: bytes) -> str:
    """Return the media type of ``content``: by its first bytes, else text where it is text."""
    known = signature(content)
    if known or b"\x00" in content:
        return known or BYTES
    try:
        content.decode()
    except UnicodeDecodeError:
        return BYTES
    return TEXT


def ending(mimetype: str) -> str:
    """Return the usual ending of files of a type, with its dot: ``.txt``, ``.bin`` where there is none."""
    plain = mimetype.partition(";")[0].strip().lower()
    return _ENDINGS.get(plain) or _types().guess_extension(plain, strict=False) or ".bin"


@cache
def _types() -> mimetypes.MimeTypes:
    """Return Python's own table, without the types of the machine, which differ from one to the next."""
    return mimetypes.MimeTypes()
