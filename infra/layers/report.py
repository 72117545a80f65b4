"""What weighs in a layer."""

from __future__ import annotations

import hashlib
import zipfile
from collections import Counter
from pathlib import Path, PurePosixPath

from infra.layers.archive import MEGABYTE

_TOP = 15


def report(name: str, architecture: str, archive: Path) -> str:
    """A table for people: the heaviest parts, the totals, and the hash that two equal builds share."""
    with zipfile.ZipFile(archive) as zipped:
        entries = zipped.infolist()
    unzipped, compressed = Counter[str](), Counter[str]()
    for entry in entries:
        parts = PurePosixPath(entry.filename).parts
        part = parts[1] if parts[0] == "python" else parts[0]
        unzipped[part] += entry.file_size
        compressed[part] += entry.compress_size
    lines = [f"layer {name}, {architecture}", f"  {'part':<32}{'MB unzipped':>14}{'zipped':>9}"]
    lines += [f"  {part:<32}{_mb(size):>14}{_mb(compressed[part]):>9}" for part, size in unzipped.most_common(_TOP)]
    rest = len(unzipped) - _TOP
    if rest > 0:
        left = [part for part, _ in unzipped.most_common()[_TOP:]]
        sizes = (sum(unzipped[part] for part in left), sum(compressed[part] for part in left))
        lines.append(f"  {f'{rest} more':<32}{_mb(sizes[0]):>14}{_mb(sizes[1]):>9}")
    lines.append(f"  {'total':<32}{_mb(unzipped.total()):>14}{_mb(archive.stat().st_size):>9}")
    bytecode = sum(entry.file_size for entry in entries if entry.filename.endswith(".pyc"))
    lines.append(f"  of it bytecode {_mb(bytecode)} MB, {len(entries)} files")
    lines.append(f"  sha256 {hashlib.sha256(archive.read_bytes()).hexdigest()}")
    return "\n".join(lines) + "\n"


def _mb(size: int) -> str:
    return f"{size / MEGABYTE:.1f}"
