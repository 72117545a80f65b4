"""``smyth compat``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from smyth.cli.errors import CommandError, UsageError


def compat(
    directory: Annotated[Path | None, typer.Argument(help="Folder with the recorded cases.")] = None,
    transcripts: Annotated[Path | None, typer.Option(help="Folder with recorded conversations instead.")] = None,
    record: Annotated[Path | None, typer.Option(help="Write the answers into this folder, one file per case.")] = None,
    vault: Annotated[Path | None, typer.Option(help="Secrets; else vault.json beside the folder.")] = None,
    peer: Annotated[str | None, typer.Option(help="Command that starts the HTTP server that the cases call.")] = None,
) -> None:
    """Replay recorded cases of the original runtime; ends with 1 when an answer differs."""
    if (directory is None) == (transcripts is None):
        raise UsageError("Name a folder with cases, or one with conversations by --transcripts.")
    try:
        if transcripts is not None:
            from smyth.sdk.compat import transcripts as conversations

            failed = conversations.replay(transcripts, record=record, vault=vault).failed
        else:
            from smyth.sdk.compat import replay

            failed = replay(directory or "", record=record, vault=vault, peer=peer).failed
    except (OSError, RuntimeError, ValueError) as error:
        raise CommandError(str(error)) from None
    if failed:
        raise typer.Exit(1)
