"""Names and types that callers give to files, made safe to show and to keep."""

from __future__ import annotations

import re
import unicodedata

_TYPE = re.compile(r"[A-Za-z0-9!#$&^_.+-]{1,60}/[A-Za-z0-9!#$&^_.+-]{1,60}(?:; ?charset=[A-Za-z0-9-]{1,20})?")
#: Control characters, and those that turn the direction of writing round to disguise a name's ending.
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_MAX_NAME = 255
_MAX_KEY_NAME = 100


def display_name(name: str) -> str:
    """Return the last part of what may be a path, without characters that cannot be seen.

    Raises:
        ValueError: Nothing is left, or it is too long.
    """
    name = _UNSEEN.sub("", unicodedata.normalize("NFC", name))
    name = re.split(r"[/\\]", name)[-1].strip()
    if not name.strip("."):
        raise ValueError("The file needs a name, such as report.pdf; folders in it do not count.")
    if len(name) > _MAX_NAME:
        raise ValueError(f"The file's name has {len(name)} characters. Shorten it to {_MAX_NAME}.")
    return name


def media_type(given: str) -> str:
    """Return ``given`` where it has the form of a media type.

    Raises:
        ValueError: It has not.
    """
    if not _TYPE.fullmatch(given):
        raise ValueError("A content type looks like application/pdf.")
    return given


def key_name(name: str) -> str:
    """Return a name's letters and digits, safe in keys and addresses; the ending stays."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    stem, dot, ending = re.sub(r"[^A-Za-z0-9.]+", "-", plain).strip("-.").rpartition(".")
    ending = ending[:20]
    return f"{stem[: _MAX_KEY_NAME - len(ending)].strip('-.')}{dot}{ending}".strip("-.") or "file"
