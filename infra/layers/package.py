"""Our own package as a layer."""

from __future__ import annotations

import shutil
from pathlib import Path

from infra.layers.bytecode import compile_all
from infra.layers.target import PYTHON_VERSION
from infra.paths import SMYTH

#: Rooms of our package that only a developer's machine needs.
NOT_FOR_FUNCTIONS = ("cli", "local", "testing")
#: What Python leaves behind; it would change the hash of code that did not change.
NOT_CODE = ("__pycache__", "*.pyc")


def stage_package(folder: Path, *, compiled: bool = False) -> Path:
    """Lay our own package into ``folder`` as a layer, without what only a developer's machine needs.

    Args:
        folder: Where to.
        compiled: Add bytecode for the functions' Python beside the sources, where this machine can make it.
    """

    def left_out(inside: str, entries: list[str]) -> set[str]:
        ignored = set(shutil.ignore_patterns(*NOT_CODE)(inside, entries))
        return ignored | (set(NOT_FOR_FUNCTIONS) if Path(inside) == SMYTH else set())

    shutil.copytree(SMYTH, folder / "python" / "smyth", ignore=left_out)
    if compiled:
        compile_all(folder, version=PYTHON_VERSION, keep_source=True)
    return folder
