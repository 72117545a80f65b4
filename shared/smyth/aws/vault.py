"""Credentials: records in the table, values in Secrets Manager.

============  =================  =================  ====================================================
item          partition          sort key           what
============  =================  =================  ====================================================
credential    ``T#<tenant>``     ``CRED#<name>``    the record, as JSON, and its revision
pointer       ``T#<tenant>``     ``VAULT``          which version of each of the tenant's secrets counts
due rotation  ``ROTATIONS``      ``<due>#<tenant>#<name>``
============  =================  =================  ====================================================

The secrets are ``<prefix><tenant>/1``, ``/2`` and so on: each holds one JSON envelope of names, filled to what Secrets
Manager takes, and the next begins where one is full. A credential lies whole in one of them.

Secrets Manager knows no conditional writes. So a write puts new versions of the envelopes first, which nobody reads
yet, and then moves the pointer and the record in one transaction, on the condition that nobody else has. Who loses
begins again; a writer that dies between both has changed nothing.
"""

from __future__ import annotations

import base64
import json
import secrets as randomness
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from smyth.aws.clients import data_config, make_client
from smyth.aws.table import ConditionFailed, Item, Table, Write, delete, key, put, put_new, update
from smyth.platform.credential_records import Credential, Secrets
from smyth.platform.errors import Busy, LimitReached
from smyth.platform.times import rfc3339

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

#: What Secrets Manager takes in one secret.
SECRET_BYTES = 65_536
MOST_SECRETS = 8
_ROTATIONS = "ROTATIONS"
_ATTEMPTS = 8
_READ_TIMEOUT_S = 4
#: In the first envelope: what the tenant's fetched tokens are sealed with.
_DATA_KEY = "data_key"
_SEEN = "attribute_exists(#pk) AND #revision = :revision"

Envelope = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Pointer:
    """Which versions of a tenant's secrets count, by the secrets' numbers."""

    revision: int = 0
    versions: Mapping[str, str] = field(default_factory=dict)


class SecretsVault:
    """A :class:`~smyth.platform.credential_records.CredentialStore` on Secrets Manager and the table."""

    def __init__(
        self, table: Table, prefix: str, *, encryption_key: str = "", client: SecretsManagerClient | None = None
    ) -> None:
        """Make a store.

        Args:
            table: Where records are.
            prefix: What the secrets' names begin with.
            encryption_key: The KMS key that secrets are encrypted with; blank: AWS's own.
            client: For tests; made when first used.
        """
        self._table = table
        self._prefix = prefix
        self._encryption = {"KmsKeyId": encryption_key} if encryption_key else {}
        self._given = client

    @cached_property
    def _client(self) -> SecretsManagerClient:
        if self._given is not None:
            return self._given
        made: SecretsManagerClient = make_client("secretsmanager", data_config(_READ_TIMEOUT_S))
        return made

    def get(self, tenant_id: str, name: str) -> Credential | None:
        """See :meth:`smyth.platform.credential_records.CredentialStore.get`."""
        at = _at(tenant_id, name)
        item = self._table.get(at["pk"], at["sk"])
        return _credential(item) if item else None

    def by_name(self, tenant_id: str, after: str = "") -> Iterator[Credential]:
        """See :meth:`smyth.platform.credential_records.CredentialStore.by_name`."""
        behind = _at(tenant_id, after)["sk"] if after else ""
        return map(_credential, self._table.query(f"T#{tenant_id}", prefix="CRED#", after=behind))

    def secrets(self, tenant_id: str, name: str) -> Secrets:
        """See :meth:`smyth.platform.credential_records.CredentialStore.secrets`."""
        for envelope in self.envelopes(tenant_id, self.pointer(tenant_id)).values():
            if name in envelope["entries"]:
                found: Secrets = envelope["entries"][name]
                return found
        return {}

    def save(self, tenant_id: str, known: Credential | None, changed: Credential, secrets: Secrets | None) -> bool:
        """See :meth:`smyth.platform.credential_records.CredentialStore.save`."""
        changed = changed.model_copy(update={"revision": known.revision + 1 if known else 1})
        record = _record_write(tenant_id, known, changed)
        rotations = _rotation_writes(tenant_id, known, changed)
        if secrets is None:
            return self._commit([record, *rotations]) != 0
        return self._move(tenant_id, changed.name, secrets, [record, *rotations])

    def delete(self, tenant_id: str, known: Credential) -> bool:
        """See :meth:`smyth.platform.credential_records.CredentialStore.delete`."""
        record = delete(_at(tenant_id, known.name), condition=_SEEN, values={"revision": known.revision})
        return self._move(tenant_id, known.name, None, [record, *_rotation_writes(tenant_id, known, None)])

    def due(self, now: datetime, limit: int) -> Iterator[tuple[str, str]]:
        """See :meth:`smyth.platform.credential_records.CredentialStore.due`."""
        for number, item in enumerate(self._table.query(_ROTATIONS, page_size=limit)):
            if number == limit or item["sk"] > rfc3339(now):
                return
            yield item["tenant_id"], item["name"]

    def note_used(self, tenant_id: str, name: str, day: str) -> None:
        """Note the day of a credential's last use, unless it is noted already."""
        try:
            self._table.write(
                update(
                    _at(tenant_id, name),
                    "SET #last_used = :day",
                    {"day": day},
                    condition="attribute_exists(#pk) AND (attribute_not_exists(#last_used) OR #last_used < :day)",
                )
            )
        except ConditionFailed:
            return

    def pointer(self, tenant_id: str) -> Pointer:
        """Return which versions of the tenant's secrets count."""
        item = self._table.get(f"T#{tenant_id}", "VAULT")
        return Pointer(int(item["revision"]), item["versions"]) if item else Pointer()

    def envelopes(self, tenant_id: str, pointer: Pointer) -> dict[str, Envelope]:
        """Return the content of the tenant's secrets by their numbers."""
        return {number: self.envelope(tenant_id, number, version) for number, version in pointer.versions.items()}

    def envelope(self, tenant_id: str, number: str, version: str) -> Envelope:
        """Return the content of one version of a secret, which never changes."""
        answer = self._client.get_secret_value(SecretId=self._name(tenant_id, number), VersionId=version)
        found: Envelope = json.loads(answer["SecretString"])
        return found

    def erase(self, tenant_id: str) -> None:
        """Delete all secrets of a tenant, at once and for good; those that are gone already are no error."""
        for number in range(1, MOST_SECRETS + 1):
            try:
                self._client.delete_secret(SecretId=self._name(tenant_id, str(number)), ForceDeleteWithoutRecovery=True)
            except self._client.exceptions.ResourceNotFoundException:
                continue

    def _move(self, tenant_id: str, name: str, secrets: Secrets | None, writes: list[Write]) -> bool:
        """Write ``secrets`` as the entry of ``name``, or none, together with ``writes``, the record's first.

        Returns False when the record has changed meanwhile. Another credential's change only makes it begin again.
        """
        for _ in range(_ATTEMPTS):
            pointer = self.pointer(tenant_id)
            envelopes = self.envelopes(tenant_id, pointer)
            changed = placed(envelopes, name, secrets)
            versions = {number: self._put(tenant_id, number, envelopes[number]) for number in changed}
            lost = self._commit([*writes, _pointer_write(tenant_id, pointer, versions)])
            if lost is None or lost == 0:
                return lost is None
        raise Busy("Others are changing the tenant's credentials. Nothing was changed; try again.", retry_after_s=1)

    def _commit(self, writes: list[Write]) -> int | None:
        """Do all writes; return the index of the one that lost against another's, None where none did."""
        try:
            self._table.transact(writes)
        except ConditionFailed as error:
            return error.index
        return None

    def _put(self, tenant_id: str, number: str, envelope: Envelope) -> str:
        """Write a new version of a secret, making the secret where there is none; return the version's id."""
        name, version, content = self._name(tenant_id, number), str(uuid4()), _dumped(envelope)
        try:
            return self._put_value(name, version, content)
        except self._client.exceptions.ResourceNotFoundException:
            try:
                made = self._client.create_secret(
                    Name=name,
                    ClientRequestToken=version,
                    SecretString=content,
                    Description="Credentials of a tenant. Its versions are managed: change them through the API only.",
                    Tags=[{"Key": "smyth:tenant", "Value": tenant_id}],
                    **self._encryption,  # type: ignore[arg-type]
                )
            except self._client.exceptions.ResourceExistsException:
                return self._put_value(name, version, content)
            return made["VersionId"]
        except self._client.exceptions.LimitExceededException:
            raise Busy(
                "Credentials were changed too often today. Nothing was changed; try again in some hours.",
                retry_after_s=3_600,
            ) from None

    def _put_value(self, name: str, version: str, content: str) -> str:
        answer = self._client.put_secret_value(SecretId=name, ClientRequestToken=version, SecretString=content)
        return answer["VersionId"]

    def _name(self, tenant_id: str, number: str) -> str:
        return f"{self._prefix}{tenant_id}/{number}"


def placed(envelopes: dict[str, Envelope], name: str, secrets: Secrets | None) -> list[str]:
    """Put an entry where it has room, its own place first, or take it out; return the numbers of changed envelopes.

    Raises:
        LimitReached: There is no room, and no further secret may be made.
    """
    before = next((number for number, envelope in envelopes.items() if name in envelope["entries"]), None)
    if before is not None:
        del envelopes[before]["entries"][name]
    if secrets is None:
        return [before] if before is not None else []
    numbers = [before] if before is not None else []
    numbers += [number for number in sorted(envelopes) if number != before]
    for number in numbers:
        envelopes[number]["entries"][name] = dict(secrets)
        if len(_dumped(envelopes[number]).encode()) <= SECRET_BYTES:
            break
        del envelopes[number]["entries"][name]
    else:
        if len(envelopes) >= MOST_SECRETS:
            raise LimitReached(
                f"The tenant's credentials fill {MOST_SECRETS} secrets of {SECRET_BYTES:,} bytes. "
                "Delete some, or make long values shorter."
            )
        number = str(len(envelopes) + 1)
        envelopes[number] = {"entries": {name: dict(secrets)}}
        if number == "1":
            envelopes[number][_DATA_KEY] = base64.b64encode(randomness.token_bytes(32)).decode()
    return [number] if before in (None, number) else [number, before]


def data_key(envelopes: Mapping[str, Envelope]) -> bytes | None:
    """Return what the tenant's fetched tokens are sealed with; None where the tenant has no secrets yet."""
    return base64.b64decode(envelopes["1"][_DATA_KEY]) if "1" in envelopes else None


def _dumped(envelope: Envelope) -> str:
    return json.dumps(envelope, ensure_ascii=False, separators=(",", ":"))


def _at(tenant_id: str, name: str) -> Item:
    return key(f"T#{tenant_id}", f"CRED#{name}")


def _credential(item: Item) -> Credential:
    read = Credential.model_validate_json(item["record"])
    return read.model_copy(update={"last_used": item.get("last_used", "")})


def _record_write(tenant_id: str, known: Credential | None, changed: Credential) -> Write:
    record = changed.model_dump_json(exclude={"last_used"})
    if known is None:
        return put_new(_at(tenant_id, changed.name) | {"record": record, "revision": changed.revision})
    # An update, as the day of the last use stands beside the record.
    return update(
        _at(tenant_id, changed.name),
        "SET #record = :record, #revision = :next",
        {"record": record, "next": changed.revision, "revision": known.revision},
        condition=_SEEN,
    )


def _pointer_write(tenant_id: str, pointer: Pointer, versions: Mapping[str, str]) -> Write:
    item = key(f"T#{tenant_id}", "VAULT") | {
        "revision": pointer.revision + 1,
        "versions": {**pointer.versions, **versions},
    }
    if pointer.revision == 0:
        return put_new(item)
    return put(item, condition=_SEEN, values={"revision": pointer.revision})


def _rotation_writes(tenant_id: str, known: Credential | None, changed: Credential | None) -> list[Write]:
    """Return what keeps the list of due rotations as the record says."""
    before, after = _due_at(tenant_id, known), _due_at(tenant_id, changed)
    if before == after:
        return []
    writes = [] if before is None else [delete(before)]
    if after is not None and changed is not None:
        writes.append(put(after | {"tenant_id": tenant_id, "name": changed.name}))
    return writes


def _due_at(tenant_id: str, credential: Credential | None) -> Item | None:
    if credential is None or credential.rotation is None:
        return None
    return key(_ROTATIONS, f"{rfc3339(credential.rotation.due_at)}#{tenant_id}#{credential.name}")
