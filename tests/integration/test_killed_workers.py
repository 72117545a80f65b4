"""Functions die at any moment; requests and money are neither lost nor counted twice."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from smyth.platform.errors import QuotaExceeded
from tests.integration.killed_workers import NOW
from tests.integration.metered import Metered

ROOT = Path(__file__).resolve().parents[2]
BUDGET = 100_000_000


def survive(*, workers: int, requests: int, kills: int, left: int, seed: int) -> int:
    """Let workers race for what is left, kill some of them, and compare the ledger with what they said.

    Returns how many requests were cut short.
    """
    tenant = Metered("basic", limits=(("requests_per_month", left),))
    tenant.now = NOW
    budget = tenant.set_budget(BUDGET)
    told = {"tenant_id": tenant.caller.tenant_id, "workers": workers, "requests": requests, "kills": kills}
    arguments = json.dumps(told | {"seed": seed, "limit": left})
    program = [sys.executable, "-m", "tests.integration.killed_workers", arguments]
    done = subprocess.run(program, cwd=ROOT, env=os.environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    said: dict[str, str] = json.loads(done.stdout)

    def used() -> int:
        return tenant.store.meter(tenant.caller.tenant_id, "2030-05").used

    while used() < left:  # What was given back at the very end: it can be had.
        tenant.admit()
    with pytest.raises(QuotaExceeded):
        tenant.admit()
    assert sum(entry.status != "released" for entry in tenant.ledger) == left

    cut_short = sum(entry.status == "reserved" for entry in tenant.ledger)
    tenant.now += timedelta(hours=1)
    tenant.metering.sweep()
    ledger = {entry.request_id: entry for entry in tenant.ledger}
    settled = [entry for entry in ledger.values() if entry.status == "settled"]
    assert not any(entry.status == "reserved" for entry in ledger.values())
    assert left - used() + len(settled) == left
    assert set(said) <= set(ledger)
    for request_id, step in said.items():
        assert step in (ledger[request_id].status, "admitted")
    standing = tenant.standing(budget)
    assert (standing.reserved, standing.spent) == (0, sum(entry.price for entry in settled))
    assert standing.free + standing.spent == BUDGET
    return cut_short


def test_a_few_workers_that_are_killed_lose_nothing() -> None:
    survive(workers=6, requests=150, kills=8, left=40, seed=0)


@pytest.mark.crashes
@pytest.mark.parametrize("seed", range(20))
def test_32_workers_with_5000_requests_for_1000_left_lose_nothing(seed: int) -> None:
    assert survive(workers=32, requests=5_000, kills=60, left=1_000, seed=seed)
