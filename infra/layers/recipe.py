"""What goes into a layer: ``layers/<name>/recipe.toml``."""

from __future__ import annotations

import shutil
import tomllib
from dataclasses import dataclass
from pathlib import Path

from infra.layers.errors import LayerError
from infra.layers.uv import locked_requirements
from infra.paths import LAYERS

#: The layer of all that is not named by another one.
REST = "runtime"


@dataclass(frozen=True, slots=True)
class Cut:
    """A pattern below the layer's ``python/`` folder that is left out, but for what ``keep`` names, and why."""

    path: str
    reason: str
    keep: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Recipe:
    """One layer of dependencies."""

    name: str
    #: Names of packages in the lock file; none: all that no other layer alone has.
    packages: tuple[str, ...]
    limit_mb: int
    cuts: tuple[Cut, ...]

    @property
    def requirements(self) -> str:
        """The locked requirements of this layer.

        Raises:
            LayerError: The recipe names a package that is not in the lock file.
        """
        locked = locked_requirements()
        unknown = [name for name in self.packages if name not in locked]
        if unknown:
            raise LayerError(f"{_file(self.name)} names {', '.join(unknown)}, which uv.lock does not have. Mend one.")
        names = self.packages or [name for name in locked if name not in _apart()]
        return "".join(locked[name] for name in names)


def recipe(name: str) -> Recipe:
    """Read a layer's recipe."""
    said = tomllib.loads(_file(name).read_text("utf-8"))
    cuts = tuple(Cut(cut["path"], cut["reason"], tuple(cut.get("keep", ()))) for cut in said.get("cut", ()))
    return Recipe(name, tuple(said.get("packages", ())), said["limit_mb"], cuts)


def recipes() -> list[Recipe]:
    """Every layer of dependencies that the checkout has a recipe for."""
    return [recipe(path.parent.name) for path in sorted(LAYERS.glob("*/recipe.toml"))]


def prune(folder: Path, cuts: tuple[Cut, ...]) -> None:
    """Remove from ``folder`` what the cuts name.

    Raises:
        LayerError: A cut names nothing that is there: the library has changed and the cut needs a look.
    """
    for cut in cuts:
        kept = _kept(folder, cut)
        named = sorted(folder.glob(cut.path))
        if not named:
            raise LayerError(f'The cut "{cut.path}" finds nothing to leave out any more. Mend or remove it.')
        for path in named:
            _remove(path, kept)


def _kept(folder: Path, cut: Cut) -> set[Path]:
    kept: set[Path] = set()
    for pattern in cut.keep:
        found = set(folder.glob(pattern))
        if not found:
            raise LayerError(f'"{pattern}" is to be kept and is not there any more. Mend the cut "{cut.path}".')
        kept |= found
    return kept


def _remove(path: Path, kept: set[Path]) -> None:
    if not path.is_dir():
        if path not in kept:
            path.unlink(missing_ok=True)
    elif any(path in one.parents for one in kept):
        for inside in path.iterdir():
            _remove(inside, kept)
    elif path not in kept:
        shutil.rmtree(path)


def _apart() -> set[str]:
    """Packages that other layers have and the rest need not: those that their recipes call ``only_here``."""
    files = (path for path in LAYERS.glob("*/recipe.toml") if path.parent.name != REST)
    return {name for path in files for name in tomllib.loads(path.read_text("utf-8")).get("only_here", ())}


def _file(name: str) -> Path:
    return LAYERS / name / "recipe.toml"
