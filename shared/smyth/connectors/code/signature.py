"""The parameters of a JavaScript function, read from its own source text."""

from __future__ import annotations

import re
from collections.abc import Iterator

_HEAD = re.compile(r"async\s*(?:function\b\s*)?([\w$]*)\s*")
_NAME = re.compile(r"[\w$]+")
#: Comments, texts, brackets and commas each by themselves, and runs of anything else.
_PIECE = re.compile(
    r"""//[^\n]*|/\*.*?\*/|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`|[^()\[\]{},"'`/]+|.""", re.DOTALL
)


def parameters(function: str) -> list[str | None]:
    """Return the names of an async function's parameters in order; None stands for a destructuring pattern.

    A rest parameter has no name to be filled by, so it is left out.
    """
    head = _HEAD.match(function)
    if head is None or not function.startswith("(", head.end()):
        return [head[1]] if head else []
    named: list[str | None] = []
    for part in _parts(function, head.end()):
        if part.startswith(("{", "[")):
            named.append(None)
        elif name := _NAME.match(part):
            named.append(name[0])
    return named


def _parts(function: str, start: int) -> Iterator[str]:
    """Yield what stands between the commas of the bracket that opens at ``start``, without comments."""
    depth = 0
    part: list[str] = []
    for found in _PIECE.finditer(function, start):
        piece = found[0]
        if piece.startswith(("//", "/*")):
            continue
        depth += (piece in {"(", "[", "{"}) - (piece in {")", "]", "}"})
        if depth == 0 or (depth == 1 and piece == ","):
            yield "".join(part).strip()
            part = []
            if depth == 0:
                return
        elif found.start() != start:
            part.append(piece)
