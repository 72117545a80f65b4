"""``make bench-admission``: prints what admission and settlement cost; exit 1 where a request writes too often."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from rich.console import Console
from rich.table import Table

from tests.bench import admission


def main() -> None:
    """Measure and print."""
    console = Console()
    table = Table(title=f"Admission and settlement, {admission.CALLERS} callers at once (medians, ms)")
    for column in ("plan", "budget", "tenants", "bare put", "ours", "puts", "write calls a request"):
        table.add_column(column, justify="left" if column == "plan" else "right")
    costs = admission.measure()
    for cost in costs:
        times = (f"{cost.put_ms:.1f}", f"{cost.ours_ms:.1f}", f"{cost.ratio:.1f}")
        budget = "yes" if cost.budgeted else "no"
        table.add_row(cost.plan, budget, str(cost.tenants), *times, f"{cost.writes_per_request:.2f}")
    console.print(table)
    if any(cost.writes_per_request > admission.MOST_WRITES for cost in costs):
        console.print(f"[red]more than {admission.MOST_WRITES} write calls a request")
        raise SystemExit(1)


if __name__ == "__main__":
    main()
