"""``make bench-coldstart``: prints what cold starts cost; exit 1 where they cost too much."""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from rich.console import Console
from rich.table import Table

from smyth.platform.routes import FUNCTIONS, Function
from tests.bench import coldstart
from tests.bench.coldstart import Code, Start
from tests.integration.emulator import create_resources, emulator, point_here
from tests.integration.sample_events import ROOT, provided, sample
from tests.peers.http_service import Asked, HttpService, Reply

#: The original's CPU time until it can answer.
ORIGINAL_CPU_MS = 1400
#: What a function without model may take: of the baseline's CPU time, on a quiet machine, and of memory.
MOST_OF_BASELINE, MOST_MS, MOST_MB = 1.3, 350, 110
#: What a model adds to LiteLLM's own import, and what an answer takes from a snapshot.
MOST_OVER_LITELLM_MS, MOST_FROM_SNAPSHOT_MS = 200, 60
#: The function that is measured with a model.
ASKING = "prompt_agent"


class Gemini(HttpService):
    """A model that only LiteLLM can ask."""

    def answer(self, asked: Asked) -> Reply:
        """Say hello."""
        said = {
            "candidates": [{"content": {"role": "model", "parts": [{"text": "Hello"}]}, "finishReason": "STOP"}],
            "usageMetadata": {"promptTokenCount": 1, "candidatesTokenCount": 1, "totalTokenCount": 2},
        }
        return Reply(f"data: {json.dumps(said)}\n\n".encode(), content_type="text/event-stream")


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--environment", action="store_true", help="measure this environment instead of the layers")
    parser.add_argument("functions", nargs="*", help="only these; without, all")
    said = parser.parse_args()
    known = [function.name for function in FUNCTIONS]
    if strangers := set(said.functions) - set(known):
        parser.error(f"there is no function {', '.join(sorted(strangers))}")
    wanted = [function for function in FUNCTIONS if not said.functions or function.name in said.functions]
    quiet = os.getloadavg()[0] < 1
    console = Console()
    with (
        nullcontext(coldstart.from_environment()) if said.environment else coldstart.layered() as code,
        _world() as environment,
    ):
        missed = _every_function(console, wanted, environment, code, rounds=said.rounds, quiet=quiet)
        missed += _with_model(console, environment, code, rounds=said.rounds)
    if not quiet:
        console.print(f"The machine was busy, so the {MOST_MS} ms were not held; the ratios were.")
    for one in missed:
        console.print(f"[red]over budget: {one}")
    return 1 if missed else 0


@contextmanager
def _world() -> Iterator[dict[str, str]]:
    """An embedded AWS and a model, and the environment in which functions find them."""
    with TemporaryDirectory(prefix="smyth-bench-") as folder, emulator(Path(folder)) as url, Gemini() as gemini:
        model = {"provider": "GoogleAI", "model": "gemini-2.5-flash", "base_url": gemini.url, "api_key": "none"}
        environment = point_here(url) | {"SMYTH_MODELS": json.dumps({"bench": model}), "SMYTH_ALLOW_PRIVATE_HTTP": "1"}
        os.environ.update(environment, POWERTOOLS_LOG_LEVEL="WARNING")
        create_resources(url)
        yield environment


def _every_function(
    console: Console,
    wanted: Sequence[Function],
    environment: Mapping[str, str],
    code: Code,
    *,
    rounds: int,
    quiet: bool,
) -> list[str]:
    """Start the baseline and every function in turns, so that a busy moment hits all alike."""
    taken: dict[str, list[Start]] = {"": [], **{function.name: [] for function in wanted}}
    for _ in range(rounds):
        ids = provided()
        taken[""].append(coldstart.baseline(code))
        # The agent is deleted last.
        for function in sorted(wanted, key=lambda one: one.name == "delete_agent"):
            event = sample(function.name, ids)
            taken[function.name].append(coldstart.first_answer(function, event, environment, code))
    medians = {name: _median(starts) for name, starts in taken.items()}
    base = medians.pop("")
    table = Table(title=f"Process start to first answer: median of {rounds}")
    for column in ("function", "wall ms", "CPU ms", "RSS MB", "CPU / baseline", "the original's CPU / ours"):
        table.add_column(column, justify="left" if column == "function" else "right")
    _row(table, "fastapi + mangum + DynamoDB client, imported", base, base)
    missed = []
    for function in wanted:
        start = medians[function.name]
        _row(table, f"{function.name} (Echo)" if function.models else function.name, start, base)
        if not function.models:
            missed += [f"{function.name}: {fault}" for fault in _faults(start, base, quiet=quiet)]
    console.print(table)
    return missed


def _faults(start: Start, base: Start, *, quiet: bool) -> Iterator[str]:
    if start.cpu_ms > MOST_OF_BASELINE * base.cpu_ms:
        yield f"{start.cpu_ms / base.cpu_ms:.2f} times the baseline, at most {MOST_OF_BASELINE}"
    if quiet and start.wall_ms > MOST_MS:
        yield f"{start.wall_ms:.0f} ms, at most {MOST_MS}"
    if start.rss_mb > MOST_MB:
        yield f"{start.rss_mb:.0f} MB, at most {MOST_MB}"


def _with_model(console: Console, environment: Mapping[str, str], code: Code, *, rounds: int) -> list[str]:
    """Ask a model that takes LiteLLM: from nothing, and from a snapshot."""
    document = json.loads((ROOT / "examples" / "hash-api.smyth").read_text()) | {"defaultModel": "bench"}
    event = sample(ASKING, provided(document))
    function = next(one for one in FUNCTIONS if one.name == ASKING)
    imports, starts = [], []
    for _ in range(rounds):
        imports.append(coldstart.import_litellm(code))
        starts.append(coldstart.first_answer(function, event, environment, code))
    library, start = _median(imports), _median(starts)
    forks = coldstart.from_snapshot(function, event, environment, code, rounds)
    restored, restored_cpu = (statistics.median(one) for one in zip(*forks, strict=True))
    table = Table(title=f"{ASKING}, asking a model through LiteLLM: median of {rounds}")
    for column in ("what", "wall ms", "CPU ms", "RSS MB", "at most"):
        table.add_column(column, justify="left" if column == "what" else "right")
    most = library.wall_ms + MOST_OVER_LITELLM_MS
    table.add_row("import litellm", f"{library.wall_ms:.0f}", f"{library.cpu_ms:.0f}", f"{library.rss_mb:.0f}", "")
    table.add_row(
        "first answer", f"{start.wall_ms:.0f}", f"{start.cpu_ms:.0f}", f"{start.rss_mb:.0f}", f"{most:.0f} ms"
    )
    table.add_row(
        "first answer, from a primed process",
        f"{restored:.0f}",
        f"{restored_cpu:.0f}",
        "",
        f"{MOST_FROM_SNAPSHOT_MS} ms",
    )
    console.print(table)
    missed = []
    if start.wall_ms > most:
        missed.append(f"{ASKING} with a model: {start.wall_ms:.0f} ms, at most {most:.0f}")
    if restored > MOST_FROM_SNAPSHOT_MS:
        missed.append(f"{ASKING} from a primed process: {restored:.0f} ms, at most {MOST_FROM_SNAPSHOT_MS}")
    return missed


def _row(table: Table, name: str, start: Start, base: Start) -> None:
    times = (f"{start.cpu_ms / base.cpu_ms:.2f}", f"{ORIGINAL_CPU_MS / start.cpu_ms:.1f}")
    table.add_row(name, f"{start.wall_ms:.0f}", f"{start.cpu_ms:.0f}", f"{start.rss_mb:.0f}", *times)


def _median(starts: Sequence[Start]) -> Start:
    return Start(
        statistics.median(start.wall_ms for start in starts),
        statistics.median(start.cpu_ms for start in starts),
        max(start.rss_mb for start in starts),
    )


if __name__ == "__main__":
    sys.exit(main())
