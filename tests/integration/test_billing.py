"""Billable requests through a function: limits, headers, Idempotency-Key, usage."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from ulid import ULID

from smyth.http.services import services
from smyth.platform.access import Caller
from smyth.platform.idempotency import Taken, new_claim
from smyth.platform.metering import Admission, Figures
from tests.integration.events import Answer, Context, call, caller_context
from tests.integration.hash_agents import HASH_AGENT, import_agent, problem, variant


def limited(requests: int | None, plan: str = "basic") -> Context:
    return caller_context(plan=plan, limits={"requests_per_month": requests})


def run(caller: Context, agent_id: str, *, data: str = "x", key: str | None = None) -> Answer:
    headers = {"Idempotency-Key": key} if key else {}
    return call("POST", f"/api/agents/{agent_id}/run/hash", caller=caller, body={"data": data}, headers=headers)


def usage(caller: Context, query: str = "") -> dict[str, Any]:
    answer = call("GET", f"/api/usage{query}", caller=caller)
    assert answer.status == 200, answer.content
    report: dict[str, Any] = answer.json()
    return report


def ledger(caller: Context) -> list[Any]:
    return list(services().meter.store.entries(caller["tenant_id"], datetime.now(UTC).date()))


def test_remaining_requests_and_cost_are_told_with_every_answer() -> None:
    caller = limited(2, "payg")
    agent = import_agent(caller)["id"]
    answers = [run(caller, agent) for _ in range(2)]
    assert [answer.headers["x-usage-requests-remaining"] for answer in answers] == ["1", "0"]
    assert {answer.headers["x-usage-cost"] for answer in answers} == {"0.010000"}


def test_past_the_limit_of_a_month_the_answer_is_429_until_the_month_ends() -> None:
    caller = limited(1)
    agent = import_agent(caller)["id"]
    run(caller, agent)
    answer = run(caller, agent)
    assert problem(answer, 429)["type"].endswith("quota_exceeded")
    now = datetime.now(UTC)
    end = (now.replace(day=1, hour=0, minute=0, second=0, microsecond=0) + timedelta(days=32)).replace(day=1)
    assert abs(int(answer.headers["retry-after"]) - (end - now).total_seconds()) < 5


def test_past_the_prepaid_requests_the_answer_is_402() -> None:
    caller = limited(1, "prepaid")
    agent = import_agent(caller)["id"]
    run(caller, agent)
    problem(run(caller, agent), 402)


def test_32_callers_racing_for_the_last_20_requests_get_exactly_20() -> None:
    caller = limited(20)
    agent = import_agent(caller)["id"]
    with ThreadPoolExecutor(32) as pool:
        statuses = list(pool.map(lambda _: run(caller, agent).status, range(60)))
    assert (statuses.count(200), statuses.count(429)) == (20, 40)
    assert len(ledger(caller)) == 20
    assert usage(caller)["requests"] == {"limit": 20, "used": 20, "remaining": 0}


class TestIdempotencyKey:
    def test_a_repeated_request_gets_the_first_answer_and_is_billed_once(self) -> None:
        caller = limited(5)
        agent = import_agent(caller)["id"]
        first, again = run(caller, agent, key="k"), run(caller, agent, key="k")
        assert (first.status, again.status) == (200, 200)
        assert again.content == first.content
        assert again.headers["x-usage-requests-remaining"] == first.headers["x-usage-requests-remaining"] == "4"
        assert again.headers["idempotency-replayed"] == "true"
        assert again.headers["x-request-id"] != first.headers["x-request-id"]
        assert usage(caller)["requests"]["used"] == 1

    def test_a_big_answer_comes_back_too(self) -> None:
        caller = limited(None)
        agent = import_agent(caller, variant(connections=[]))["id"]
        data = "é" * 200_000
        first, again = run(caller, agent, data=data, key="k"), run(caller, agent, data=data, key="k")
        assert len(first.content) > 200_000
        assert again.content == first.content
        bucket = services().bucket
        [kept] = bucket.keys(f"t/{caller['tenant_id']}/answers/")
        tags = bucket.client.get_object_tagging(Bucket=bucket.name, Key=kept)["TagSet"]
        assert tags == [{"Key": "expires-days", "Value": "1"}], "the bucket deletes it when the claim is gone"

    def test_the_key_with_another_body_is_refused(self) -> None:
        caller = limited(5)
        agent = import_agent(caller)["id"]
        run(caller, agent, key="k", data="a")
        problem(run(caller, agent, key="k", data="b"), 422)
        assert usage(caller)["requests"]["used"] == 1

    def test_the_answer_is_given_again_when_nothing_is_left(self) -> None:
        caller = limited(1)
        agent = import_agent(caller)["id"]
        run(caller, agent, key="k")
        assert run(caller, agent, key="k").status == 200
        assert run(caller, agent, key="other").status == 429

    def test_requests_at_once_under_one_key_are_done_once(self) -> None:
        caller = limited(50)
        agent = import_agent(caller)["id"]
        with ThreadPoolExecutor(16) as pool:
            answers = list(pool.map(lambda _: run(caller, agent, key="k"), range(32)))
        assert {answer.status for answer in answers} <= {200, 409}
        assert len({answer.content for answer in answers if answer.status == 200}) == 1
        assert all(answer.headers["retry-after"] == "1" for answer in answers if answer.status == 409)
        assert usage(caller)["requests"]["used"] == 1

    def test_a_refused_request_frees_its_key(self) -> None:
        caller = limited(1)
        agent = import_agent(caller)["id"]
        run(caller, agent)
        assert run(caller, agent, key="k").status == 429
        more = caller | {"limits": json.dumps({"requests_per_month": 2})}
        assert run(more, agent, key="k").status == 200

    @pytest.mark.parametrize("key", ["", " ", "x" * 256, "ü"])
    def test_a_key_that_is_none_is_refused(self, key: str) -> None:
        caller = limited(5)
        agent = import_agent(caller)["id"]
        headers = {"Idempotency-Key": key}
        answer = call("POST", f"/api/agents/{agent}/run/hash", caller=caller, body={}, headers=headers)
        problem(answer, 422)

    def test_another_tenants_key_is_another_key(self) -> None:
        first, second = limited(5), limited(5)
        import_agent(first, headers={"Idempotency-Key": "k"})
        import_agent(second, variant(name="other"), headers={"Idempotency-Key": "k"})

    def test_a_request_that_was_billed_without_an_answer_frees_its_key(self) -> None:
        member = Caller.from_context(limited(5))
        assert member is not None
        now = datetime.now(UTC)
        request_id = str(ULID())
        route = "POST /api/agents/{agent_id}/prompt"
        claim = new_claim(
            tenant_id=member.tenant_id,
            route=route,
            key="k",
            content=b"same",
            request_id=request_id,
            now=now,
            lease=timedelta(minutes=1),
        )
        admission = services().meter.admit(member, request_id=request_id, route=route, claim=claim)
        assert isinstance(admission, Admission)
        services().meter.settle(admission, Figures(input_tokens=1))
        follower = replace(claim, holder=str(ULID()))
        assert services().claims.take(follower, now) == follower

    def test_a_silent_holder_is_replaced_when_its_lease_ends(self) -> None:
        caller = limited(5)
        claims = services().claims
        now = datetime.now(UTC)
        claim = new_claim(
            tenant_id=caller["tenant_id"],
            route="POST /api/agents/create",
            key="k",
            content=b"same",
            request_id=str(ULID()),
            now=now,
            lease=timedelta(seconds=10),
        )
        claims.take(claim, now)
        follower = replace(claim, holder=str(ULID()), first=str(ULID()), salt="other")
        assert isinstance(claims.take(follower, now + timedelta(seconds=9)), Taken)
        taken = claims.take(follower, now + timedelta(seconds=11))
        assert (taken.first, taken.salt, isinstance(taken, Taken)) == (claim.first, claim.salt, False)


class TestUsage:
    def test_a_report_adds_up_by_every_group(self) -> None:
        caller = limited(None, "payg")
        agents = [import_agent(caller, HASH_AGENT | {"name": name})["id"] for name in ("a", "b")]
        for agent in (agents[0], agents[0], agents[1]):
            run(caller, agent)
        by_agent = usage(caller, "?group_by=agent")
        assert [(item["agent"], item["requests"], item["cost"]) for item in by_agent["items"]] == [
            (agents[0], 2, "0.020000"),
            (agents[1], 1, "0.010000"),
        ]
        assert by_agent["cost"] == "0.030000"
        assert by_agent["requests"] == {"limit": None, "used": 3, "remaining": None}
        assert (by_agent["plan"], by_agent["currency"]) == ("payg", "USD")
        for group in ("key", "model", "route", "day"):
            assert sum(item["requests"] for item in usage(caller, f"?group_by={group}")["items"]) == 3

    def test_the_period_is_this_month_unless_told(self) -> None:
        now = datetime.now(UTC)
        period = usage(limited(5))["period"]
        assert period["start"] == f"{now:%Y-%m}-01T00:00:00.000Z"
        assert period["end"] > period["start"]

    def test_a_day_that_closes_a_period_belongs_to_it(self) -> None:
        caller = limited(5)
        run(caller, import_agent(caller)["id"])
        today = datetime.now(UTC).date()
        assert len(usage(caller, f"?from={today}&to={today}")["items"]) == 1
        yesterday = today - timedelta(days=1)
        assert usage(caller, f"?from={yesterday}&to={yesterday}")["items"] == []

    @pytest.mark.parametrize(
        "query", ["from=x", "from=2026-02-30", "from=2026-02-02&to=2026-02-01", "from=1999-01-01", "group_by=cat"]
    )
    def test_a_period_that_makes_no_sense_is_refused(self, query: str) -> None:
        problem(call("GET", f"/api/usage?{query}", caller=limited(5)), 422)

    def test_an_older_period_leaves_this_months_count_as_it_is(self) -> None:
        caller = limited(5)
        run(caller, import_agent(caller)["id"])
        report = usage(caller, "?from=2026-01-01&to=2026-01-31")
        assert (report["items"], report["requests"]["used"]) == ([], 1)
