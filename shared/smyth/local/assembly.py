"""The synthesised stack on disk: its template and its assets, and whether it is still up to date."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import io
import json
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from smyth.local.children import MARK, child_environment
from smyth.local.emulator import ACCOUNT, REGION
from smyth.local.folder import LocalCloudError

#: The checkout: the laptop cloud deploys what lies in it.
PROJECT = Path(__file__).resolve().parents[3]
#: The laptop is just one more customer: ``infra/customers/laptop.yaml``.
CUSTOMER = "laptop"
#: What the template is made from.
_INPUTS = ("infra", "functions", "shared/smyth", "layers", "docs/openapi.json", "cdk.json", "uv.lock")
_NO_INPUTS = {"__pycache__", "build", "local", "cli", "testing"}
#: Every file of an archive bears the same time, so that equal contents make equal archives.
_ZIP_TIME = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Asset:
    """One file or folder that the template refers to by bucket and key."""

    key: str
    bucket: str
    source: Path
    packaging: str

    def content(self) -> bytes:
        """What is uploaded: the file, or the folder as an archive."""
        return archive(self.source) if self.packaging == "zip" else self.source.read_bytes()


@dataclass(frozen=True, slots=True)
class Assembly:
    """A synthesised stack."""

    stack: str
    template: dict[str, Any]
    assets: tuple[Asset, ...]

    @classmethod
    def read(cls, folder: Path) -> Assembly:
        """Read the only stack of a synthesised folder."""
        manifest = json.loads((folder / "manifest.json").read_text())
        artifacts = manifest["artifacts"].items()
        stack_id, stack = next((key, value) for key, value in artifacts if value["type"] == "aws:cloudformation:stack")
        template = json.loads((folder / stack["properties"]["templateFile"]).read_text())
        assets = []
        for file in json.loads((folder / f"{stack_id}.assets.json").read_text())["files"].values():
            source = file["source"]
            if source["path"] == stack["properties"]["templateFile"]:
                continue
            place = next(iter(file["destinations"].values()))
            bucket = place["bucketName"].replace("${AWS::AccountId}", ACCOUNT).replace("${AWS::Region}", REGION)
            assets.append(Asset(place["objectKey"], bucket, folder / source["path"], source["packaging"]))
        return cls(stack["properties"].get("stackName", stack_id), template, tuple(assets))


async def synthesised(folder: Path, inputs: str) -> Assembly:
    """The stack made from inputs with this hash: as it lies in the folder, else made anew.

    Raises:
        LocalCloudError: It cannot be made; the message carries the last lines of what the CDK app said.
    """
    stamp = folder / "inputs"
    if not stamp.is_file() or stamp.read_text() != inputs:
        await _synthesise(folder)
        stamp.write_text(inputs)
    return Assembly.read(folder)


async def _synthesise(folder: Path) -> None:
    if not (PROJECT / "infra" / "app.py").is_file():
        raise LocalCloudError(f"smyth dev needs the project's checkout; there is no infra/app.py in {PROJECT}")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "infra.app", "--customer", CUSTOMER, "--out", str(folder)),
        cwd=PROJECT,
        env=child_environment(CDK_VALIDATION="false", **{MARK: str(folder.parent)}),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        output, _ = await process.communicate()
    except asyncio.CancelledError:
        with contextlib.suppress(ProcessLookupError):  # Ctrl-C reached it too
            process.kill()
        await process.wait()
        raise
    if process.returncode:
        last = "\n".join(output.decode(errors="replace").strip().splitlines()[-12:])
        raise LocalCloudError(f"the stack of customer '{CUSTOMER}' could not be made:\n{last}")


def inputs_hash(root: Path = PROJECT) -> str:
    """A hash of everything that the template and its assets are made from."""
    digest = hashlib.sha256(f"{CUSTOMER} {sys.version} {sys.prefix}".encode())
    for name in _INPUTS:
        start = root / name
        for path in [start] if start.is_file() else sorted(start.rglob("*")):
            parts = path.relative_to(root).parts
            if path.is_file() and not _NO_INPUTS.intersection(parts):
                digest.update(f"\0{'/'.join(parts)}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def archive(folder: Path, *, below: str = "", without: frozenset[str] = frozenset({"__pycache__"})) -> bytes:
    """A zip archive of a folder; equal contents make equal bytes.

    Args:
        folder: What goes in.
        below: A folder inside the archive under which everything is put.
        without: Names of files and folders that stay out.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as out:
        for path in sorted(folder.rglob("*")):
            inside = path.relative_to(folder)
            if path.is_file() and not without.intersection(inside.parts):
                entry = zipfile.ZipInfo((Path(below) / inside).as_posix(), _ZIP_TIME)
                entry.external_attr = (path.stat().st_mode & 0xFFFF) << 16
                entry.compress_type = zipfile.ZIP_DEFLATED
                out.writestr(entry, path.read_bytes())
    return buffer.getvalue()
