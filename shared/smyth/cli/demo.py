"""``smyth demo``: the laptop cloud on fresh data, and every kind of call to it once."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from smyth.cli.dev import Steps, cancel_on_signals, welcome
from smyth.cli.errors import CommandError

if TYPE_CHECKING:
    from rich.console import Console

    from smyth.local.cloud import Running
    from smyth.local.tour import Call


def demo(
    port: Annotated[int, typer.Option(help="Port of the API; 0 takes a free one.")] = 8080,
    once: Annotated[bool, typer.Option("--once", help="End after the tour.")] = False,
    data: Annotated[Path | None, typer.Option(help="Folder of the data; else a new one, removed at the end.")] = None,
) -> None:
    """Start the laptop cloud, import the examples and call every part of it."""
    from rich.console import Console

    from smyth.local.folder import LocalCloudError

    console = Console(highlight=False)
    try:
        with _folder(data) as folder:
            asyncio.run(_run(Path(folder).absolute(), port=port, once=once, console=console))
    except LocalCloudError as error:
        raise CommandError(str(error)) from None
    except asyncio.CancelledError:
        if once:
            raise CommandError("stopped before the tour was over", exit_code=130) from None


def _folder(data: Path | None) -> contextlib.AbstractContextManager[Path | str]:
    if data is not None:
        return contextlib.nullcontext(data)
    return tempfile.TemporaryDirectory(prefix="smyth-demo-", ignore_cleanup_errors=True)


async def _run(folder: Path, *, port: int, once: bool, console: Console) -> None:
    from smyth.local.cloud import running
    from smyth.local.folder import DataFolder

    cancel_on_signals()
    steps = Steps(console)
    async with running(DataFolder(folder), host="127.0.0.1", port=port, tell=steps.begin) as cloud:
        calls = await _tour(cloud, steps)
        _print(calls, console)
        if not once:
            welcome(cloud, console)
            await cloud.until_it_ends()
    failed = sum(bool(call.fault) for call in calls)
    console.print(f"demo: {len(calls)} calls, {failed} failed")
    if failed:
        raise CommandError("some calls of the demo failed; they are listed above")


async def _tour(cloud: Running, steps: Steps) -> list[Call]:
    import httpx

    from smyth.local.tour import Tour

    calls: list[Call] = []
    steps.begin("calling every part of it")
    async with httpx.AsyncClient(base_url=cloud.url, timeout=60, trust_env=False) as http:
        await Tour(http, operator_key=cloud.operator_key, tell=calls.append).run()
    steps.end()
    return calls


def _print(calls: list[Call], console: Console) -> None:
    from rich.table import Table

    table = Table("call", "status", "ms", "requests left")
    for call in calls:
        status = f"[red]{call.status}[/red]" if call.fault else str(call.status)
        table.add_row(call.name, status, f"{call.ms:.0f}", call.requests_left)
    console.print(table)
    for call in calls:
        if call.fault:
            console.print(f"failed: {call.name}: {call.fault}", markup=False, soft_wrap=True)
