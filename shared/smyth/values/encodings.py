"""Turn text into bytes and back as Node's Buffer does (compat README, quirks 51 and 53)."""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from smyth.values.js import to_text

_Codec = TypeVar("_Codec")
_NOT_BASE64 = re.compile(r"[^A-Za-z0-9+/]")
_HEX_PAIRS = re.compile(r"(?:[0-9a-fA-F]{2})*")
_SURROGATE = re.compile("[\ud800-\udfff]")


class UnknownEncoding(ValueError):
    """No encoding has this name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"Unknown encoding: {name}. Use one of {', '.join(sorted(_ENCODERS))}.")


def encode(data: bytes, encoding: str) -> str:
    """Return ``data`` as text; bytes that are no UTF-8 become U+FFFD.

    Raises:
        UnknownEncoding: There is no such encoding.
    """
    return _find(_ENCODERS, encoding)(data)


def decode(text: str, encoding: str) -> bytes:
    """Return the bytes that ``text`` stands for; what does not belong to the encoding is skipped or ends it.

    Raises:
        UnknownEncoding: There is no such encoding.
    """
    return _find(_DECODERS, encoding)(text)


def bytes_of(numbers: Sequence[Any]) -> bytes:
    """Return a list as bytes, as ``Buffer.from(list)`` does: whole numbers modulo 256, anything else 0."""
    return bytes(_byte(number) for number in numbers)


def _byte(value: Any) -> int:
    if isinstance(value, bool):
        return int(value)
    try:
        number = float(value if isinstance(value, (int, float)) else to_text(value))
    except (ValueError, OverflowError):
        return 0
    return int(number) % 256 if math.isfinite(number) else 0


def _from_utf8(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        return _SURROGATE.sub("\ufffd", text).encode()


def _from_utf16(text: str) -> bytes:
    return text.encode("utf-16-le", "surrogatepass")


def _from_latin1(text: str) -> bytes:
    """Keep the low byte of each UTF-16 unit."""
    return _from_utf16(text)[::2]


def _from_hex(text: str) -> bytes:
    pairs = _HEX_PAIRS.match(text)
    return bytes.fromhex(pairs[0]) if pairs else b""


def _from_base64(text: str) -> bytes:
    """Read both alphabets, skip what belongs to neither, end at the padding."""
    digits = _NOT_BASE64.sub("", text.partition("=")[0].replace("-", "+").replace("_", "/"))
    # A single digit of the last four holds no whole byte.
    digits = digits[:-1] if len(digits) % 4 == 1 else digits
    return base64.b64decode(digits + "=" * (-len(digits) % 4))


def _to_utf8(data: bytes) -> str:
    return data.decode(errors="replace")


def _to_utf16(data: bytes) -> str:
    return data[: len(data) // 2 * 2].decode("utf-16-le", "surrogatepass")


def _to_latin1(data: bytes) -> str:
    return data.decode("latin-1")


def _to_ascii(data: bytes) -> str:
    return bytes(byte & 0x7F for byte in data).decode("ascii")


def _to_base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _to_base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode("ascii").rstrip("=")


_ENCODERS: dict[str, Callable[[bytes], str]] = {
    "utf8": _to_utf8,
    "utf16le": _to_utf16,
    "latin1": _to_latin1,
    "ascii": _to_ascii,
    "hex": bytes.hex,
    "base64": _to_base64,
    "base64url": _to_base64url,
}
_DECODERS: dict[str, Callable[[str], bytes]] = {
    "utf8": _from_utf8,
    "utf16le": _from_utf16,
    "latin1": _from_latin1,
    "ascii": _from_latin1,
    "hex": _from_hex,
    "base64": _from_base64,
    "base64url": _from_base64,
}
_ALIASES = {"utf-8": "utf8", "utf-16le": "utf16le", "ucs2": "utf16le", "ucs-2": "utf16le", "binary": "latin1"}


def _find(codecs: dict[str, _Codec], name: str) -> _Codec:
    folded = name.lower()
    try:
        return codecs[_ALIASES.get(folded, folded)]
    except KeyError:
        raise UnknownEncoding(name) from None
