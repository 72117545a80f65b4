"""The audit through the functions: what is written down, who reads it, and how it is told."""

from __future__ import annotations

import json
from typing import Any

import pytest

from smyth.http.services import services
from smyth.platform.audit import Event
from smyth.platform.audit_check import check
from tests.integration.events import OPERATOR, Context, call, caller_context, new_tenant_id
from tests.integration.hash_agents import import_agent


def entries(caller: Context, query: str = "") -> list[dict[str, Any]]:
    answer = call("GET", f"/api/audit{query}", caller=caller)
    assert answer.status == 200, answer.content
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def only(caller: Context, query: str = "") -> dict[str, Any]:
    (entry,) = entries(caller, query)
    return entry


def exported(caller: Context, query: str = "") -> tuple[list[dict[str, Any]], dict[str, Any]]:
    answer = call("GET", f"/api/audit/export{query}", caller=caller)
    *found, last = [json.loads(line) for line in answer.content.splitlines()]
    return found, last["head"]


def some_agent(caller: Context) -> str:
    id: str = import_agent(caller)["id"]
    return id


class TestChanges:
    def test_a_change_tells_who_what_when_from_where_and_its_result(self, caller: Context) -> None:
        answer = call("POST", "/api/agents/create", caller=caller, body={"name": "a", "description": "secret words"})
        entry = only(caller)
        assert (
            entry
            | {
                "seq": 1,
                "action": "POST /api/agents/create",
                "target": f"/api/agents/create/{answer.json()['id']}",
                "outcome": "done",
                "status": 201,
                "actor": caller["key_id"],
                "role": "owner",
                "source_ip": "203.0.113.7",
                "request_id": answer.headers["x-request-id"],
                "fields": ["description", "name"],
                "tenant_id": caller["tenant_id"],
            }
            == entry
        )
        assert "secret words" not in json.dumps(entry)

    def test_reading_and_failing_leave_no_entry(self, caller: Context) -> None:
        assert call("GET", "/api/agents", caller=caller).status == 200
        assert call("POST", "/api/agents/create", caller=caller, body={"name": ""}).status == 422
        assert call("DELETE", "/api/agents/agt-nobody", caller=caller).status == 404
        assert entries(caller) == []

    def test_billable_requests_are_told_by_the_ledger_and_not_here(self, caller: Context) -> None:
        agent = some_agent(caller)
        assert call("POST", f"/api/agents/{agent}/run/hash", caller=caller, body={"text": "x"}).status == 200
        assert [entry["action"] for entry in entries(caller)] == ["POST /api/agents/import"]

    def test_a_repeated_request_with_its_key_is_one_change(self, caller: Context) -> None:
        for _ in range(2):
            call("POST", "/api/agents/create", caller=caller, body={"name": "a"}, headers={"Idempotency-Key": "one"})
        assert only(caller)["action"] == "POST /api/agents/create"

    def test_the_operators_change_of_a_tenant_is_in_both_chains(self) -> None:
        tenant = call("POST", "/api/tenants", caller=OPERATOR, body={"name": "a", "plan": "basic"}).json()["id"]
        assert call("PATCH", f"/api/tenants/{tenant}", caller=OPERATOR, body={"plan": "pro"}).status == 200
        own = [entry for entry in entries(OPERATOR, f"?target={tenant}") if entry["action"].startswith("PATCH")]
        told = only(caller_context(tenant), "?action=PATCH")
        assert [one["request_id"] for one in own] == [told["request_id"]]
        assert (told["actor"], told["fields"], told["target"]) == ("operator", ["plan"], f"/api/tenants/{tenant}")

    def test_what_is_done_while_the_operator_acts_as_the_tenant_says_so(self, caller: Context) -> None:
        import_agent(caller | {"acting_for": "operator"})
        assert only(caller)["acting_for"] == "operator"

    def test_names_of_members_that_are_no_text_do_no_harm(self, caller: Context) -> None:
        body = '{"name": "a", "\\ud800": 1, "' + "x" * 500 + '": 2}'
        headers = {"Content-Type": "application/json"}
        call("POST", "/api/agents/create", caller=caller | {"role": "viewer"}, body=body, headers=headers)
        import_agent(caller)
        assert len(entries(caller)) == 2


class TestRefusals:
    def test_a_refusal_is_written_with_its_code(self, caller: Context) -> None:
        assert call("POST", "/api/keys", caller=caller | {"role": "viewer"}, body={"name": "k"}).status == 403
        entry = only(caller)
        assert (entry["outcome"], entry["status"], entry["code"], entry["role"]) == (
            "refused",
            403,
            "forbidden",
            "viewer",
        )

    def test_the_same_refusal_is_written_once_a_minute(self, caller: Context) -> None:
        viewer = caller | {"role": "viewer"}
        for _ in range(3):
            call("POST", "/api/agents/create", caller=viewer, body={"name": "k"})
        call("POST", "/api/keys", caller=viewer, body={"name": "k"})
        call("POST", "/api/keys", caller=viewer | {"key_id": "key-another"}, body={"name": "k"})
        # The minute may end between two requests.
        assert 3 <= len(entries(caller)) <= 6

    def test_a_request_without_a_known_key_is_in_the_operators_chain(self) -> None:
        answer = call("POST", "/api/agents/create", body={"name": "a"})
        assert answer.status == 401
        found = entries(OPERATOR, "?outcome=refused&action=/api/agents/create")
        assert found[0]["actor"] == ""
        assert (found[0]["source_ip"], found[0]["code"]) == ("203.0.113.7", "unauthorized")

    def test_a_used_up_plan_is_a_refusal(self) -> None:
        caller = caller_context(plan="basic", limits={"requests_per_month": 0})
        agent = some_agent(caller)
        assert call("POST", f"/api/agents/{agent}/run/hash", caller=caller, body={"text": "x"}).status == 429
        assert only(caller, "?outcome=refused")["code"] == "quota_exceeded"

    def test_naming_another_tenant_writes_nothing_into_that_tenants_chain(self, caller: Context) -> None:
        victim = caller_context(new_tenant_id())
        assert call("GET", f"/api/keys?tenant_id={victim['tenant_id']}", caller=caller).status == 403
        assert call("PATCH", f"/api/tenants/{victim['tenant_id']}", caller=caller, body={}).status == 403
        assert len(entries(caller)) == 2
        assert entries(victim) == []

    def test_a_change_is_answered_though_the_audit_fails_and_the_log_keeps_the_entry(
        self, caller: Context, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        def fail(event: Event) -> None:
            raise RuntimeError("no table")

        monkeypatch.setattr(services().audit, "record", fail)
        assert call("POST", "/api/agents/create", caller=caller, body={"name": "a"}).status == 201
        assert "not audited" in caplog.text
        assert caller["tenant_id"] in caplog.text


class TestReading:
    def test_pages_go_back_from_the_newest_and_meet_the_first(self, caller: Context) -> None:
        for _ in range(5):
            import_agent(caller)
        seen, cursor = [], ""
        while cursor is not None:
            page = call("GET", f"/api/audit?limit=2&cursor={cursor}", caller=caller).json()
            seen += [entry["seq"] for entry in page["items"]]
            cursor = page["next_cursor"]
        assert seen == [5, 4, 3, 2, 1]

    def test_filters_narrow_what_is_told(self, caller: Context) -> None:
        agent = some_agent(caller)
        other = caller | {"key_id": "key-other"}
        call("DELETE", f"/api/agents/{agent}", caller=other)
        call("POST", "/api/keys", caller=caller | {"role": "viewer"}, body={"name": "k"})
        assert [entry["seq"] for entry in entries(caller, "?actor=key-other")] == [2]
        assert [entry["seq"] for entry in entries(caller, "?action=delete")] == [2]
        assert [entry["seq"] for entry in entries(caller, f"?target={agent}")] == [2, 1]
        assert [entry["seq"] for entry in entries(caller, "?outcome=refused")] == [3]
        assert entries(caller, "?from=2999-01-01") == []
        assert entries(caller, "?to=2020-01-01") == []
        assert len(entries(caller, "?from=2020-01-01&to=2999-01-01")) == 3

    @pytest.mark.parametrize("query", ["?from=soon", "?outcome=lost", "?cursor=Li4vLi4", "?limit=0"])
    def test_questions_that_make_no_sense_are_refused(self, query: str, caller: Context) -> None:
        assert call("GET", f"/api/audit{query}", caller=caller).status == 422

    @pytest.mark.parametrize("path", ["/api/audit", "/api/audit/export"])
    def test_only_admins_and_owners_read_it_and_only_their_own(self, path: str, caller: Context) -> None:
        import_agent(caller)
        for role in ("viewer", "developer"):
            assert call("GET", path, caller=caller | {"role": role}).status == 403
        stranger = caller_context()
        assert call("GET", f"{path}?tenant_id={caller['tenant_id']}", caller=stranger).status == 403
        assert caller["key_id"].encode() not in call("GET", path, caller=stranger).content
        assert (
            caller["key_id"].encode() in call("GET", f"{path}?tenant_id={caller['tenant_id']}", caller=OPERATOR).content
        )
        assert call("GET", f"{path}?tenant_id=operator", caller=OPERATOR).status == 422


class TestExport:
    def test_the_whole_chain_comes_in_its_order_with_its_end(self, caller: Context) -> None:
        for _ in range(3):
            import_agent(caller)
        found, head = exported(caller)
        assert [entry["seq"] for entry in found] == [1, 2, 3]
        assert head == {"chain": caller["tenant_id"], "seq": 3, "hash": found[-1]["hash"]}
        assert check(found, head).findings == ()

    def test_parts_join_to_the_whole(self, caller: Context) -> None:
        for _ in range(5):
            import_agent(caller)
        lines, cursor = [], ""
        while cursor is not None:
            answer = call("GET", f"/api/audit/export?limit=2&cursor={cursor}", caller=caller)
            lines += [json.loads(line) for line in answer.content.splitlines()]
            cursor = answer.headers.get("x-next-cursor")
        *found, last = lines
        assert check(found, last["head"]).findings == ()
        assert len(found) == 5

    def test_an_empty_chain_is_whole(self, caller: Context) -> None:
        found, head = exported(caller)
        assert found == []
        assert check(found, head).findings == ()
