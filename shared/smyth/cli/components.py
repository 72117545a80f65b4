"""``smyth components``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from smyth.cli.errors import CommandError
from smyth.cli.output import AsJson, print_json, print_table

if TYPE_CHECKING:
    from smyth.components.catalog import ComponentInfo, ComponentPort


def components(
    name: Annotated[str | None, typer.Argument(help="Tell all of this component.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the components that agents may be built of, or tell one's settings and ports."""
    from smyth.components.catalog import components as all_components

    if name is not None:
        component = _find(name)
        if as_json:
            print_json(component.model_dump())
        else:
            _tell(component)
    elif as_json:
        print_json({"items": [component.model_dump() for component in all_components()], "next_cursor": None})
    else:
        print_table(["name", "title", "does"], [(one.name, one.title, one.summary) for one in all_components()])


def _find(name: str) -> ComponentInfo:
    """Return a component, by its name in any case."""
    from smyth.components.catalog import describe
    from smyth.components.registry import UnknownComponent, names

    spelled = next((known for known in names() if known.lower() == name.lower()), name)
    try:
        return describe(spelled)
    except UnknownComponent as error:
        raise CommandError(str(error)) from None


def _tell(component: ComponentInfo) -> None:
    print(f"{component.name}: {component.summary}")
    settings = component.settings_schema.get("properties", {})
    required = component.settings_schema.get("required", [])
    if settings:
        print("\nSettings")
        print_table(
            ["name", "type", "default", "meaning"],
            [
                (name, _type(rule), "(required)" if name in required else _default(rule), rule.get("description", ""))
                for name, rule in settings.items()
            ],
        )
    _tell_ports("Inputs", component.inputs, component.custom_inputs)
    _tell_ports("Outputs", component.outputs, component.custom_outputs)


def _tell_ports(heading: str, ports: list[ComponentPort], custom: bool) -> None:
    if not ports and not custom:
        return
    print(f"\n{heading}" + (" (authors may add their own)" if custom else ""))
    if ports:
        print_table(
            ["name", "type", "meaning"],
            [(port.name, port.type + (", optional" if port.optional else ""), port.description) for port in ports],
        )


def _type(rule: dict[str, Any]) -> str:
    """Return the types that a setting may have, as a person says it."""
    if "enum" in rule or "const" in rule:
        return "one of " + ", ".join(str(value) or '""' for value in rule.get("enum", [rule.get("const")]))
    kinds = [kind for kind in rule.get("anyOf", [rule]) if kind.get("type") != "null"]
    return " or ".join(dict.fromkeys(_type(kind) if "enum" in kind else kind.get("type", "any") for kind in kinds))


def _default(rule: dict[str, Any]) -> str:
    value = rule.get("default")
    return "" if value is None else str(value)
