"""The ports that a run may use, in one place."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from smyth.connectors.agents.memory import MemoryAgents
from smyth.connectors.code.quickjs import local_sandbox
from smyth.connectors.files.memory import MemoryFiles
from smyth.connectors.http.client import public_client
from smyth.connectors.jobs.memory import Jobs
from smyth.connectors.knowledge.knowledge import Knowledge
from smyth.connectors.memory.in_process import InProcessMemory
from smyth.connectors.models.echo import EchoModels
from smyth.connectors.service_urls import ServiceUrls
from smyth.connectors.vault.memory import MemoryVault
from smyth.connectors.vault.tokens import MemoryTokens

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from smyth.connectors.agents.port import AgentDirectory
    from smyth.connectors.code.port import CodeSandbox
    from smyth.connectors.conversations.port import Conversations
    from smyth.connectors.files.port import FileSystem
    from smyth.connectors.http.port import HttpPort
    from smyth.connectors.memory.port import KeyValueMemory
    from smyth.connectors.models.allowance import Allowance
    from smyth.connectors.models.port import ModelPort
    from smyth.connectors.telemetry.port import Telemetry
    from smyth.connectors.vault.port import Vault
    from smyth.connectors.vault.tokens import Tokens


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(slots=True)
class Ports:
    """What the world offers to a run. The defaults need no network, no keys and no cloud."""

    models: ModelPort = field(default_factory=EchoModels)
    #: What providers may take for the request, held by whoever asks one past ``models``; None: whatever they do.
    allowance: Allowance | None = None
    vault: Vault = field(default_factory=MemoryVault)
    #: Tokens that components fetched from token servers.
    tokens: Tokens = field(default_factory=MemoryTokens)
    #: Calls public addresses; connects when first used.
    http: HttpPort = field(default_factory=public_client)
    #: Runs JavaScript; starts its process when first used.
    code: CodeSandbox = field(default_factory=local_sandbox)
    service_urls: ServiceUrls = field(default_factory=ServiceUrls.from_env)
    #: Injected so that runs can be repeated in tests; returns an aware UTC time.
    clock: Callable[[], datetime] = _now
    #: Hears of every component that ran; None: nobody listens, and listening costs nothing.
    telemetry: Telemetry | None = None
    files: FileSystem = field(default_factory=MemoryFiles)
    memory: KeyValueMemory = field(default_factory=InProcessMemory)
    #: Texts found by meaning; needs an embedding model to be of use.
    knowledge: Knowledge = field(default_factory=Knowledge)
    #: Other agents of the team.
    agents: AgentDirectory = field(default_factory=MemoryAgents)
    #: Who holds conversations for components; None: nobody, and components that need one say so.
    conversations: Conversations | None = None
    #: Background branches of runs in this process.
    jobs: Jobs = field(default_factory=Jobs)
    #: Injected so that tests need not wait; takes seconds.
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
