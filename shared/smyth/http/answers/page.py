"""A part of a list."""

from __future__ import annotations

from typing import Generic, TypeVar

from pydantic import BaseModel

Row = TypeVar("Row")


class Page(BaseModel, Generic[Row]):
    """A part of a list; ``next_cursor`` asks for the next one."""

    items: list[Row]
    next_cursor: str | None = None
