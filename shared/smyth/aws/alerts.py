"""Alerts in the table.

==================  ====================  =================
item                partition             sort key
==================  ====================  =================
settings            ``T#<tenant>``        ``ALERTS``
alert               ``T#<tenant>#ALERT``  ``SENT#<ulid>``
raised before       ``T#<tenant>#ALERT``  ``ONCE#<name>``
pending (index)     ``LEASE#ALERTS``      when to try again
==================  ====================  =================
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from smyth.aws.table import ConditionFailed, Item, Table, key, put, put_new, update
from smyth.platform.alerts import Alert, AlertSettings
from smyth.platform.times import rfc3339

#: Longer than any period but ``total``.
_KEPT = timedelta(days=400)
_PENDING = "LEASE#ALERTS"
_WOKEN_AT_ONCE = 200


class DynamoAlerts:
    """An :class:`~smyth.platform.alerts.AlertStore` in the table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def settings(self, tenant_id: str) -> AlertSettings:
        """See :meth:`smyth.platform.alerts.AlertStore.settings`."""
        item = self._table.get(f"T#{tenant_id}", "ALERTS")
        return AlertSettings.model_validate_json(item["settings"]) if item else AlertSettings()

    def put_settings(self, tenant_id: str, settings: AlertSettings) -> None:
        """See :meth:`smyth.platform.alerts.AlertStore.put_settings`."""
        # All of it as it is set: what is None must not be read as the usual.
        self._table.write(put(key(f"T#{tenant_id}", "ALERTS") | {"settings": settings.model_dump_json()}))

    def raise_once(self, once: str, alert: Alert) -> bool:
        """See :meth:`smyth.platform.alerts.AlertStore.raise_once`."""
        expires = {"expires_at": int((alert.at + _KEPT).timestamp())}
        marker = key(f"T#{alert.tenant_id}#ALERT", f"ONCE#{once}") | {"id": alert.id} | expires
        due = {"lease_pk": _PENDING, "lease_sk": rfc3339(alert.next_try(alert.at))}
        try:
            self._table.transact([put_new(marker), put_new(_item(alert) | due | expires)])
        except ConditionFailed as failed:
            return failed.item.get("id") == alert.id  # An earlier try of ours had come through.
        return True

    def was_raised(self, tenant_id: str, once: str) -> bool:
        """See :meth:`smyth.platform.alerts.AlertStore.was_raised`."""
        return self._table.get(f"T#{tenant_id}#ALERT", f"ONCE#{once}", consistent=False) is not None

    def get(self, tenant_id: str, alert_id: str) -> Alert | None:
        """See :meth:`smyth.platform.alerts.AlertStore.get`."""
        item = self._table.get(f"T#{tenant_id}#ALERT", f"SENT#{alert_id}")
        return Alert.model_validate_json(item["alert"]) if item else None

    def recent(self, tenant_id: str) -> Iterator[Alert]:
        """See :meth:`smyth.platform.alerts.AlertStore.recent`."""
        found = self._table.query(f"T#{tenant_id}#ALERT", prefix="SENT#", newest_first=True, page_size=50)
        return (Alert.model_validate_json(item["alert"]) for item in found)

    def record(self, alert: Alert, now: datetime) -> bool:
        """See :meth:`smyth.platform.alerts.AlertStore.record`."""
        values: Item = {"alert": alert.model_dump_json(), "tries": alert.attempts, "seen": alert.attempts - 1}
        if alert.state == "pending":
            values["due"] = rfc3339(alert.next_try(now))
            expression = "SET #alert = :alert, #tries = :tries, #lease_sk = :due"
        else:
            expression = "SET #alert = :alert, #tries = :tries REMOVE #lease_pk, #lease_sk"
        return self._change(alert, expression, values)

    def wake(self, now: datetime) -> int:
        """See :meth:`smyth.platform.alerts.AlertStore.wake`."""
        woken = 0
        for found in self._table.query_index("lease", _PENDING, before=rfc3339(now), limit=_WOKEN_AT_ONCE):
            item = self._table.get(found["pk"], found["sk"])
            if item is None or "lease_sk" not in item:
                continue
            alert = Alert.model_validate_json(item["alert"])
            again = alert.model_copy(update={"wanted": alert.attempts + 1})
            values = {"alert": again.model_dump_json(), "seen": alert.attempts, "due": rfc3339(alert.next_try(now))}
            woken += self._change(alert, "SET #alert = :alert, #lease_sk = :due", values)
        return woken

    def _change(self, alert: Alert, expression: str, values: Item) -> bool:
        at = key(f"T#{alert.tenant_id}#ALERT", f"SENT#{alert.id}")
        try:
            self._table.write(update(at, expression, values, condition="#tries = :seen"))
        except ConditionFailed:
            return False
        return True


def _item(alert: Alert) -> Item:
    at = key(f"T#{alert.tenant_id}#ALERT", f"SENT#{alert.id}")
    return at | {"alert": alert.model_dump_json(), "tries": alert.attempts}
