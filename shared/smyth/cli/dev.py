"""``smyth dev``: the laptop cloud."""

from __future__ import annotations

import asyncio
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from smyth.cli.errors import CommandError

if TYPE_CHECKING:
    from rich.console import Console

    from smyth.local.cloud import Running


def dev(
    port: Annotated[int, typer.Option(help="Port of the API; 0 takes a free one.")] = 8080,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    data: Annotated[Path, typer.Option(help="Folder that keeps the cloud's data.")] = Path(".smyth"),
    watch: Annotated[bool, typer.Option("--watch", help="Redeploy functions as they change.")] = False,
) -> None:
    """Run the whole cloud on this machine until Ctrl-C; its data stay in the data folder."""
    from rich.console import Console

    from smyth.local.folder import LocalCloudError

    console = Console(stderr=True, highlight=False)
    try:
        asyncio.run(_run(data.absolute(), host=host, port=port, watch=watch, console=console))
    except LocalCloudError as error:
        raise CommandError(str(error)) from None
    except asyncio.CancelledError:
        console.print("stopped; the data are kept in", data, soft_wrap=True)


async def _run(data: Path, *, host: str, port: int, watch: bool, console: Console) -> None:
    from smyth.local.cloud import running
    from smyth.local.folder import DataFolder

    cancel_on_signals()
    steps = Steps(console)
    async with running(DataFolder(data), host=host, port=port, tell=steps.begin) as cloud:
        steps.end()
        watching = asyncio.create_task(_watch(cloud, console)) if watch else None
        await asyncio.sleep(0)  # The watch begins before anyone is told that the cloud is up.
        welcome(cloud, console)
        try:
            await cloud.until_it_ends()
        finally:
            if watching:
                watching.cancel()


async def _watch(cloud: Running, console: Console) -> None:
    from smyth.local.watch import redeploy_on_change

    await redeploy_on_change(cloud, tell=console.print)


def cancel_on_signals() -> None:
    """Let the first Ctrl-C or SIGTERM cancel the main task; it then stops everything in order."""
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()
    assert task is not None

    def cancel() -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, lambda: None)
        task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, cancel)


class Steps:
    """Shows what is being done and how long it took."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._status = console.status("")
        self._step = ""
        self._since = 0.0

    def begin(self, step: str) -> None:
        """Show a step; the one before is done."""
        self.end()
        self._step, self._since = step, time.monotonic()
        self._status.update(step)
        self._status.start()

    def end(self) -> None:
        """The last step is done."""
        self._status.stop()
        if self._step:
            self._console.print(f"[green]✓[/green] {self._step} [dim]{time.monotonic() - self._since:.1f} s[/dim]")
        self._step = ""


def welcome(cloud: Running, console: Console) -> None:
    """Tell where the cloud is and its keys."""
    console.print(f"\n[bold]Smyth is up:[/bold] {cloud.url}   [dim]API reference: {cloud.url}/docs[/dim]")
    console.print(f"  operator key     {cloud.operator_key}", soft_wrap=True)
    console.print(f"  demo tenant      {cloud.tenant_id}", soft_wrap=True)
    console.print(f"  demo tenant key  {cloud.tenant_key}", soft_wrap=True)
    console.print(f"  model server     {cloud.model_server}   (models scripted, scripted-claude)", soft_wrap=True)
    console.print("Ctrl-C stops it and keeps the data.")
