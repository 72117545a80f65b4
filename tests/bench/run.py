"""``make bench``: prints what starting, answering and running cost."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from rich.console import Console
from rich.table import Table

from smyth.platform.routes import FUNCTIONS
from tests.bench import engine, handlers, imports
from tests.bench.run_engine import cpu_table


def main() -> None:
    """Measure and print; exit 1 where a function without models imports the model library."""
    console = Console()
    starts = imports.measure()
    console.print(_starts(starts))
    console.print(_paths())
    console.print(cpu_table(engine.measure()))
    with_models = {function.name for function in FUNCTIONS if function.models}
    heavy = [start.name for start in starts if start.litellm and start.name not in with_models]
    if heavy:
        console.print(f"[red]litellm is imported at start by: {', '.join(heavy)}")
        raise SystemExit(1)


def _starts(starts: list[imports.Start]) -> Table:
    base = starts[0]
    table = Table(title="Start of a function: whole process, median of 5")
    for column in ("function", "wall ms", "cpu ms", "RSS MB", "cpu / baseline", "litellm at start"):
        table.add_column(column, justify="left" if column == "function" else "right")
    for start in starts:
        name = "fastapi + mangum + boto3 client" if start is base else start.name
        ratio = f"{start.cpu_ms / base.cpu_ms:.2f}"
        said = "yes" if start.litellm else "no"
        table.add_row(name, f"{start.wall_ms:.0f}", f"{start.cpu_ms:.0f}", str(start.rss_mb), ratio, said)
    return table


def _paths() -> Table:
    table = Table(title="Handler path: event to answer in a warm process, no network")
    table.add_column("function")
    table.add_column("p50 ms", justify="right")
    for path in handlers.measure():
        table.add_row(path.name, f"{path.p50_ms:.2f}")
    return table


if __name__ == "__main__":
    main()
