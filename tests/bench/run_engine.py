"""``make bench-engine``: prints what runs cost, beside the original; exit 1 where one costs more than it may."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from rich.console import Console
from rich.table import Table

from tests.bench import endurance, engine
from tests.bench.engine import CLIENTS, Cost

_DRIFT_MB = 5
_LOOP_CPU_S = 3
_LOOP_PEAK_MB = 300


def main() -> None:
    """Measure and print."""
    console = Console()
    costs = engine.measure(clients=CLIENTS)
    if not costs:
        console.print(f"[red]The agents to measure are not at hand: {engine.AGENTS} does not exist.")
        raise SystemExit(1)
    costs += engine.measure_calling(clients=CLIENTS)
    console.print(cpu_table(costs))
    console.print(_throughput(costs))
    missed = [cost.case.file for cost in costs if not cost.is_within_budget]
    observed = engine.measure_observed()
    console.print(f"a_hash.smyth while somebody listens to its spans: {observed.cpu_ms:.3f} ms CPU")
    missed += _print_endurance(console)
    if missed:
        console.print(f"[red]over budget: {', '.join(missed)}")
        raise SystemExit(1)


def cpu_table(costs: list[Cost]) -> Table:
    """Return the table of what one run costs."""
    table = Table(title="Engine: one run in process; the original's best on a like machine", caption=_CAPTION)
    for column in ("agent", "CPU ms", "at most", "original", "times less", "p50 ms", "original"):
        table.add_column(column, justify="left" if column == "agent" else "right", no_wrap=True)
    for cost in costs:
        case, original = cost.case, cost.case.original
        table.add_row(
            case.file,
            f"{cost.cpu_ms:.3f}",
            f"{case.budget_ms:.1f}",
            f"{original.cpu_ms:.1f}",
            f"{original.cpu_ms / cost.cpu_ms:.0f}",
            f"{cost.p50_ms:.3f}",
            f"{original.p50_ms:.1f}",
        )
    return table


_CAPTION = "The original: SmythOS SRE 1.7.42 with its waits and polls switched off; as shipped a hash takes 159 ms."


def _throughput(costs: list[Cost]) -> Table:
    table = Table(title="Runs a second by clients at once, in one process")
    table.add_column("agent")
    for clients in CLIENTS:
        table.add_column(str(clients), justify="right")
        table.add_column("original", justify="right")
    for cost in costs:
        row = [cost.case.file]
        for clients, original in zip(CLIENTS, cost.case.original.per_second, strict=True):
            row += [f"{cost.per_second[clients]:,.0f}", f"{original:,.0f}"]
        table.add_row(*row)
    return table


def _print_endurance(console: Console) -> list[str]:
    """Print what stays after very much work; return what is over its bound."""
    runs, loop = endurance.runs(), endurance.loop()
    drift = runs.after_mb - runs.before_mb
    console.out(
        f"{endurance.RUNS:,} runs of a_hash.smyth: {runs.before_mb:.1f} MB before, {runs.after_mb:.1f} MB after "
        f"({drift:+.1f} MB; the original keeps {endurance.RUNS * 7.5 / 1024:.0f} MB)"
    )
    console.out(
        f"ForEach over {endurance.ITEMS:,} hash items: {'right' if loop.is_right else 'WRONG'}, "
        f"{loop.cpu_s:.2f} s CPU, {loop.peak_mb:.0f} MB at most (the original fails over 99)"
    )
    bounds = {
        "memory after many runs": abs(drift) <= _DRIFT_MB,
        "CPU of a long loop": loop.cpu_s < _LOOP_CPU_S,
        "memory of a long loop": loop.peak_mb < _LOOP_PEAK_MB,
        "result of a long loop": loop.is_right,
    }
    return [name for name, is_kept in bounds.items() if not is_kept]


if __name__ == "__main__":
    main()
