"""The stack's secrets."""

from __future__ import annotations

import pytest

from smyth.aws import secrets
from smyth.aws.secrets import StackSecret


class Manager:
    """Answers with a secret that can be replaced, and counts."""

    def __init__(self) -> None:
        self.secret = "first"
        self.asked = 0

    def get_secret_value(self, **_: str) -> dict[str, str]:
        self.asked += 1
        return {"SecretString": self.secret}


def test_a_replaced_secret_is_seen_within_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1_000.0
    monkeypatch.setattr(secrets.time, "monotonic", lambda: now)
    manager = Manager()
    secret = StackSecret("arn", manager)  # type: ignore[arg-type]
    assert [secret.value(), secret.value(), manager.asked] == ["first", "first", 1]
    manager.secret = "second"
    now += 59
    assert secret.value() == "first"
    now += 1
    assert secret.value() == "second"
