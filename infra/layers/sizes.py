"""How large the layers were when somebody last looked: ``layers/sizes.json``."""

from __future__ import annotations

import json
from pathlib import Path

from infra.layers.archive import MEGABYTE, unzipped_size
from infra.paths import LAYERS

_RECORD = LAYERS / "sizes.json"
#: What a layer may grow before somebody has to look again.
TOLERANCE = 2 * MEGABYTE


def growth(name: str, architecture: str, archive: Path) -> str | None:
    """Say by how much a layer has outgrown its record, and what to do; None where it has not."""
    recorded: dict[str, dict[str, int]] = json.loads(_RECORD.read_text("utf-8"))
    before = recorded.get(name, {}).get(architecture, 0)
    now = unzipped_size(archive)
    if now < before + TOLERANCE:
        return None
    return (
        f'The layer "{name}" for {architecture} has grown from {before / MEGABYTE:.1f} to {now / MEGABYTE:.1f} MB. '
        f"Leave the new weight out in layers/{name}/recipe.toml, or accept it by `python -m infra.layers --record`."
    )


def record(archives: dict[tuple[str, str], Path]) -> None:
    """Write the sizes of (layer, architecture) down as accepted."""
    sizes: dict[str, dict[str, int]] = {}
    for (name, architecture), archive in sorted(archives.items()):
        sizes.setdefault(name, {})[architecture] = unzipped_size(archive)
    _RECORD.write_text(json.dumps(sizes, indent=2) + "\n", "utf-8")
