"""The CDK CLI: pinned by ``infra/cdk/package-lock.json`` and installed beside it on first use."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from infra.node import ensure_node
from infra.paths import ROOT
from smyth.cli.errors import CommandError

FOLDER = ROOT / "infra" / "cdk"


def version() -> str:
    """The version that is pinned."""
    pinned: str = json.loads((FOLDER / "package.json").read_text("utf-8"))["dependencies"]["aws-cdk"]
    return pinned


def run(arguments: Sequence[str]) -> None:
    """Run the CDK CLI with the terminal handed over.

    Raises:
        CommandError: It cannot be installed, or it failed; it has then said why.
    """
    program = installed()
    node = shutil.which("node")
    assert node is not None
    done = subprocess.run([node, program, *arguments], check=False, cwd=ROOT, env=_environment())  # noqa: S603
    if done.returncode:
        raise CommandError(f"The CDK CLI failed at `cdk {arguments[0]}` (exit code {done.returncode}); see above.")


def installed() -> Path:
    """The CDK CLI's program, installed from the npm registry unless it is there.

    Raises:
        CommandError: npm is missing or failed.
    """
    ensure_node()
    package = FOLDER / "node_modules" / "aws-cdk"
    with (FOLDER / "install.lock").open("w") as lock:
        # Two commands at once would install into one folder; the second finds it done.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _is_pinned(package):
            _install()
    return package / "bin" / "cdk"


def _is_pinned(package: Path) -> bool:
    described = package / "package.json"
    return described.is_file() and json.loads(described.read_text("utf-8"))["version"] == version()


def _install() -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise CommandError(f"The CDK CLI {version()} is installed by npm, which was not found. Install Node with npm.")
    done = subprocess.run(  # noqa: S603
        [npm, "ci", "--no-audit", "--no-fund", "--loglevel=error"], cwd=FOLDER, capture_output=True, text=True
    )
    if done.returncode:
        last = " ".join(done.stderr.strip().splitlines()[-3:])
        raise CommandError(f"The CDK CLI {version()} could not be installed in {FOLDER}: {last}")


def _environment() -> dict[str, str]:
    """Ours, without the CLI's reports to AWS and its questions."""
    return {**os.environ, "CDK_DISABLE_CLI_TELEMETRY": "true", "CI": "true"}
