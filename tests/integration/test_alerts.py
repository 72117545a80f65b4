"""Alerts: raised once at each level, delivered signed, and tried again where nobody took them."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from ulid import ULID

from smyth.aws.alerts import DynamoAlerts
from smyth.aws.metering import grant_write
from smyth.aws.table import key
from smyth.aws.table import put as put_item
from smyth.connectors.notifications.signatures import HEADER, verify
from smyth.http.services import Services, services
from smyth.http.settings import settings
from smyth.platform.alert_rules import AlertRules
from smyth.platform.alerts import MOST_ATTEMPTS, AlertSettings, SpendSpike
from smyth.platform.budgets import Budget
from smyth.platform.entries import Entry, Figures
from smyth.platform.tenants import Tenant
from smyth.platform.times import rfc3339, utc_now
from tests.integration.events import (
    OPERATOR,
    Answer,
    Context,
    LambdaContext,
    call,
    caller_context,
    handler,
    new_tenant_id,
)
from tests.integration.table_stream import Receiver, alerts_of, counted, receiver, record
from tests.integration.test_metering import admit, caller_with


def new_tenant(plan: str = "basic", **limits: int) -> str:
    body = {"name": "Alerted", "plan": plan, "limits": limits}
    tenant_id: str = call("POST", "/api/tenants", body=body, caller=OPERATOR).json()["id"]
    return tenant_id


def run(*records: Any) -> dict[str, int]:
    done: dict[str, int] = handler("table_changes")({"Records": list(records)}, LambdaContext())
    return done


def raised(tenant_id: str) -> list[tuple[str, str, int | None]]:
    alerts = DynamoAlerts(services().table).recent(tenant_id)
    return [(alert.kind, alert.subject, alert.level) for alert in alerts][::-1]


def month() -> str:
    return f"{utc_now():%Y-%m}"


@pytest.fixture
def laptop(monkeypatch: pytest.MonkeyPatch) -> Services:
    """Services that may call addresses of this machine."""
    made = Services(replace(settings(), allow_private_http=True))
    for place in ("functions.table_changes.handler", "smyth.http.money.alerts"):
        monkeypatch.setattr(f"{place}.services", lambda: made)
    return made


@pytest.fixture
def hook() -> Iterator[Receiver]:
    with receiver() as got:
        yield got


def put(tenant: Context, **fields: Any) -> Answer:
    return call("PUT", "/api/alerts", body=fields, caller=tenant)


def test_each_level_of_the_quota_is_told_once() -> None:
    tenant_id = new_tenant(requests_per_month=4)
    caller = caller_with(4, tenant_id=tenant_id)
    told = []
    for _ in range(4):
        admit(caller)
        run(counted(tenant_id, month()), counted(tenant_id, month()))
        run(counted(tenant_id, month()))
        told.append([level for _, _, level in raised(tenant_id)])
    assert told == [[], [50], [50], [50, 100]]


def test_a_jump_past_several_levels_is_one_alert_of_the_highest() -> None:
    tenant_id = new_tenant(requests_per_month=10)
    for _ in range(9):
        admit(caller_with(10, tenant_id=tenant_id))
    run(counted(tenant_id, month()))
    assert raised(tenant_id) == [("quota", month(), 80)]


def test_a_prepaid_meter_that_was_filled_up_is_told_anew() -> None:
    tenant_id = new_tenant("prepaid")
    caller = caller_with(None, plan="prepaid", tenant_id=tenant_id)
    before = services().meter.store.meter(tenant_id, "prepaid").granted
    assert before == 0
    services().table.write(grant_write(tenant_id, 2))
    admit(caller)
    run(counted(tenant_id, "prepaid"))
    services().table.write(grant_write(tenant_id, 2))
    run(counted(tenant_id, "prepaid"))
    admit(caller)
    run(counted(tenant_id, "prepaid"))
    assert raised(tenant_id) == [("quota", "prepaid", 50), ("quota", "prepaid", 50)]


def test_a_plan_without_limit_has_no_quota_to_tell_of() -> None:
    tenant_id = new_tenant("enterprise")
    services().table.write(put_item(key(f"T#{tenant_id}#METER#{month()}", "0") | {"used": 9_999}))
    run(counted(tenant_id, month()))
    assert raised(tenant_id) == []


def test_changes_of_a_tenant_that_is_gone_are_passed_over() -> None:
    gone = new_tenant_id()
    services().table.write(put_item(key(f"T#{gone}#METER#{month()}", "0") | {"used": 9_999}))
    assert run(counted(gone, month()))["alerts"] == 0
    assert raised(gone) == []


def spend(tenant_id: str, *costs: int) -> None:
    caller = replace(caller_with(None, plan="enterprise", tenant_id=tenant_id), budgeted=True)
    for cost in costs:
        services().meter.settle(admit(caller), Figures(model="m", provider_cost=cost))


def test_each_level_of_a_budget_is_told_once_and_what_is_reserved_does_not_count() -> None:
    tenant_id = new_tenant("enterprise")
    budget = services().meter.store.budgets.put(tenant_id, Budget(scope="tenant", amount=400_000, period="month"))
    place = f"T#{tenant_id}#BUDGET#{budget.spending(utc_now(), 'UTC')}"

    def look() -> list[int | None]:
        shards = services().table.query(place)
        run(*[record(place, item["sk"]) for item in shards])
        return [level for _, _, level in raised(tenant_id)]

    caller = replace(caller_with(None, plan="enterprise", tenant_id=tenant_id), budgeted=True)
    pending = admit(caller)
    assert look() == []
    services().meter.settle(pending, Figures(model="m", provider_cost=200_000))
    assert look() == [50]
    spend(tenant_id, 120_000)
    assert look() == look() == [50, 80]
    spend(tenant_id, 79_500)  # What is left is less than any request needs.
    assert look() == [50, 80, 100]
    assert raised(tenant_id)[-1][:2] == ("budget", f"tenant#{month()}")


def test_an_alert_arrives_signed_and_once(laptop: Services, hook: Receiver) -> None:
    tenant_id = new_tenant(requests_per_month=2)
    secret = put(caller_context(tenant_id), webhook_url=hook.url).json()["webhook_secret"]
    admit(caller_with(2, tenant_id=tenant_id))
    run(counted(tenant_id, month()))
    stale = alerts_of(tenant_id)
    assert run(*stale)["alerts"] == 1
    assert run(*stale, *alerts_of(tenant_id))["alerts"] == 0
    [(headers, body)] = hook.messages
    assert verify(secret, body, headers[HEADER], now=int(utc_now().timestamp()))
    assert not verify(secret, body + b" ", headers[HEADER], now=int(utc_now().timestamp()))
    message = json.loads(body)
    assert (message["kind"], message["level"], message["used"], message["limit"]) == ("quota", 50, 1, 2)
    assert headers["smyth-message-id"] == message["id"]
    shown = call("GET", "/api/alerts", caller=caller_context(tenant_id)).json()
    assert [(one["state"], one["deliveries"]) for one in shown["recent"]] == [("done", {"webhook": "delivered"})]
    assert secret not in json.dumps(shown)


def test_an_alert_that_was_not_taken_is_tried_again_when_its_time_has_come(laptop: Services, hook: Receiver) -> None:
    tenant = caller_context(new_tenant())
    put(tenant, webhook_url=hook.url)
    hook.status = 500
    store, now = DynamoAlerts(services().table), utc_now()
    alert_id = call("POST", "/api/alerts/test", caller=tenant).json()["id"]
    run(*alerts_of(tenant["tenant_id"]))
    run(*alerts_of(tenant["tenant_id"]))
    store.wake(now + timedelta(minutes=1))
    run(*alerts_of(tenant["tenant_id"]))
    assert len(hook.messages) == 1
    hook.status = 200
    store.wake(now + timedelta(minutes=6))
    run(*alerts_of(tenant["tenant_id"]))
    assert len(hook.messages) == 2
    alert = store.get(tenant["tenant_id"], alert_id)
    assert alert is not None
    assert (alert.state, alert.attempts) == ("done", 2)
    store.wake(now + timedelta(days=9))
    assert run(*alerts_of(tenant["tenant_id"]))["alerts"] == 0


def test_an_alert_that_nobody_ever_takes_is_given_up(laptop: Services, hook: Receiver) -> None:
    tenant = caller_context(new_tenant())
    put(tenant, webhook_url=hook.url)
    hook.status = 404
    call("POST", "/api/alerts/test", caller=tenant)
    store, now = DynamoAlerts(services().table), utc_now()
    for number in range(MOST_ATTEMPTS + 2):
        store.wake(now + timedelta(days=10 * number))
        run(*alerts_of(tenant["tenant_id"]))
    assert len(hook.messages) == MOST_ATTEMPTS
    [shown] = call("GET", "/api/alerts", caller=tenant).json()["recent"]
    assert (shown["state"], "HTTP 404" in shown["deliveries"]["webhook"]) == ("failed", True)


def test_a_webhook_that_leads_into_the_network_is_refused_when_it_is_set_and_when_it_is_called(hook: Receiver) -> None:
    tenant = caller_context(new_tenant())
    for url in (hook.url, "https://127.0.0.1/x", "https://169.254.169.254/latest", "http://example.com/", "ftp://a.b"):
        refused = put(tenant, webhook_url=url)
        assert (refused.status, refused.json()["errors"][0]["field"]) == (422, "webhook_url")
    store = DynamoAlerts(services().table)
    store.put_settings(tenant["tenant_id"], AlertSettings(webhook_url=hook.url, webhook_secret="s"))
    call("POST", "/api/alerts/test", caller=tenant)
    run(*alerts_of(tenant["tenant_id"]))
    assert hook.messages == []
    [alert] = store.recent(tenant["tenant_id"])
    assert "not a public address" in alert.deliveries["webhook"]


def test_one_test_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    tenant = caller_context(new_tenant())
    moment = datetime(2026, 5, 1, 12, 0, 15, tzinfo=UTC)
    monkeypatch.setattr(services().alerts, "_now", lambda: moment)
    assert call("POST", "/api/alerts/test", caller=tenant).status == 202
    refused = call("POST", "/api/alerts/test", caller=tenant)
    assert (refused.status, refused.headers["retry-after"]) == (429, "45")


def test_the_secret_stays_until_a_new_one_is_asked_for_or_the_webhook_goes(laptop: Services, hook: Receiver) -> None:
    tenant = caller_context(new_tenant())
    first = put(tenant, webhook_url=hook.url).json()["webhook_secret"]
    assert put(tenant, webhook_url=hook.url + "2").json()["webhook_secret"] is None
    second = put(tenant, webhook_url=hook.url, new_webhook_secret=True).json()["webhook_secret"]
    assert put(tenant).json()["webhook_secret"] is None
    third = put(tenant, webhook_url=hook.url).json()["webhook_secret"]
    assert first.startswith("whsec_")
    assert len({first, second, third}) == 3


def test_what_is_set_is_what_is_shown() -> None:
    tenant = caller_context(new_tenant())
    usual = call("GET", "/api/alerts", caller=tenant).json()
    assert usual["levels"] == [50, 80, 100]
    assert usual["spend_spike"] == {"factor": 3, "minimum": "5.000000"}
    put(tenant, levels=[90, 10, 90], spend_spike=None)
    shown = call("GET", "/api/alerts", caller=tenant).json()
    assert (shown["levels"], shown["spend_spike"]) == ([10, 90], None)


@pytest.mark.parametrize(
    "fields",
    [
        {"levels": [0]},
        {"levels": [101]},
        {"levels": list(range(1, 12))},
        {"spend_spike": {"factor": 1}},
        {"spend_spike": {"minimum": "-1"}},
        {"spend_spike": {"minimum": "\u0661"}},
        {"webhook_url": "https://user:pass@example.com/"},
        {"webhook_url": "not a url"},
        {"emails": ["a@b.example\nBcc: c@d.example"]},
        {"emails": ["a@b.example"] * 6},
        {"emails": ["ops@example.com"]},  # This stack sends no mail.
        {"nothing": 1},
    ],
)
def test_what_cannot_be_meant_is_refused_and_changes_nothing(fields: dict[str, Any]) -> None:
    tenant = caller_context(new_tenant())
    refused = put(tenant, **fields)
    assert refused.status in (400, 422)
    assert refused.headers["content-type"] == "application/problem+json"
    assert call("GET", "/api/alerts", caller=tenant).json()["levels"] == [50, 80, 100]


def test_viewers_read_alerts_and_only_admins_change_them() -> None:
    tenant_id = new_tenant()
    for role, expected in (("viewer", 403), ("developer", 403), ("admin", 200)):
        caller = caller_context(tenant_id, role=role)
        assert call("GET", "/api/alerts", caller=caller).status == 200
        assert put(caller).status == expected


def test_mail_and_events_leave_by_ses_and_eventbridge() -> None:
    made = Services(replace(settings(), alerts_from="alerts@example.com", event_bus="default"))
    boto3.client("sesv2").create_email_identity(EmailIdentity="alerts@example.com")
    sqs, events = boto3.client("sqs"), boto3.client("events")
    queue = sqs.create_queue(QueueName="alerts")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.put_rule(Name="alerts", EventPattern=json.dumps({"source": ["smyth"], "detail-type": ["Smyth Alert"]}))
    events.put_targets(Rule="alerts", Targets=[{"Id": "queue", "Arn": arn}])
    tenant_id = new_tenant()
    DynamoAlerts(services().table).put_settings(tenant_id, AlertSettings(emails=("ops@example.com",)))
    alert = made.alerts.test(tenant_id)
    tried = asyncio.run(made.alert_delivery.deliver(tenant_id, alert.id))
    assert tried is not None
    assert tried.deliveries == {"email": "delivered", "eventbridge": "delivered"}
    [message] = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=5)["Messages"]
    assert json.loads(message["Body"])["detail"]["id"] == alert.id


def test_what_aws_refuses_is_told_and_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    made = Services(replace(settings(), alerts_from="alerts@example.com", event_bus="default"))
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    tenant_id = new_tenant()
    store = DynamoAlerts(services().table)
    store.put_settings(tenant_id, AlertSettings(emails=("ops@example.com",)))
    alert = services().alerts.test(tenant_id)
    made.alert_delivery._store = store  # The alerts are here, though all else of AWS is away.
    tried = asyncio.run(made.alert_delivery.deliver(tenant_id, alert.id))
    assert tried is not None
    assert (tried.state, tried.attempts) == ("pending", 1)
    assert "SES" in tried.deliveries["email"]
    assert "EventBridge" in tried.deliveries["eventbridge"]


def charged(tenant_id: str, at: datetime, price: int) -> None:
    """Write a settled entry of a moment."""
    entry = Entry(request_id=str(ULID.from_datetime(at)), tenant_id=tenant_id, at=at, lease_until=at, fee=price)
    settled = entry.settled(Figures())
    item = settled.model_dump() | {"at": rfc3339(at), "lease_until": rfc3339(at)}
    services().table.write(put_item(key(f"T#{tenant_id}#L#{entry.day}", entry.request_id) | item))


def spike_rules(now: datetime) -> AlertRules:
    made = Services(settings())
    made.usage._now = lambda: now
    return AlertRules(DynamoAlerts(services().table), made.meter, made.usage, clock=lambda: now)


def old_tenant(now: datetime) -> Tenant:
    return services().tenants.get(new_tenant("payg")).model_copy(update={"created_at": now - timedelta(days=30)})


def test_an_hour_that_costs_far_more_than_usual_is_told_once_a_day() -> None:
    now = datetime(2026, 5, 20, 12, 0, tzinfo=UTC)
    tenant = old_tenant(now)
    for day in range(1, 8):
        charged(tenant.id, now - timedelta(days=day), 24_000_000)  # $1 an hour.
    charged(tenant.id, now - timedelta(minutes=59), 3_000_000)
    charged(tenant.id, now - timedelta(minutes=90), 90_000_000)
    assert spike_rules(now).check_spending(tenant) is None  # Three times, not more.
    charged(tenant.id, now - timedelta(minutes=1), 2_500_000)
    alert = spike_rules(now).check_spending(tenant)
    assert alert is not None
    assert (alert.kind, alert.subject, alert.used, alert.limit) == ("spend_spike", "2026-05-20", 5_500_000, 1_000_000)
    assert spike_rules(now).check_spending(tenant) is None
    assert spike_rules(now + timedelta(hours=1)).check_spending(tenant) is None


def test_small_sums_and_switched_off_rules_are_no_spike() -> None:
    now = datetime(2026, 5, 20, 12, 0, tzinfo=UTC)
    tenant, store = old_tenant(now), DynamoAlerts(services().table)
    charged(tenant.id, now - timedelta(minutes=5), 4_999_999)
    assert spike_rules(now).check_spending(tenant) is None
    store.put_settings(tenant.id, AlertSettings(spend_spike=None))
    charged(tenant.id, now - timedelta(minutes=4), 90_000_000)
    assert spike_rules(now).check_spending(tenant) is None
    store.put_settings(tenant.id, AlertSettings(spend_spike=SpendSpike(minimum=0)))
    rules = spike_rules(now)
    assert rules.check_spending(tenant) is not None


def test_spending_is_looked_at_every_ten_minutes_at_the_most() -> None:
    now = datetime(2026, 5, 20, 12, 0, tzinfo=UTC)
    tenant, rules = old_tenant(now), spike_rules(now)
    assert rules.check_spending(tenant) is None
    charged(tenant.id, now - timedelta(minutes=5), 90_000_000)
    assert rules.check_spending(tenant) is None
    assert spike_rules(now).check_spending(tenant) is not None


def test_a_tenant_that_changes_its_plan_is_placed_behind_its_fence(monkeypatch: pytest.MonkeyPatch) -> None:
    gateway = boto3.client("apigateway", endpoint_url=os.environ["AWS_ENDPOINT_URL"])
    plans = {name: gateway.create_usage_plan(name=f"fence-{name}")["id"] for name in ("basic", "pro")}
    made = Services(replace(settings(), usage_plan_ids=plans))
    monkeypatch.setattr("functions.table_changes.handler.services", lambda: made)
    tenant_id = new_tenant()
    old = {"plan": {"S": "pro"}, "status": {"S": "active"}}
    assert run(record(f"T#{tenant_id}", "META", old))["moved"] == 1
    assert [key["name"] for key in gateway.get_usage_plan_keys(usagePlanId=plans["basic"])["items"]] == [tenant_id]
    same = record(f"T#{tenant_id}", "META")
    same["dynamodb"]["OldImage"] = same["dynamodb"]["NewImage"]
    assert run(same)["moved"] == 0
