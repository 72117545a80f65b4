"""Whether content is what it is said to be, by its first bytes."""

from __future__ import annotations

#: So many first bytes tell what can be told.
SNIFFED_BYTES = 8_192

#: Names of one thing, and kinds that share a container whose first bytes do not tell them apart.
_ALIKE = (
    {"image/jpeg", "image/jpg", "image/pjpeg"},
    {"image/png", "image/apng"},
    {"image/x-icon", "image/vnd.microsoft.icon"},
    {"image/bmp", "image/x-ms-bmp", "image/x-bmp"},
    {"image/heic", "image/heif", "image/avif"},
    {"image/tiff", "image/x-canon-cr2", "image/x-adobe-dng"},
    {"audio/x-wav", "audio/wav", "audio/wave", "audio/vnd.wave"},
    {"audio/x-flac", "audio/flac"},
    {"audio/mpeg", "audio/mp3", "audio/mpeg3", "audio/aac"},
    {"audio/x-aiff", "audio/aiff"},
    {"audio/ogg", "video/ogg", "application/ogg", "audio/opus", "audio/vorbis"},
    {
        "audio/mp4",
        "audio/m4a",
        "audio/x-m4a",
        "video/mp4",
        "video/x-m4v",
        "video/3gpp",
        "audio/3gpp",
        "video/quicktime",
    },
    {"video/x-matroska", "video/webm", "audio/webm", "audio/x-matroska"},
    {"video/x-msvideo", "video/avi", "video/msvideo"},
    {"application/gzip", "application/x-gzip"},
    {"application/x-rar-compressed", "application/vnd.rar", "application/x-rar"},
    {"application/x-msdownload", "application/vnd.microsoft.portable-executable", "application/x-dosexec"},
    {"application/msword", "application/vnd.ms-excel", "application/vnd.ms-powerpoint", "application/x-ole-storage"},
    {"application/rtf", "text/rtf"},
    {"application/zip", "application/x-zip-compressed"},
)
#: Kinds that are ZIP archives inside; what a plain archive holds is not told by its first bytes.
_ZIPPED = ("application/vnd.openxmlformats-officedocument.", "application/vnd.oasis.opendocument.")
_ZIPS = {"application/epub+zip", "application/java-archive", "application/vnd.android.package-archive"}
_TEXTS = {"application/json", "application/xml", "application/yaml", "application/x-yaml", "application/javascript"}
_TEXTS |= {"application/x-ndjson", "application/sql", "application/toml", "image/svg+xml"}
#: What some text formats begin with, too.
_TEXT_IN_DISGUISE = {"application/rtf", "application/postscript"}
_MEDIA = ("image/", "audio/", "video/", "font/")


def unlike(declared: str, start: bytes) -> str | None:
    """Return what content is instead of ``declared``, or None where that may be true.

    Content of kinds that cannot be told by their beginnings is believed. ``application/octet-stream`` says nothing
    and is never untrue.

    Args:
        declared: The media type that somebody gives it.
        start: Its first :data:`SNIFFED_BYTES` bytes, or all of it.
    """
    import filetype

    kind = declared.partition(";")[0].strip().lower()
    guess = filetype.guess(start)
    found: str = guess.mime if guess else ""
    if not start or kind == "application/octet-stream":
        return None
    if _is_text(kind):
        if found and found not in _TEXT_IN_DISGUISE:
            return None if _same(kind, found) else found
        return "application/octet-stream" if b"\x00" in start and not _is_utf16(start) else None
    if found:
        return None if _same(kind, found) or not _telling(kind) else found
    # An unknown beginning proves nothing, but readable text is no picture and no archive.
    return "text/plain" if _telling(kind) and _reads_as_text(start) else None


def _telling(kind: str) -> bool:
    """Tell whether content of a kind is known by its beginning."""
    import filetype

    known = kind.startswith((*_MEDIA, *_ZIPPED)) or any(kind in names for names in _ALIKE)
    return known or kind in _ZIPS or kind in {one.mime for one in filetype.types}


def _same(kind: str, found: str) -> bool:
    if kind == found or any(kind in names and found in names for names in _ALIKE):
        return True
    # A document may be an archive as far as one can tell, and any document may call itself an archive.
    return _is_zip(kind) and _is_zip(found) and "application/zip" in (_plain(kind), found)


def _plain(kind: str) -> str:
    return "application/zip" if kind == "application/x-zip-compressed" else kind


def _is_zip(kind: str) -> bool:
    return kind in _ZIPS or kind.startswith(_ZIPPED) or _plain(kind) == "application/zip"


def _is_text(kind: str) -> bool:
    return kind.startswith("text/") or kind in _TEXTS or kind.endswith(("+json", "+xml"))


def _is_utf16(start: bytes) -> bool:
    return start.startswith((b"\xff\xfe", b"\xfe\xff"))


def _reads_as_text(start: bytes) -> bool:
    if b"\x00" in start:
        return False
    # The last character may be cut.
    for cut in range(4):
        try:
            start[: len(start) - cut].decode()
        except UnicodeDecodeError:
            continue
        return all(byte >= 32 or byte in b"\t\n\r\f" for byte in start)
    return False
