"""Cuts the metadata of distributions down to what programs read, and gathers their licences for people."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

#: What ``importlib.metadata`` is asked for at run time: the name, the version and the entry points.
_READ_BY_PROGRAMS = re.compile(r"^(?:Metadata-Version|Name|Version): ")
_LICENCE = re.compile(r"(?i)(?:licen[cs]e|copying|notice|authors|copyright)")


def slim_metadata(python: Path, licences: Path) -> None:
    """Cut every ``.dist-info`` below ``python``; its licence texts go to ``licences/<package>/``."""
    for folder in sorted(python.glob("*.dist-info")):
        package = folder.name.partition("-")[0]
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            if _LICENCE.search(path.name):
                kept = licences / package / path.relative_to(folder)
                kept.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, kept)
        for path in folder.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            elif path.name not in ("METADATA", "entry_points.txt"):
                path.unlink()
        metadata = folder / "METADATA"
        head = metadata.read_text("utf-8").partition("\n\n")[0]
        lines = [line for line in head.splitlines() if _READ_BY_PROGRAMS.match(line)]
        metadata.write_text("\n".join(lines) + "\n", "utf-8")
