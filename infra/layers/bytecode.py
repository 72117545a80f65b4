"""Compiles what a layer holds, so that no function spends its start on it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from infra.layers.errors import LayerError
from infra.layers.uv import uv

#: Where Lambda unpacks layers; tracebacks are to name the files there.
_UNPACKED = "/opt"
_VERSION = "import sys; print('%d.%d' % sys.version_info[:2])"


@cache
def python(version: str) -> str | None:
    """A Python of that version on this machine: bytecode is of one version only. None where there is none.

    Looked for: the running one, ``SMYTH_LAYER_PYTHON``, the PATH, pyenv's, uv's; at last uv is asked to fetch it.
    """
    return next((program for program in _candidates(version) if _is_of(program, version)), None)


def compile_all(folder: Path, *, version: str, keep_source: bool) -> bool:
    """Compile every module below ``folder`` to bytecode that is taken without a look at its source.

    Args:
        folder: What becomes the root of the layer.
        version: The version of Python that will run it.
        keep_source: Else the bytecode takes the source's place.

    Returns:
        False where this machine has no such Python; the sources then stay as they are.

    Raises:
        LayerError: The compiler failed.
    """
    program = python(version)
    if program is None:
        return False
    # One process and one order: bytes depend on what was compiled before. Files that no Python can read, such as
    # templates of modules, are told by exit code 1 and stay sources.
    done = subprocess.run(  # noqa: S603
        [
            *(program, "-I", "-m", "compileall", "-qq", "--invalidation-mode", "unchecked-hash"),
            *("-s", str(folder), "-p", _UNPACKED, *([] if keep_source else ["-b"]), str(folder)),
        ],
        env={"PYTHONHASHSEED": "0", "PATH": os.defpath},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode not in (0, 1) or done.stderr:
        raise LayerError(f"{program} could not compile {folder}:\n{done.stderr.strip()}")
    if not keep_source:
        for compiled in folder.rglob("*.pyc"):
            compiled.with_suffix(".py").unlink(missing_ok=True)
    return True


def _candidates(version: str) -> Iterator[str]:
    yield sys.executable
    named = (os.environ.get("SMYTH_LAYER_PYTHON"), shutil.which(f"python{version}"))
    yield from (program for program in named if program)
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    yield from (str(path) for path in sorted(pyenv.glob(f"versions/{version}.*/bin/python{version}")))
    for fetch in (False, True):
        try:
            if fetch:
                uv("python", "install", "--quiet", version)
            yield uv("python", "find", "--managed-python", "--no-python-downloads", version).strip()
        except LayerError:
            continue


def _is_of(program: str, version: str) -> bool:
    try:
        done = subprocess.run([program, "-I", "-c", _VERSION], capture_output=True, text=True, check=False)  # noqa: S603
    except OSError:
        return False
    return done.returncode == 0 and done.stdout.strip() == version
