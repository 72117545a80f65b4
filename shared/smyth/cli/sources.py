"""Reading what the command line names: files, JSON, ``key=value`` pairs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from smyth.cli.errors import CommandError, UsageError

Variables = Annotated[list[str] | None, typer.Option("--var", metavar="K=V", help="Agent variable; may be repeated.")]
Files = Annotated[list[Path] | None, typer.Option("--file", help="File that goes with the message; may be repeated.")]


def read_bytes(path: Path) -> bytes:
    """Return the content of the file at ``path``.

    Raises:
        CommandError: It cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}. Name a file that you may read.") from None


def media_type_of(path: Path, content: bytes) -> str:
    """Return the media type of a file: as its name says, else as its first bytes look."""
    from mimetypes import guess_type

    from smyth.values.media import media_type

    return guess_type(path.name)[0] or media_type(content)


def read_json_file(path: Path) -> Any:
    """Return the JSON in the file at ``path``.

    Raises:
        CommandError: It cannot be read or is not JSON.
    """
    try:
        return json.loads(read_bytes(path))
    except (ValueError, RecursionError) as error:
        raise CommandError(f"{path} is not JSON: {error}.") from None


def json_argument(option: str, text: str) -> Any:
    """Return the JSON that an option holds, or that the file it names as ``@FILE`` holds.

    Raises:
        UsageError: The text is not JSON.
    """
    if text.startswith("@"):
        return read_json_file(Path(text[1:]))
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f'{option} is not JSON: {error}. Write it like {option} \'{{"key": "value"}}\'.') from None


def pairs(option: str, texts: Sequence[str] | None) -> dict[str, str]:
    """Return ``key=value`` texts as a mapping.

    Raises:
        UsageError: One has no ``=``.
    """
    found: dict[str, str] = {}
    for text in texts or ():
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise UsageError(f'{option} takes key=value, not "{text}".')
        found[name] = value
    return found


def is_file(target: str) -> bool:
    """Tell whether ``target`` names a file rather than an agent on a server."""
    return target.endswith((".smyth", ".json")) or "/" in target or Path(target).is_file()
