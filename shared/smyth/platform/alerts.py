"""Alerts: what a tenant is told of its quota, its money and its triggers, where to, and what came of it.

An alert is written once and delivered at least once: whoever delivers reads the
record, tries the channels that have not taken it yet and writes what came of
it. Each bears an id by which receivers tell repetitions.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Annotated, Literal, Protocol

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from ulid import ULID

from smyth.connectors.http.addresses import AddressGuard
from smyth.connectors.http.port import HttpError
from smyth.connectors.notifications.signatures import new_secret
from smyth.platform.errors import Invalid, RateLimited
from smyth.platform.money import MICRO
from smyth.platform.times import Clock, utc_now

Kind = Literal["quota", "budget", "spend_spike", "schedule", "trigger", "test"]
Channel = Literal["webhook", "email", "eventbridge"]

#: After so many attempts an alert is given up, a day and a half after it was raised.
MOST_ATTEMPTS = 6
_FIRST_PAUSE = timedelta(minutes=5)
_RECENT = 20
_LEVELS = (50, 80, 100)


def _distinct(levels: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(sorted(set(levels)))


Level = Annotated[int, Field(ge=1, le=100)]
Levels = Annotated[tuple[Level, ...], Field(max_length=10), AfterValidator(_distinct)]
#: No more than mailboxes need: nothing that a header or a list of addresses could be made of.
Email = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9._%+\-]{1,64}@([A-Za-z0-9\-]{1,63}\.){1,8}[A-Za-z]{2,24}$", max_length=254),
]


class SpendSpike(BaseModel):
    """When spending counts as a spike. Money in micro-USD."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    #: How many times the usual hour the last hour must have cost.
    factor: int = Field(default=3, ge=2, le=100)
    #: An hour that cost less is no spike.
    minimum: int = Field(default=5 * MICRO, ge=0)


class AlertSettings(BaseModel):
    """What a tenant wants to be told, and where."""

    model_config = ConfigDict(frozen=True)

    #: In percent of a quota or a budget.
    levels: Levels = _LEVELS
    #: None: spikes are not looked for.
    spend_spike: SpendSpike | None = SpendSpike()
    webhook_url: str | None = None
    webhook_secret: str = Field(default="", repr=False)
    emails: tuple[Email, ...] = Field(default=(), max_length=5)


class Alert(BaseModel):
    """One alert, and what came of it."""

    model_config = ConfigDict(frozen=True)

    id: str
    tenant_id: str
    kind: Kind
    #: What it is about: a meter (``2026-05``, ``prepaid``), a budget (``agent:<id>#2026-05``), a day, or a trigger.
    subject: str
    #: The percentage that was reached; None where there is none.
    level: int | None = None
    #: Requests, or micro-USD.
    used: int = 0
    limit: int = 0
    message: str
    at: datetime
    state: Literal["pending", "done", "failed"] = "pending"
    #: How often it is to be tried, and how often it was.
    wanted: int = 1
    attempts: int = 0
    #: Channel -> ``delivered``, or why not.
    deliveries: dict[Channel, str] = {}

    def tried(self, deliveries: dict[Channel, str]) -> Alert:
        """Return the alert as it stands after an attempt."""
        attempts = self.attempts + 1
        whole = all(outcome == "delivered" for outcome in deliveries.values())
        state = "done" if whole else "failed" if attempts >= MOST_ATTEMPTS else "pending"
        return self.model_copy(update={"attempts": attempts, "deliveries": deliveries, "state": state})

    def next_try(self, now: datetime) -> datetime:
        """Return when an alert that is pending is to be tried again: each pause is four times the last."""
        return now + _FIRST_PAUSE * int(4 ** max(0, self.attempts - 1))


class AlertStore(Protocol):
    """Where settings and alerts live."""

    def settings(self, tenant_id: str) -> AlertSettings:
        """Return a tenant's settings, the usual ones where it has set none."""
        ...

    def put_settings(self, tenant_id: str, settings: AlertSettings) -> None:
        """Write a tenant's settings."""
        ...

    def raise_once(self, once: str, alert: Alert) -> bool:
        """Write an alert unless one was written under the name ``once`` before; False then."""
        ...

    def was_raised(self, tenant_id: str, once: str) -> bool:
        """Tell, perhaps a moment late, whether an alert was written under this name."""
        ...

    def get(self, tenant_id: str, alert_id: str) -> Alert | None:
        """Return an alert, as written last."""
        ...

    def recent(self, tenant_id: str) -> Iterable[Alert]:
        """Yield a tenant's alerts, newest first."""
        ...

    def record(self, alert: Alert, now: datetime) -> bool:
        """Write what came of an attempt; False when another attempt was quicker."""
        ...

    def wake(self, now: datetime) -> int:
        """Ask for another attempt at every pending alert that is due; return how many."""
        ...


class AlertChanges(BaseModel):
    """What a tenant sets; all of it is replaced, the secret aside."""

    model_config = ConfigDict(extra="forbid")

    levels: Levels = _LEVELS
    spend_spike: SpendSpike | None = SpendSpike()
    webhook_url: str | None = Field(default=None, max_length=2_000)
    #: Make a new secret though there is one.
    new_webhook_secret: bool = False
    emails: tuple[Email, ...] = Field(default=(), max_length=5)


class Alerts:
    """The use cases of a tenant's alerts."""

    def __init__(
        self, store: AlertStore, guard: AddressGuard, *, sends_mail: bool = False, clock: Clock = utc_now
    ) -> None:
        """Make the use cases.

        Args:
            store: Where settings and alerts are.
            guard: Decides about addresses of webhooks.
            sends_mail: Whether this stack has an address to send mail from.
            clock: Tells when an alert was raised.
        """
        self._store = store
        self._guard = guard
        self._sends_mail = sends_mail
        self._now = clock

    def settings(self, tenant_id: str) -> AlertSettings:
        """Return a tenant's settings."""
        return self._store.settings(tenant_id)

    def recent(self, tenant_id: str) -> list[Alert]:
        """Return the newest alerts."""
        return [alert for alert, _ in zip(self._store.recent(tenant_id), range(_RECENT), strict=False)]

    async def put(self, tenant_id: str, changes: AlertChanges) -> tuple[AlertSettings, str | None]:
        """Set what a tenant is told and where; return it with the webhook's secret if that is new.

        Raises:
            Invalid: The webhook's address may not be called, or this stack sends no mail.
        """
        if changes.emails and not self._sends_mail:
            raise _invalid("emails", "This stack sends no mail. Leave emails out, or have the operator set it up.")
        if changes.webhook_url is not None:
            await self._check_address(changes.webhook_url)
        secret = self._store.settings(tenant_id).webhook_secret
        fresh = None
        if changes.webhook_url is None:
            secret = ""
        elif not secret or changes.new_webhook_secret:
            secret = fresh = new_secret()
        settings = AlertSettings(**changes.model_dump(exclude={"new_webhook_secret"}), webhook_secret=secret)
        self._store.put_settings(tenant_id, settings)
        return settings, fresh

    def test(self, tenant_id: str) -> Alert:
        """Raise an alert that says that alerts arrive; at most one a minute.

        Raises:
            RateLimited: There was one in this minute.
        """
        now = self._now()
        alert = Alert(
            id=str(ULID()),
            tenant_id=tenant_id,
            kind="test",
            subject="test",
            message="This is a test: alerts of this tenant arrive here.",
            at=now,
        )
        if not self._store.raise_once(f"test:{now:%Y-%m-%dT%H:%M}", alert):
            raise RateLimited("There was a test in this minute. Wait for the next one.", retry_after_s=60 - now.second)
        return alert

    def wake(self) -> int:
        """Have pending alerts tried again whose time has come; return how many."""
        return self._store.wake(self._now())

    async def _check_address(self, text: str) -> None:
        from httpx import URL, InvalidURL

        try:
            url = URL(text)
        except InvalidURL:
            raise _invalid("webhook_url", "This is no URL. Write it like https://example.com/smyth.") from None
        if not url.host or url.userinfo:
            raise _invalid("webhook_url", "Give a URL with a host and without user and password.")
        try:
            self._guard.check_scheme(url.scheme)
            await self._guard.addresses(url.host, url.port or 443)
        except HttpError as error:
            raise _invalid("webhook_url", str(error)) from None


def _invalid(field: str, message: str) -> Invalid:
    return Invalid(message, [{"in": "body", "field": field, "code": "invalid", "message": message}])
