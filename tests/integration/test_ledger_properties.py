"""Whatever order admissions, settlements, releases and sweeps come in: the meter is the count of the ledger."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, rule

from smyth.platform.errors import QuotaExceeded
from smyth.platform.metering import Admission, Entry, Figures
from tests.integration.test_metering_under_faults import World, answer_lost, answer_lost_and_sent_again, cancelled

GRANTED = 4
FAULTS = st.lists(
    st.sampled_from([answer_lost, answer_lost_and_sent_again, cancelled("TransactionConflict")]), max_size=2
)


def counted(ledger: list[Entry]) -> int:
    return sum(entry.status != "released" for entry in ledger)


class Ledger(RuleBasedStateMachine):
    """Calls metering in any order, also twice, late, and with faults on the way."""

    admissions: Bundle[Admission] = Bundle("admissions")

    def __init__(self) -> None:
        super().__init__()
        # Sweeps ask shard by shard; that they ask all is tested with the faults. One makes this four times as quick.
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr("smyth.aws.metering._LEASE_SHARDS", 1)
        self.world = World()
        self.final: dict[str, str] = {}

    def teardown(self) -> None:
        self.patch.undo()

    @rule(target=admissions, faults=FAULTS)
    def admit(self, faults: list[object]) -> object:
        full = counted(self.world.ledger) >= GRANTED
        self.world.client.faults = [] if full else list(faults)  # type: ignore[arg-type]
        try:
            return self.world.admit(GRANTED)
        except QuotaExceeded:
            assert full
            return multiple()
        finally:
            self.world.client.faults = []

    @rule(admission=admissions, tokens=st.integers(0, 9))
    def settle(self, admission: Admission, tokens: int) -> None:
        self.world.metering.settle(admission, Figures(input_tokens=tokens))

    @rule(admission=admissions)
    def release(self, admission: Admission) -> None:
        self.world.metering.release(admission)

    @rule(admission=admissions, tokens=st.integers(1, 9))
    def note(self, admission: Admission, tokens: int) -> None:
        self.world.metering.note(admission, Figures(input_tokens=tokens))

    @rule(seconds=st.sampled_from([1, 70]))
    def sweep(self, seconds: int) -> None:
        self.world.now += timedelta(seconds=seconds)
        self.world.metering.sweep()

    @invariant()
    def the_meter_is_the_count_of_the_ledger_and_what_is_final_stays(self) -> None:
        ledger = self.world.ledger
        assert self.world.used == counted(ledger) <= GRANTED
        now = {entry.request_id: entry.model_dump_json() for entry in ledger if entry.status != "reserved"}
        assert self.final.items() <= now.items()
        self.final = now


Ledger.TestCase.settings = settings(
    max_examples=8, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
)
TestLedger = Ledger.TestCase
