"""Credentials in Secrets Manager and the table, on moto."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from smyth.aws.table import Table
from smyth.aws.tenant_vault import KeptVaults, TenantVault, VaultByTenant
from smyth.aws.vault import MOST_SECRETS, SECRET_BYTES, SecretsVault, placed
from smyth.connectors.http.port import HttpReply, HttpRequest
from smyth.connectors.notifications.signatures import HEADER, verify
from smyth.connectors.vault.rotation import RotationHook
from smyth.platform.access import Caller
from smyth.platform.credential_records import CredentialFields
from smyth.platform.credentials import Credentials
from smyth.platform.errors import LimitReached
from tests.unit import aws_clients

OWNER = Caller(tenant_id="ten-1", role="owner", key_id="key-1")
LONG = "é" * 8_000  # 16,000 bytes, which stay so many in an envelope
START = datetime(2026, 3, 1, tzinfo=UTC)


class Receiver:
    """A tenant's address for rotations."""

    def __init__(self) -> None:
        self.answers: list[Any] = []
        self.asked: list[HttpRequest] = []

    async def send(self, request: HttpRequest) -> HttpReply:
        self.asked.append(request)
        status, body = self.answers.pop(0)
        return HttpReply(status, {}, body if isinstance(body, bytes) else json.dumps(body).encode(), request.url)

    def stream(self, request: HttpRequest) -> Any:
        raise NotImplementedError


class Clock:
    now = START

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def receiver() -> Receiver:
    return Receiver()


@pytest.fixture
def credentials(vault: SecretsVault, receiver: Receiver, clock: Clock) -> Credentials:
    return Credentials(vault, RotationHook(receiver, lambda: clock.now.timestamp()), clock=clock)


async def put(credentials: Credentials, name: str, value: str | None = None, **fields: Any) -> str:
    given = fields if value is None else {"value": value, **fields}
    _, shown = await credentials.put(OWNER, name, CredentialFields.model_validate(given))
    return shown


async def value_of(vault: SecretsVault, name: str, tenant_id: str = "ten-1") -> str | None:
    return await TenantVault(KeptVaults(vault), tenant_id).get("any", name)


def secret_names() -> list[str]:
    return [one["Name"] for one in aws_clients.secretsmanager().list_secrets()["SecretList"]]


async def test_a_tenant_has_one_secret_and_the_table_no_value(
    credentials: Credentials, vault: SecretsVault, table: Table
) -> None:
    for number in range(20):
        await put(credentials, f"name-{number}", f"s3cret {number}")
    assert secret_names() == ["smyth/test/credentials/ten-1/1"]
    assert "s3cret" not in str(table.client.scan(TableName="t")["Items"])
    assert [await value_of(vault, f"name-{number}") for number in (0, 19)] == ["s3cret 0", "s3cret 19"]


async def test_a_full_secret_is_followed_by_another_and_room_is_used_again(
    credentials: Credentials, vault: SecretsVault
) -> None:
    for number in range(5):
        await put(credentials, f"name-{number}", LONG)
    assert secret_names() == ["smyth/test/credentials/ten-1/1", "smyth/test/credentials/ten-1/2"]
    credentials.delete(OWNER, "name-0")
    await put(credentials, "name-9", LONG)
    assert len(secret_names()) == 2
    # A second and a third version need more room than is left beside the others: the credential moves as a whole.
    await put(credentials, "name-1", LONG + "2")
    await put(credentials, "name-1", LONG + "3")
    assert await value_of(vault, "name-1") == LONG + "3"
    assert [await value_of(vault, f"name-{number}") for number in (2, 3, 4, 9)] == [LONG] * 4
    client = aws_clients.secretsmanager()
    sizes = [len(client.get_secret_value(SecretId=name)["SecretString"].encode()) for name in secret_names()]
    assert max(sizes) <= SECRET_BYTES


def test_there_is_an_end_to_splitting() -> None:
    envelopes: dict[str, Any] = {}
    for number in range(MOST_SECRETS):
        placed(envelopes, f"name-{number}", {"1": "x" * 60_000})
    before = json.dumps(envelopes)
    with pytest.raises(LimitReached, match="fill 8 secrets"):
        placed(envelopes, "one-more", {"1": "x" * 60_000})
    assert json.dumps(envelopes) == before


class Racing(SecretsVault):
    """Lets another writer in between reading and writing."""

    def __init__(self, table: Table, meanwhile: Callable[[], None]) -> None:
        super().__init__(table, "smyth/test/credentials/", client=aws_clients.secretsmanager())
        self.meanwhile: list[Callable[[], None]] = [meanwhile]

    def _put(self, tenant_id: str, number: str, envelope: dict[str, Any]) -> str:
        if self.meanwhile:
            self.meanwhile.pop()()
        return super()._put(tenant_id, number, envelope)


async def test_writers_at_once_lose_nothing(credentials: Credentials, vault: SecretsVault, table: Table) -> None:
    await put(credentials, "first", "1")

    def meanwhile() -> None:
        fields = CredentialFields.model_validate({"value": "of the quicker"})
        credentials._put(OWNER, "quick", fields)
        credentials._put(OWNER, "first", fields)

    slow = Credentials(Racing(table, meanwhile), RotationHook(Receiver()))
    await put(slow, "slow", "of the slower")
    await put(Credentials(Racing(table, meanwhile), RotationHook(Receiver())), "first", "2")
    assert await value_of(vault, "quick") == "of the quicker"
    assert await value_of(vault, "slow") == "of the slower"
    assert await value_of(vault, "first") == "2"


async def test_a_writer_that_dies_halfway_has_changed_nothing(
    credentials: Credentials, vault: SecretsVault, table: Table
) -> None:
    await put(credentials, "name", "before")

    class Dies(SecretsVault):
        def _commit(self, writes: Any) -> int | None:
            raise ConnectionError

    dying = Dies(table, "smyth/test/credentials/", client=aws_clients.secretsmanager())
    with pytest.raises(ConnectionError):
        await put(Credentials(dying, RotationHook(Receiver())), "name", "after")
    assert await value_of(vault, "name") == "before"
    await put(credentials, "name", "later")
    assert await value_of(vault, "name") == "later"


async def test_a_warm_function_reads_a_vault_once_a_minute_and_unchanged_secrets_never_again(
    credentials: Credentials, table: Table
) -> None:
    class Counting(SecretsVault):
        read: list[str] = []

        def pointer(self, tenant_id: str) -> Any:
            self.read.append("pointer")
            return super().pointer(tenant_id)

        def envelope(self, tenant_id: str, number: str, version: str) -> Any:
            self.read.append("secret")
            return super().envelope(tenant_id, number, version)

    await put(credentials, "name", "one")
    counting = Counting(table, "smyth/test/credentials/", client=aws_clients.secretsmanager())
    seconds = 0.0
    vault = TenantVault(KeptVaults(counting, ticks=lambda: seconds), "ten-1")
    assert [await vault.get("", "name"), await vault.get("", "other")] == ["one", None]
    assert counting.read == ["pointer", "secret"]
    seconds = 61.0
    assert await vault.get("", "name") == "one"
    assert counting.read == ["pointer", "secret", "pointer"]
    await put(credentials, "name", "two")
    seconds = 122.0
    assert await vault.get("", "name") == "two"


async def test_models_get_only_what_all_agents_may_use(credentials: Credentials, vault: SecretsVault) -> None:
    await put(credentials, "openai", "for all")
    await put(credentials, "mine", "for one", access={"agent:agt-1": ["read"]})
    shared = VaultByTenant(KeptVaults(vault))
    assert [await shared.get("ten-1", "openai"), await shared.get("ten-1", "mine")] == ["for all", None]
    assert await shared.get("ten-2", "openai") is None


async def test_erasing_takes_all_secrets_and_may_be_repeated(credentials: Credentials, vault: SecretsVault) -> None:
    for number in range(5):
        await put(credentials, f"name-{number}", LONG)
    vault.erase("ten-1")
    vault.erase("ten-1")
    assert secret_names() == []


async def test_a_due_rotation_brings_the_next_value_by_a_signed_request(
    credentials: Credentials, vault: SecretsVault, receiver: Receiver, clock: Clock
) -> None:
    rotation = {"url": "https://example.com/rotate", "every_days": 30}
    secret = await put(credentials, "name", "one", rotation=rotation)
    assert secret.startswith("whsec_")
    assert await put(credentials, "name", rotation=rotation) == ""
    assert await credentials.rotate_due(lambda: True) == 0
    clock.now = START + timedelta(days=30, seconds=1)
    receiver.answers = [(200, {"value": "two"})]
    assert await credentials.rotate_due(lambda: True) == 1
    assert await value_of(vault, "name") == "two"
    [asked] = receiver.asked
    assert verify(secret, asked.body or b"", asked.headers[HEADER], now=int(clock.now.timestamp()))
    assert b"one" not in (asked.body or b"")
    assert await credentials.rotate_due(lambda: True) == 0


@pytest.mark.parametrize(
    "answer",
    [(500, {}), (200, b"no JSON"), (200, {"value": 5}), (200, {"value": "x" * 17_000}), (200, {"value": "\ud800"})],
)
async def test_a_rotation_that_fails_keeps_the_value_is_told_and_tried_again(
    credentials: Credentials, vault: SecretsVault, receiver: Receiver, clock: Clock, answer: Any
) -> None:
    await put(credentials, "name", "one", rotation={"url": "https://example.com/", "every_days": 1})
    clock.now = START + timedelta(days=1, seconds=1)
    receiver.answers = [answer, (200, {"value": "two"})]
    assert await credentials.rotate_due(lambda: True) == 0
    failed = credentials.get(OWNER, "name").rotation
    assert failed is not None
    assert failed.failures == 1
    assert failed.error
    assert await value_of(vault, "name") == "one"
    assert await credentials.rotate_due(lambda: True) == 0
    clock.now += timedelta(hours=1, seconds=1)
    assert await credentials.rotate_due(lambda: True) == 1
    rotated = credentials.get(OWNER, "name").rotation
    assert rotated is not None
    assert (rotated.failures, rotated.error) == (0, "")


async def test_a_stopped_or_deleted_rotation_is_not_asked_for(
    credentials: Credentials, receiver: Receiver, clock: Clock
) -> None:
    rotation = {"url": "https://example.com/", "every_days": 1}
    await put(credentials, "stopped", "one", rotation=rotation)
    await put(credentials, "stopped", stop_rotation=True)
    await put(credentials, "deleted", "one", rotation=rotation)
    credentials.delete(OWNER, "deleted")
    clock.now = START + timedelta(days=9)
    assert await credentials.rotate_due(lambda: True) == 0
    assert receiver.asked == []


async def test_a_tenant_whose_secrets_are_full_ends_no_other_rotation(
    credentials: Credentials, vault: SecretsVault, receiver: Receiver, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    rotation = {"url": "https://example.com/", "every_days": 1}
    await put(credentials, "first", "one", rotation=rotation)
    await put(credentials, "second", "one", rotation=rotation)
    clock.now = START + timedelta(days=1, seconds=1)
    receiver.answers = [(200, {"value": LONG}), (200, {"value": "two"})]
    monkeypatch.setattr("smyth.aws.vault.MOST_SECRETS", 1)
    monkeypatch.setattr("smyth.aws.vault.SECRET_BYTES", 1_000)
    assert await credentials.rotate_due(lambda: True) == 1
    assert [await value_of(vault, name) for name in ("first", "second")] == ["one", "two"]
    told = credentials.get(OWNER, "first").rotation
    assert told is not None
    assert "fill 1 secrets" in told.error
