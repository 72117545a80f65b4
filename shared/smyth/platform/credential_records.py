"""What is told of a credential, and what it is made from. Values never stand in a record."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Annotated, Protocol

from pydantic import BaseModel, ConfigDict, Field, HttpUrl, SecretStr, field_validator

from smyth.platform.acl import OF_TEAM, Access, Level

NAME_PATTERN = r"^[A-Za-z0-9_][A-Za-z0-9_.:@-]{0,99}$"
#: Three versions of the longest value fit into one secret of Secrets Manager.
MOST_VALUE_BYTES = 16 * 1024
KEPT_VERSIONS = 3
#: Values of a credential by their version's number, and beside them the secret that rotations are signed with.
Secrets = Mapping[str, str]
HOOK = "hook"


def _not_blank(value: SecretStr) -> SecretStr:
    text = value.get_secret_value()
    if not text.strip():
        raise ValueError("must not be blank")
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise ValueError("must be text without half characters") from None
    if size > MOST_VALUE_BYTES:
        raise ValueError(f"must have {MOST_VALUE_BYTES:,} bytes at the most")
    return value


class RotationFields(BaseModel):
    """When and by whom the value is replaced."""

    model_config = ConfigDict(extra="forbid")

    url: str = Field(
        max_length=500,
        description="Is posted a signed request when the value is due; it answers with the new one: "
        '{"value": "..."}. Must be https and a public address.',
    )
    every_days: int = Field(ge=1, le=365, description="How old a value may become.")

    @field_validator("url")
    @classmethod
    def _address(cls, url: str) -> str:
        parsed = HttpUrl(url)
        if parsed.username or parsed.password or parsed.fragment:
            raise ValueError("must be an address without user, password and fragment")
        return url


class CredentialFields(BaseModel):
    """What a credential is made or changed from; what is left out stays as it is."""

    model_config = ConfigDict(extra="forbid")

    value: SecretStr | None = Field(default=None, description="The secret itself. It is never shown again.")
    description: Annotated[str, Field(max_length=500)] | None = None
    access: Access | None = Field(
        default=None,
        description="Which agents may use it, and who may change it: team, or agent:<id> and user:<key or member id>.",
    )
    rotation: RotationFields | None = Field(default=None, description="Null or left out: as it is.")
    stop_rotation: bool = Field(default=False, description="No rotation any more.")
    revision: int | None = Field(
        default=None, ge=0, description="Change it only if this is its revision; 0: only if there is none yet."
    )

    @field_validator("value")
    @classmethod
    def _usable(cls, value: SecretStr | None) -> SecretStr | None:
        return None if value is None else _not_blank(value)


class NewValue(BaseModel):
    """How a value is replaced."""

    model_config = ConfigDict(extra="forbid")

    value: SecretStr | None = Field(default=None, description="The new one; left out: the rotation's address is asked.")

    @field_validator("value")
    @classmethod
    def _usable(cls, value: SecretStr | None) -> SecretStr | None:
        return None if value is None else _not_blank(value)


class Rollback(BaseModel):
    """Which version becomes the current one again."""

    model_config = ConfigDict(extra="forbid")

    version: int | None = Field(default=None, ge=1, description="One that is kept; left out: the one before.")


class Version(BaseModel):
    """One value that a credential has or had."""

    model_config = ConfigDict(frozen=True)

    number: int
    created_at: datetime
    created_by: str


class RotationState(BaseModel):
    """A credential's rotation."""

    model_config = ConfigDict(frozen=True)

    url: str
    every_days: int
    due_at: datetime
    #: Attempts since the last success, and why the last one failed.
    failures: int = 0
    error: str = ""


class Credential(BaseModel):
    """A credential without its value."""

    model_config = ConfigDict(frozen=True)

    name: str
    description: str = ""
    access: dict[str, list[Level]] = Field(default_factory=lambda: dict(OF_TEAM))
    #: The version that agents get.
    current: int
    #: Those kept, the newest last.
    versions: tuple[Version, ...]
    rotation: RotationState | None = None
    created_at: datetime
    updated_at: datetime
    #: The day; empty until then. Kept apart from the record's other writes.
    last_used: str = ""
    #: Changes with every write.
    revision: int = 1


class CredentialStore(Protocol):
    """Where credentials live: records and, apart from them, secrets."""

    def get(self, tenant_id: str, name: str) -> Credential | None:
        """Return a credential."""
        ...

    def by_name(self, tenant_id: str, after: str = "") -> Iterable[Credential]:
        """Yield the tenant's credentials behind the name ``after``, in order."""
        ...

    def secrets(self, tenant_id: str, name: str) -> Secrets:
        """Return what is secret of a credential; empty where there is none."""
        ...

    def save(self, tenant_id: str, known: Credential | None, changed: Credential, secrets: Secrets | None) -> bool:
        """Write a credential with the next revision, and its secrets unless they are None.

        Returns False, and writes nothing, when ``known`` is not as it is now.

        Raises:
            LimitReached: The tenant's secrets have no room for it.
        """
        ...

    def delete(self, tenant_id: str, known: Credential) -> bool:
        """Delete a credential and its secrets; False when ``known`` is not as it is now."""
        ...

    def due(self, now: datetime, limit: int) -> Iterable[tuple[str, str]]:
        """Return tenant and name of credentials whose rotation is due, those that wait longest first."""
        ...
