"""Apps of these tests write their audit down here, and know no stack."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from smyth.http import audit, caller
from smyth.http.settings import Settings
from smyth.platform.audit import Event


@pytest.fixture(autouse=True)
def audited(monkeypatch: pytest.MonkeyPatch) -> list[Event]:
    """What was written down of changes and refusals."""
    written: list[Event] = []
    record = SimpleNamespace(record=written.append, record_refusal=written.append)
    monkeypatch.setattr(audit, "services", lambda: SimpleNamespace(audit=record))
    monkeypatch.setattr(caller, "settings", lambda: Settings("table", "bucket"))
    return written
