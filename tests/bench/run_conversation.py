"""``make bench-conversation``: prints what a turn adds to its provider's time; exit 1 where it adds too much."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from rich.console import Console
from rich.table import Table

from tests.bench import conversation, streams


def main() -> None:
    """Measure and print."""
    console = Console()
    table = Table(title="What we add to a provider on loopback that answers at once (medians, ms)")
    for column in ("what", "direct", "ours", "added", "at most", "the original adds", "times less"):
        table.add_column(column, justify="left" if column == "what" else "right")
    overheads = conversation.measure()
    for one in overheads:
        figures = (one.direct_ms, one.ours_ms, one.added_ms)
        ratio = f"{one.original_ms / max(one.added_ms, 0.01):.0f}"
        bound = f"{one.at_most_ms:.0f}"
        table.add_row(one.name, *(f"{ms:.1f}" for ms in figures), bound, f"{one.original_ms:.0f}", ratio)
    console.print(table)
    many = streams.measure()
    console.out(
        f"{streams.STREAMS} streams at once: {many.completed} complete in {many.seconds:.1f} s, "
        f"{many.peak_mb:.0f} MB at most in the stream process (at most {streams.MOST_MB})"
    )
    missed = [one.name for one in overheads if not one.is_within_budget]
    missed += ["streams at once"] if not many.is_right else []
    if missed:
        console.print(f"[red]over budget: {', '.join(missed)}")
        raise SystemExit(1)


if __name__ == "__main__":
    main()
