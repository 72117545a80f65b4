"""Builds layers of dependencies, each only when something that goes into it has changed."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import sys
from pathlib import Path

from infra.layers import archive as archives
from infra.layers import bytecode, metadata, uv
from infra.layers import recipe as recipes
from infra.layers.archive import MEGABYTE, size, write_zip
from infra.layers.errors import LayerError
from infra.layers.metadata import slim_metadata
from infra.layers.recipe import Recipe, prune, recipe
from infra.layers.target import Target
from infra.layers.uv import install
from infra.paths import LAYERS


def build(name: str, target: Target) -> Path:
    """Return the zip of a layer; beside it lies its content, as Lambda unpacks it, in a folder of the same stem.

    Raises:
        LayerError: The requirements cannot be had, or the result is over the recipe's limit.
    """
    return build_in(LAYERS / name / "build", recipe(name), target)


def content(name: str, target: Target) -> Path:
    """Return the folder that Lambda would unpack a layer into, building it when needed."""
    return build(name, target).with_suffix("")


def build_in(folder: Path, what: Recipe, target: Target) -> Path:
    """Build into ``folder``; see :func:`build`."""
    archive = folder / f"{target.name}.zip"
    stamp = archive.with_suffix(".sha256")
    inputs = _hash_of_inputs(what, target)
    folder.mkdir(parents=True, exist_ok=True)
    with archive.with_suffix(".lock").open("w") as lock:
        # Two builds at once would write into one folder; the second finds the work done.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (archive.is_file() and stamp.is_file() and stamp.read_text("ascii") == inputs):
            stamp.unlink(missing_ok=True)
            _build(what, target, archive)
            stamp.write_text(inputs, "ascii")
    return archive


def _build(what: Recipe, target: Target, archive: Path) -> None:
    folder = archive.with_suffix("")
    shutil.rmtree(folder, ignore_errors=True)
    python = folder / "python"
    install(what.requirements, target, python)
    prune(python, what.cuts)
    slim_metadata(python, folder / "licences")
    if not bytecode.compile_all(folder, version=target.python, keep_source=False):
        print(
            f"layer {what.name}: no Python {target.python} is here to compile it, so it goes as source and functions "
            f"start slower. `uv python install {target.python}` mends that.",
            file=sys.stderr,
        )
    unzipped = size(folder)
    if unzipped > what.limit_mb * MEGABYTE:
        raise LayerError(
            f'The layer "{what.name}" holds {unzipped / MEGABYTE:.1f} MB; its limit is {what.limit_mb} MB. '
            f"Leave more out in {LAYERS / what.name / 'recipe.toml'}."
        )
    write_zip(folder, archive)


def _hash_of_inputs(what: Recipe, target: Target) -> str:
    compiled = bytecode.python(target.python) is not None
    digest = hashlib.sha256(f"{target} {compiled} {what}\n{what.requirements}".encode())
    for step in (archives, bytecode, metadata, recipes, uv):
        digest.update(Path(str(step.__file__)).read_bytes())
    digest.update(Path(__file__).read_bytes())
    return digest.hexdigest()
