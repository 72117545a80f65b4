"""The ports that a run may use, in one place."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from smyth.connectors.http.client import public_client
from smyth.connectors.models.echo import EchoModels
from smyth.connectors.vault.memory import MemoryVault

if TYPE_CHECKING:
    from collections.abc import Callable

    from smyth.connectors.http.port import HttpPort
    from smyth.connectors.models.port import ModelPort
    from smyth.connectors.telemetry.port import Telemetry
    from smyth.connectors.vault.port import Vault


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(slots=True)
class Ports:
    """What the world offers to a run. The defaults need no network, no keys and no cloud."""

    models: ModelPort = field(default_factory=EchoModels)
    vault: Vault = field(default_factory=MemoryVault)
    #: Calls public addresses; connects when first used.
    http: HttpPort = field(default_factory=public_client)
    #: Injected so that runs can be repeated in tests; returns an aware UTC time.
    clock: Callable[[], datetime] = _now
    #: Hears of every component that ran; None: nobody listens, and listening costs nothing.
    telemetry: Telemetry | None = None
