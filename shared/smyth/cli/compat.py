"""``smyth compat``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from smyth.cli.errors import CommandError


def compat(
    directory: Annotated[Path, typer.Argument(help="Folder with the recorded cases.")],
    record: Annotated[Path | None, typer.Option(help="Write the answers into this folder, one file per case.")] = None,
    vault: Annotated[Path | None, typer.Option(help="Secrets; else vault.json beside the folder.")] = None,
    peer: Annotated[str | None, typer.Option(help="Command that starts the HTTP server that the cases call.")] = None,
) -> None:
    """Replay recorded cases of the original runtime; ends with 1 when an answer differs."""
    from smyth.sdk.compat import replay

    try:
        result = replay(directory, record=record, vault=vault, peer=peer)
    except (OSError, RuntimeError, ValueError) as error:
        raise CommandError(str(error)) from None
    if result.failed:
        raise typer.Exit(1)
