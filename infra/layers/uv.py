"""uv, which reads the lock file and fetches packages for other machines than this."""

from __future__ import annotations

import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

from infra.layers.errors import LayerError
from infra.layers.target import Target
from infra.paths import ROOT


def uv(*arguments: str) -> str:
    """Run uv and return what it printed.

    Raises:
        LayerError: It is not there, or it failed.
    """
    beside = Path(sys.executable).parent / "uv"
    program = str(beside) if beside.is_file() else shutil.which("uv")
    if program is None:
        raise LayerError("uv is needed to build a layer and is not there. Run `make setup`.")
    done = subprocess.run([program, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise LayerError(
            f"`uv {' '.join(arguments[:2])}` failed; a layer needs the package registry and an up-to-date uv.lock:\n"
            f"{done.stderr.strip()}"
        )
    return done.stdout


@cache
def locked_requirements() -> dict[str, str]:
    """Package name -> what the lock file says of it, with hashes: a line for each version or platform."""
    exported = uv(
        "export", "--no-dev", "--no-emit-project", "--frozen", "--no-header", "--no-annotate", "--quiet"
    ).replace("\\\n", " ")
    requirements: dict[str, str] = {}
    for line in exported.splitlines():
        name = line.partition("==")[0]
        requirements[name] = requirements.get(name, "") + f"{line}\n"
    return requirements


def install(requirements: str, target: Target, folder: Path) -> None:
    """Lay the wheels of ``requirements`` into ``folder``, for the target's processor and Python."""
    folder.mkdir(parents=True)
    listed = folder.parent / "requirements.txt"
    listed.write_text(requirements, "utf-8")
    uv(
        *("pip", "install", "--quiet", "--target", str(folder), "--requirements", str(listed), "--require-hashes"),
        *("--python-platform", target.platform, "--python-version", target.python, "--only-binary", ":all:"),
        *("--no-deps", "--no-compile-bytecode", "--link-mode", "copy"),
    )
    listed.unlink()
