"""Texts that callers send: of a bearable length, and without characters that hide something."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator, Field

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff]")
#: Letters that nobody sees and some models read; they have a use in the flags of parts of countries only.
_TAGS = re.compile("[\U000e0000-\U000e007f]")
_FLAG = re.compile("\U0001f3f4[\U000e0020-\U000e007e]{1,8}\U000e007f")
_MOST_CHARACTERS = 400_000
_MOST_INSTRUCTIONS = 40_000
_MOST_VARIABLES = 100
_LONGEST_NAME = 200
#: All variables together, names and texts.
_MOST_IN_VARIABLES = 200_000
_MOST_IN_MODEL = 20_000
_DEEPEST = 20


def readable(text: str) -> str:
    """Return ``text`` where it says something and hides nothing.

    Raises:
        ValueError: It does not.
    """
    if not text.strip():
        raise ValueError("must not be empty")
    return without_control(text)


def without_control(text: str) -> str:
    """Return ``text`` where it has no control characters and no invisible letters.

    Raises:
        ValueError: It has some.
    """
    if _CONTROL.search(text):
        raise ValueError("must not hold control characters, except tabs and line breaks, nor halves of characters")
    if _TAGS.search(text) and _TAGS.search(_FLAG.sub("", text)):
        raise ValueError("must not hold Unicode's invisible tag characters, except in flags")
    return text


def _variables(given: dict[str, Any]) -> dict[str, Any]:
    for name in given:
        if not name.strip() or len(name) > _LONGEST_NAME:
            raise ValueError(f"names of variables have 1 to {_LONGEST_NAME} characters")
    if _length(given, _DEEPEST) > _MOST_IN_VARIABLES:
        raise ValueError(f"must not have more than {_MOST_IN_VARIABLES:,} characters together")
    return given


def _model(given: dict[str, Any]) -> dict[str, Any]:
    if _length(given, _DEEPEST) > _MOST_IN_MODEL:
        raise ValueError(f"must not have more than {_MOST_IN_MODEL:,} characters together")
    return given


def _length(value: Any, deepest: int) -> int:
    """Return about how long a JSON value is; its texts must be free of control characters."""
    if deepest < 0:
        raise ValueError(f"must not be nested deeper than {_DEEPEST}")
    if isinstance(value, str):
        return len(without_control(value))
    if isinstance(value, dict):
        return sum(_length(name, deepest) + _length(member, deepest - 1) for name, member in value.items())
    if isinstance(value, list):
        return len(value) + sum(_length(item, deepest - 1) for item in value)
    return 8


MessageText = Annotated[str, Field(max_length=_MOST_CHARACTERS), AfterValidator(readable)]
Instructions = Annotated[str, Field(max_length=_MOST_INSTRUCTIONS), AfterValidator(without_control)]
Variables = Annotated[dict[str, Any], Field(max_length=_MOST_VARIABLES), AfterValidator(_variables)]
#: A model that a caller describes.
ModelObject = Annotated[dict[str, Any], AfterValidator(_model)]
#: A name that is told to people and models.
Name = Annotated[str, Field(min_length=1, max_length=_LONGEST_NAME), AfterValidator(readable)]
