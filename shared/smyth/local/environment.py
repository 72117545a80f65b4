"""The environment of a deployed function of the running laptop cloud, for calling its handler elsewhere."""

from __future__ import annotations

from pathlib import Path

from smyth.local.assembly import Assembly
from smyth.local.deploy import function_environment, look_up
from smyth.local.emulator import client_environment
from smyth.local.folder import DataFolder


def environment_of(function: str, data: Path) -> dict[str, str] | None:
    """Return what Lambda would give the function; None when no laptop cloud runs on the folder.

    Args:
        function: The name of its folder under ``functions/``.
        data: The data folder of ``smyth dev``.
    """
    folder = DataFolder(data.absolute())
    if not folder.dev_json.is_file():
        return None
    url = f"http://127.0.0.1:{folder.read_settings()['emulator_port']}"
    deployed = look_up(Assembly.read(folder.assembly).stack, url)
    return function_environment(deployed.functions[function], url) | client_environment(url)
