"""What is wrong, or odd, in a document."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

#: A report longer than this helps nobody; errors come first, so none is hidden by warnings.
MAX_FINDINGS = 100


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to mend (``error``) or to know (``warning``)."""

    level: Literal["error", "warning"]
    #: A stable word for programs, such as ``dangling_connection``.
    code: str
    #: What is the matter and what to do, for people.
    message: str
    #: Where in the JSON, such as ``components[2].inputs[0].name``.
    path: str = ""
    component_id: str | None = None
    port: str | None = None
    #: Position in the document's list of connections.
    connection: int | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the members that are set, as the API answers them."""
        members = {
            "level": self.level,
            "code": self.code,
            "message": self.message,
            "path": self.path or None,
            "component_id": self.component_id,
            "port": self.port,
            "connection": self.connection,
        }
        return {name: value for name, value in members.items() if value is not None}


class DocumentError(ValueError):
    """The document cannot be taken as it is.

    Attributes:
        findings: What is wrong, errors first, :data:`MAX_FINDINGS` at the most.
    """

    def __init__(self, findings: Sequence[Finding]) -> None:
        self.findings = tuple(findings[:MAX_FINDINGS])
        shown = " ".join(finding.message for finding in findings[:3])
        more = f" And {len(findings) - 3} more." if len(findings) > 3 else ""
        super().__init__(shown + more)
