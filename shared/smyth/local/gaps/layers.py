"""Gap: MiniStack unzips every layer anew for every worker process, which then also compiles all of it anew.

Runs inside the emulator's process. A layer is unpacked once, by its content, and every worker imports from there.
"""

from __future__ import annotations

import hashlib
import io
import os
import threading
import zipfile
from pathlib import Path
from typing import Any

from ministack.core import lambda_runtime  # type: ignore[import-untyped]
from ministack.services import lambda_svc  # type: ignore[import-untyped]


def bridge(folder: Path) -> None:
    """Unpack layers below ``folder``, each once."""
    spawn = lambda_runtime.Worker._spawn

    one_at_a_time = threading.Lock()

    def spawn_with_unpacked_layers(worker: Any) -> None:
        config = worker.config
        with one_at_a_time:
            layers = [lambda_svc._resolve_layer_zip(layer) for layer in config.get("Layers", [])]
            unpacked = [str(_unpacked(folder, layer)) for layer in layers]
        variables = config.get("Environment", {}).get("Variables", {})
        variables = {**variables, "_LAMBDA_LAYERS_DIRS": os.pathsep.join(unpacked)}
        worker.config = {**config, "Layers": [], "Environment": {"Variables": variables}}
        try:
            spawn(worker)
        finally:
            worker.config = config

    lambda_runtime.Worker._spawn = spawn_with_unpacked_layers


def _unpacked(folder: Path, archive: bytes | None) -> Path:
    if not archive:
        raise RuntimeError("a layer of the function is gone")
    place = folder / hashlib.sha256(archive).hexdigest()
    if not place.exists():
        beside = place.with_suffix(".new")
        with zipfile.ZipFile(io.BytesIO(archive)) as content:
            content.extractall(beside)
        beside.rename(place)
    return place
