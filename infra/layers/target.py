"""For which machine and which Python a layer is built."""

from __future__ import annotations

import platform
import sys
from dataclasses import dataclass

#: The Python of the functions.
PYTHON_VERSION = "3.13"
ARCHITECTURES = ("arm64", "x86_64")
_MACHINES = {"arm64": "aarch64", "x86_64": "x86_64"}


@dataclass(frozen=True, slots=True)
class Target:
    """A processor, as AWS calls it, and a version of Python."""

    architecture: str
    python: str = PYTHON_VERSION

    @property
    def name(self) -> str:
        """What the build's files are called."""
        return self.architecture if self.python == PYTHON_VERSION else f"{self.architecture}-py{self.python}"

    @property
    def platform(self) -> str:
        """The platform as uv names it."""
        return f"{_MACHINES[self.architecture]}-manylinux_2_28"


def here(python: str = PYTHON_VERSION) -> Target:
    """The target that this machine's processor can run, with ``python``."""
    machine = platform.machine()
    return Target("arm64" if machine in ("aarch64", "arm64") else "x86_64", python)


def running() -> str:
    """The version of the Python that runs this."""
    return f"{sys.version_info.major}.{sys.version_info.minor}"
