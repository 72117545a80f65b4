"""What turns of callers may use up."""

from __future__ import annotations

import pytest

from smyth.http.caller import Caller
from smyth.http.services import Services
from smyth.http.settings import Settings
from smyth.http.turns import run_limits


@pytest.mark.parametrize(("seconds", "for_branches"), [(None, None), (26.0, 25.0), (0.1, 0.0)])
def test_background_branches_of_skills_end_before_the_answer_is_due(
    monkeypatch: pytest.MonkeyPatch, seconds: float | None, for_branches: float | None
) -> None:
    stack = Services(Settings(table_name="t", bucket_name="b", limits={"components": 7}))
    monkeypatch.setattr("smyth.http.turns.services", lambda: stack)
    caller = Caller.from_context({"tenant_id": "ten-1", "plan": "payg", "role": "developer", "key_id": "key-1"}, "", "")
    assert caller is not None
    limits = run_limits(caller, seconds)
    assert (limits.branch_seconds, limits.components) == (for_branches, 7)
