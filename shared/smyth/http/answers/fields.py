"""Fields that many answers have."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

#: RFC 3339 in UTC, as text.
Time = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
#: USD with six places.
Money = Annotated[str, Field(pattern=r"^\d+\.\d{6}$")]
#: Money that may be owed the other way.
Balance = Annotated[str, Field(pattern=r"^-?\d+\.\d{6}$")]
