"""Find a component by its name.

A component's file is named after it (``FHash`` -> ``fhash.py``,
``APIEndpoint`` -> ``api_endpoint.py``; underscores and case do not matter), so
adding one is adding its file. Only what a document uses is imported.
Installed packages add theirs by an entry point of the group ``smyth.components``.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from smyth.components.base import Component

ENTRY_POINT_GROUP = "smyth.components"
_NOT_COMPONENTS = {"base", "catalog", "registry"}


class UnknownComponent(LookupError):
    """No component has this name."""

    def __init__(self, name: str) -> None:
        super().__init__(f'There is no component named "{name}". Known names: {", ".join(names())}.')
        self.name = name


@cache
def _files() -> dict[str, str]:
    """Map each component's folded name to its module."""
    modules = (module.name for module in pkgutil.iter_modules([str(Path(__file__).parent)]))
    return {name.replace("_", ""): name for name in modules if name not in _NOT_COMPONENTS and not name.startswith("_")}


@cache
def find(name: str) -> Component:
    """Return the component registered under ``name``.

    Raises:
        UnknownComponent: There is none.
    """
    module = _files().get(name.lower())
    if module is not None:
        component = _component_in(f"smyth.components.{module}")
        if component.name == name:
            return component
    for point in entry_points(group=ENTRY_POINT_GROUP, name=name):
        found: Component = point.load()()
        return found
    raise UnknownComponent(name)


def is_known(name: str) -> bool:
    """Tell whether :func:`find` would find ``name``."""
    try:
        find(name)
    except UnknownComponent:
        return False
    return True


@cache
def names() -> tuple[str, ...]:
    """Return all registered names in alphabetical order."""
    own = (_component_in(f"smyth.components.{module}").name for module in _files().values())
    installed = (point.name for point in entry_points(group=ENTRY_POINT_GROUP))
    return tuple(sorted({*own, *installed}, key=str.lower))


@cache
def _component_in(module: str) -> Component:
    """Return an instance of the one component that ``module`` defines."""
    from smyth.components.base import Component

    for value in vars(importlib.import_module(module)).values():
        if isinstance(value, type) and issubclass(value, Component) and value.__module__ == module:
            return value()
    raise TypeError(f"{module} defines no component; it must hold one subclass of Component.")
