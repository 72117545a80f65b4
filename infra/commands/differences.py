"""What a deployment would change, and what of it an operator must allow."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Literal

from rich.console import Console
from rich.text import Text

from infra.changes import Change, Template, replacements
from smyth.cli.errors import CommandError

_SIGNS = {"added": "+", "changed": "~", "removed": "-"}
_STYLES = {"added": "green", "changed": "yellow", "removed": "magenta"}


@dataclass(frozen=True, slots=True)
class Difference:
    """One resource that a deployment would add, change or remove."""

    kind: Literal["added", "changed", "removed"]
    logical_id: str
    type: str
    #: The parts of the resource that differ, such as ``Properties.MemorySize``.
    parts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Differences:
    """Everything in which a new template differs from the deployed one."""

    resources: tuple[Difference, ...]
    #: Resources that hold state and would not be kept.
    lost: tuple[Change, ...]

    def refused(self, allowed: Collection[str]) -> list[Change]:
        """What would be lost and is not allowed by its logical id."""
        return [change for change in self.lost if change.logical_id not in allowed]

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "resources": [
                {"change": one.kind, "id": one.logical_id, "type": one.type, "parts": list(one.parts)}
                for one in self.resources
            ],
            "lost": [
                {"id": one.logical_id, "type": one.type, "kind": one.kind, "retained": one.retained, "told": str(one)}
                for one in self.lost
            ],
        }

    def show(self, console: Console) -> None:
        """Print them, what would be lost in red."""
        if not self.resources:
            console.print("Nothing differs.")
        lost = {change.logical_id for change in self.lost}
        for one in self.resources:
            style = "bold red" if one.logical_id in lost else _STYLES[one.kind]
            line = f"{_SIGNS[one.kind]} {one.logical_id} ({one.type}) {', '.join(one.parts)}".rstrip()
            console.print(Text(line, style=style), soft_wrap=True)
        for change in self.lost:
            console.print(Text(f"! {change}", style="bold red"), soft_wrap=True)


def compare(deployed: Template, wanted: Template) -> Differences:
    """What deploying ``wanted`` over ``deployed`` would change."""
    old, new = deployed.get("Resources", {}), wanted.get("Resources", {})
    found = [
        difference
        for id in sorted(old.keys() | new.keys())
        if (difference := _difference(id, old.get(id), new.get(id))) is not None
    ]
    return Differences(tuple(found), tuple(replacements(deployed, wanted)))


def check(differences: Differences, allowed: Collection[str]) -> None:
    """Stop where a deployment would lose what nobody allowed it to.

    Raises:
        CommandError: It names every such resource and how to allow it.
    """
    refused = differences.refused(allowed)
    if refused:
        options = " ".join(f"--allow-replacement {change.logical_id}" for change in refused)
        raise CommandError(
            "Resources that hold state would not be kept: "
            + ", ".join(f"{change.logical_id} ({change.kind})" for change in refused)
            + f". Undo the change, or back the data up and allow it: {options}"
        )


def _difference(id: str, old: dict[str, Any] | None, new: dict[str, Any] | None) -> Difference | None:
    if old is None:
        assert new is not None
        return Difference("added", id, new["Type"])
    if new is None:
        return Difference("removed", id, old["Type"])
    parts = tuple(_parts(old, new))
    return Difference("changed", id, new["Type"], parts) if parts else None


def _parts(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """The members and properties that differ; metadata, which tell the CDK of assets, do not count."""
    members = sorted((old.keys() | new.keys()) - {"Properties", "Metadata"})
    parts = [member for member in members if old.get(member) != new.get(member)]
    before, after = old.get("Properties", {}), new.get("Properties", {})
    return parts + [name for name in sorted(before.keys() | after.keys()) if before.get(name) != after.get(name)]
