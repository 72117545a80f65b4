"""What starts agents: triggers over the API, deliveries through the queue, and what is billed for them."""

from __future__ import annotations

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any

import boto3
import pytest

from smyth.aws.event_rules import EventRules
from smyth.http.services import services
from smyth.platform.delivery_records import Delivery
from smyth.platform.errors import Busy, Invalid
from smyth.platform.trigger_records import NewTrigger
from tests.integration.events import Context, LambdaContext, call, caller_context, handler
from tests.integration.hash_agents import problem, variant
from tests.integration.talkers import ledger, statuses, talker
from tests.integration.triggered import NEVER_SENT, hasher, make, runs, take, tenant, work

QUEUE = {"kind": "queue"}
MD5_OF_A_TXT = hashlib.md5(b"a.txt").hexdigest()


@pytest.fixture
def owner(cloud: str) -> Context:
    """The owner of a tenant that is stored."""
    return tenant()


def deliver(trigger_id: str, delivery_id: str = "d-1", payload: Any = None, **further: Any) -> dict[str, Any]:
    """A message of the queue that nobody has sent."""
    body = {"trigger_id": trigger_id, "delivery_id": delivery_id, "payload": payload or {"name": "a.txt"}, **further}
    return {"messageId": f"m-{delivery_id}", "receiptHandle": NEVER_SENT, "body": json.dumps(body), "attributes": {}}


def created(tenant_id: str, place: str, name: str, *, sequencer: str = "01") -> dict[str, Any]:
    """EventBridge's event of an object, which is there."""
    key = f"t/{tenant_id}/{place}/{name}"
    services().bucket.put(key, b"hello", "text/plain")
    object_ = {"key": key, "size": 5, "etag": "5d41402abc4b2a76b9719d911017c592", "sequencer": sequencer}
    return {"source": "aws.s3", "detail-type": "Object Created", "detail": {"object": object_}}


class TestCrud:
    def test_a_trigger_is_made_listed_changed_and_deleted(self, owner: Context) -> None:
        made = make(owner, {"kind": "object", "prefix": "in/"})
        path = f"/api/triggers/{made['id']}"
        assert (made["kind"], made["enabled"], made["last_run"]) == ("object", True, None)
        assert [one["id"] for one in call("GET", "/api/triggers", caller=owner).json()["items"]] == [made["id"]]
        assert call("GET", "/api/triggers?kind=queue", caller=owner).json()["items"] == []
        changed = call("PATCH", path, caller=owner, body={"name": "New", "enabled": False}).json()
        assert (changed["name"], changed["enabled"], changed["rule"]["prefix"]) == ("New", False, "in/")
        assert call("DELETE", path, caller=owner).status == 204
        problem(call("GET", path, caller=owner), 404)

    def test_a_repeated_request_makes_one_trigger(self, owner: Context) -> None:
        body = {"name": "x", "agent_id": hasher(owner), "rule": QUEUE, "target": {"skill": "hash"}}
        headers = {"Idempotency-Key": "one"}
        ids = {call("POST", "/api/triggers", caller=owner, body=body, headers=headers).json()["id"] for _ in range(2)}
        assert len(ids) == len(call("GET", "/api/triggers", caller=owner).json()["items"]) == 1

    @pytest.mark.parametrize(
        "fault",
        [
            {"target": {"skill": "nope"}},
            {"target": {"trigger": "nope"}},
            {"target": {}},
            {"target": {"skill": "hash", "prompt": "x"}},
            {"rule": {"kind": "moon"}},
            {"rule": {"kind": "object", "place": "../other"}},
            {"rule": {"kind": "event", "pattern": {"account": ["1"]}}},
            {"rule": {"kind": "event", "pattern": {"detail": {"a": "text"}}}},
            {"retries": {"attempts": 99}},
            {"name": ""},
        ],
    )
    def test_what_could_never_run_is_refused(self, owner: Context, fault: dict[str, Any]) -> None:
        body = {"name": "x", "agent_id": hasher(owner), "rule": QUEUE, "target": {"skill": "hash"}} | fault
        problem(call("POST", "/api/triggers", caller=owner, body=body), 422)
        assert call("GET", "/api/triggers", caller=owner).json()["items"] == []

    def test_its_kind_stays(self, owner: Context) -> None:
        made = make(owner, QUEUE)
        problem(call("PATCH", f"/api/triggers/{made['id']}", caller=owner, body={"rule": {"kind": "object"}}), 422)

    def test_another_tenant_finds_nothing(self, owner: Context) -> None:
        made, stranger = make(owner, QUEUE), tenant()
        for method, tail in [("GET", ""), ("DELETE", ""), ("GET", "/runs"), ("POST", "/test"), ("POST", "/redrive")]:
            problem(call(method, f"/api/triggers/{made['id']}{tail}", caller=stranger), 404)
        body = {"name": "x", "agent_id": made["agent_id"], "rule": QUEUE, "target": {"skill": "hash"}}
        problem(call("POST", "/api/triggers", caller=stranger, body=body), 404)

    def test_who_may_only_read_the_agent_reads_its_triggers_and_starts_none(self, owner: Context) -> None:
        made = make(owner, QUEUE)
        access = {f"user:{owner['key_id']}": ["owner"], "team": ["read"]}
        shared = call("PATCH", f"/api/agents/{made['agent_id']}", caller=owner, body={"access": access})
        assert shared.status == 200, shared.content
        reader = caller_context(owner["tenant_id"], role="developer")
        assert call("GET", f"/api/triggers/{made['id']}", caller=reader).status == 200
        problem(call("POST", f"/api/triggers/{made['id']}/test", caller=reader), 403)
        problem(call("DELETE", f"/api/triggers/{made['id']}", caller=reader), 403)


class TestRuns:
    def test_a_trial_runs_the_skill_and_stands_in_the_history_and_the_ledger(self, owner: Context) -> None:
        made = make(owner, QUEUE)
        path = f"/api/triggers/{made['id']}"
        told = call("POST", f"{path}/test", caller=owner, body={"payload": {"name": "a.txt"}})
        assert told.status == 202
        assert work(*take(made["id"])) == []
        (run,) = runs(owner, made["id"])
        assert (run["state"], run["attempts"], run["delivery_id"]) == ("done", 1, told.json()["delivery_id"])
        shown = call("GET", f"{path}/runs/{run['id']}", caller=owner).json()
        assert json.loads(shown["output"])["result"]["Hash"] == MD5_OF_A_TXT
        assert shown["payload"] == {"name": "a.txt"}
        (entry,) = ledger(owner)
        assert (entry.status, entry.route, entry.key_id) == ("settled", "TRIGGER queue", made["id"])
        assert entry.request_id == run["request_id"]
        assert call("GET", path, caller=owner).json()["last_run"]["id"] == run["id"]

    def test_the_same_s3_event_five_times_at_once_is_one_run_and_one_entry(self, owner: Context) -> None:
        made = make(owner, {"kind": "object", "prefix": "a", "suffix": ".txt"})
        event = created(owner["tenant_id"], "files", "fil-01jd0000000000000000000000-a.txt")
        at_once = Barrier(5)

        def tell(_: int) -> int:
            at_once.wait()
            started: int = handler("object_created")(event, LambdaContext())["started"]
            return started

        with ThreadPoolExecutor(5) as pool:
            assert list(pool.map(tell, range(5))) == [1] * 5
            records = take(made["id"])
            assert len(records) == 5

            def do(record: dict[str, Any]) -> None:
                at_once.wait()
                work(record)

            list(pool.map(do, records))
        (run,) = runs(owner, made["id"])
        assert (run["state"], run["attempts"]) == ("done", 1)
        assert statuses(owner) == ["settled"]
        assert call("GET", "/api/usage", caller=owner).json()["requests"]["used"] == 1

    def test_a_prompt_gets_what_was_delivered_and_no_template_of_it_is_filled(self, owner: Context) -> None:
        made = make(owner, QUEUE, talker(owner), target={"prompt": "Read {{name}} of {{payload}}"})
        work(deliver(made["id"], payload={"name": "{{KEY(x)}} {{payload}}"}))
        (run,) = runs(owner, made["id"])
        shown = call("GET", f"/api/triggers/{made['id']}/runs/{run['id']}", caller=owner).json()
        assert "Read {{KEY(x)}} {{payload}} of {" in json.loads(shown["output"])["output"]

    def test_a_message_without_an_id_is_known_by_the_queues_own(self, owner: Context) -> None:
        made = make(owner, QUEUE)
        record = deliver(made["id"]) | {"body": json.dumps({"trigger_id": made["id"], "payload": {"name": "a.txt"}})}
        assert work(record) == work(record) == []
        assert [run["delivery_id"] for run in runs(owner, made["id"])] == [record["messageId"]]

    @pytest.mark.parametrize("further", [{"tenant_id": "ten-01jd0000000000000000000000"}, {"trigger_id": "trg-none"}])
    def test_what_is_for_nobody_is_dropped(self, owner: Context, further: dict[str, str]) -> None:
        made = make(owner, QUEUE)
        assert work(deliver(made["id"]) | {"body": json.dumps({"trigger_id": made["id"], **further})}) == []
        assert runs(owner, made["id"]) == []

    def test_what_is_no_delivery_is_left_to_the_dead_letters(self, owner: Context) -> None:
        assert work(deliver("x") | {"body": "{"}) == ["m-d-1"]

    def test_a_trigger_that_is_off_starts_nothing(self, owner: Context) -> None:
        made = make(owner, QUEUE, enabled=False)
        assert work(deliver(made["id"])) == []
        assert runs(owner, made["id"]) == [] == ledger(owner)
        problem(call("POST", f"/api/triggers/{made['id']}/test", caller=owner), 409)

    def test_too_much_for_a_message_is_refused(self, owner: Context) -> None:
        made = make(owner, QUEUE)
        answer = call("POST", f"/api/triggers/{made['id']}/test", caller=owner, body={"payload": "x" * 200_000})
        assert "200,000" in problem(answer, 413)["detail"]


class TestFailures:
    def test_a_run_that_fails_waits_then_dies_and_is_redriven(
        self, owner: Context, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        agent = hasher(owner)
        made = make(owner, QUEUE, agent, retries={"attempts": 2, "backoff_s": 60})
        path = f"/api/triggers/{made['id']}"
        dangling = variant(connections=[], components=variant()["components"][1:])
        monkeypatch.setattr(services().deliveries, "_now", lambda: now[0])
        now = [datetime.now(UTC)]
        good = services().agents.plan
        monkeypatch.setattr(services().agents, "plan", lambda *of: (good(*of)[0], _compiled(dangling)))
        call("POST", f"{path}/test", caller=owner, body={"payload": {"name": "a.txt"}})
        (record,) = take(made["id"])
        assert work(record) == [record["messageId"]]
        (run,) = runs(owner, made["id"])
        assert (run["state"], run["attempts"], run["failure"]["status"]) == ("waiting", 1, 404)
        assert run["retry_at"] is not None
        assert work(record) == [record["messageId"]], "it is not due yet"
        assert runs(owner, made["id"])[0]["attempts"] == 1
        now[0] += timedelta(seconds=61)
        assert work(record) == []
        (run,) = runs(owner, made["id"])
        assert (run["state"], run["attempts"]) == ("dead", 2)
        assert statuses(owner) == ["released"] * 2, "what failed before a model was asked costs nothing"
        assert work(record | {"receiptHandle": NEVER_SENT}) == [], "the dead stay dead however often they are delivered"
        monkeypatch.setattr(services().agents, "plan", good)
        assert call("POST", f"{path}/redrive", caller=owner).json()["runs"] == [run["id"]]
        assert work(*take(made["id"])) == []
        (run,) = runs(owner, made["id"])
        assert (run["state"], run["attempts"], run["failure"]) == ("done", 1, None)
        problem(call("POST", f"{path}/runs/{run['id']}/redrive", caller=owner), 409)

    def test_a_redrive_that_the_queue_does_not_take_leaves_the_run_dead(
        self, owner: Context, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made = make(owner, QUEUE, retries={"attempts": 1}, target={"skill": "hash", "input": {"data": "x"}})
        monkeypatch.setattr(services(), "trigger_caller", _refused)
        work(deliver(made["id"]))
        (run,) = runs(owner, made["id"])
        assert run["state"] == "dead"
        monkeypatch.setattr(services().trigger_queue, "_queue_url", "http://127.0.0.1:9/000000000000/none")
        problem(call("POST", f"/api/triggers/{made['id']}/runs/{run['id']}/redrive", caller=owner), 503)
        assert runs(owner, made["id"])[0]["state"] == "dead"

    def test_a_run_refused_by_the_plan_says_so_waits_and_is_not_billed(self, cloud: str) -> None:
        owner = tenant(limits={"requests_per_month": 1})
        made = make(owner, QUEUE)
        assert work(deliver(made["id"], "d-1")) == []
        assert work(deliver(made["id"], "d-2")) == ["m-d-2"]
        waiting, done = runs(owner, made["id"])
        assert (waiting["state"], waiting["failure"]["status"], waiting["cost"]) == ("waiting", 429, "0.000000")
        assert done["state"] == "done"
        assert statuses(owner) == ["settled"]

    def test_a_worker_that_was_ended_leaves_the_run_to_the_next_one(
        self, owner: Context, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made = make(owner, QUEUE, retries={"attempts": 2})
        trigger = services().triggers.find(made["id"])
        assert trigger is not None
        lost = services().deliveries.begin(trigger, _delivery(made["id"]), timedelta(seconds=100))
        assert lost is not None
        assert work(deliver(made["id"])) == ["m-d-1"], "somebody may still be at work"
        later = datetime.now(UTC) + timedelta(seconds=101)
        monkeypatch.setattr(services().deliveries, "_now", lambda: later)
        assert work(deliver(made["id"])) == []
        (run,) = runs(owner, made["id"])
        assert (run["id"], run["state"], run["attempts"]) == (lost.id, "done", 2)

    def test_a_run_that_was_settled_but_not_written_is_not_done_again(
        self, owner: Context, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made = make(owner, QUEUE, retries={"attempts": 3})
        with monkeypatch.context() as patch:
            patch.setattr(services().deliveries, "done", _crash)
            with pytest.raises(KeyboardInterrupt):
                work(deliver(made["id"]))
        later = datetime.now(UTC) + timedelta(hours=1)
        monkeypatch.setattr(services().deliveries, "_now", lambda: later)
        assert work(deliver(made["id"])) == []
        (run,) = runs(owner, made["id"])
        assert (run["state"], run["attempts"]) == ("done", 2)
        assert statuses(owner) == ["settled"]

    def test_triggers_of_a_deleted_agent_are_switched_off_and_say_so(self, owner: Context) -> None:
        made = make(owner, QUEUE)
        assert call("DELETE", f"/api/agents/{made['agent_id']}", caller=owner).status == 204
        shown = call("GET", f"/api/triggers/{made['id']}", caller=owner).json()
        assert (shown["enabled"], "agent was deleted" in shown["disabled_because"]) == (False, True)
        problem(call("PATCH", f"/api/triggers/{made['id']}", caller=owner, body={"enabled": True}), 404)

    def test_a_suspended_tenant_starts_nothing(self, owner: Context, monkeypatch: pytest.MonkeyPatch) -> None:
        made = make(owner, QUEUE, retries={"attempts": 1})
        gone = services().tenants.get(owner["tenant_id"]).model_copy(update={"status": "suspended"})
        assert services().tenants._store.replace(gone)
        assert work(deliver(made["id"])) == []
        (run,) = runs(owner, made["id"])
        assert (run["state"], run["failure"]["status"]) == ("dead", 403)
        assert ledger(owner) == []


class TestObjects:
    @pytest.mark.parametrize(
        ("rule", "place", "name", "started"),
        [
            ({"prefix": "in-"}, "files", "fil-01jd0000000000000000000000-in-a.txt", 1),
            ({"prefix": "fil-"}, "files", "fil-01jd0000000000000000000000-in-a.txt", 0),
            ({"suffix": ".pdf"}, "files", "fil-01jd0000000000000000000000-in-a.txt", 0),
            ({"place": "files", "suffix": "/a.txt"}, "fs", "teams/x.team/in/a.txt", 1),
            ({"place": "files"}, "files", "fil-01jd0000000000000000000000-in-a.txt", 0),
            ({"place": "knowledge", "prefix": "books/"}, "knowledge", "books/a.txt", 1),
            ({"place": "uploads"}, "answers", "a.txt", 0),
        ],
    )
    def test_a_rule_looks_at_place_and_name(
        self, owner: Context, rule: dict[str, str], place: str, name: str, started: int
    ) -> None:
        make(owner, {"kind": "object", **rule})
        told = handler("object_created")(created(owner["tenant_id"], place, name), LambdaContext())
        assert told["started"] == started

    def test_another_tenants_file_and_one_that_is_gone_start_nothing(self, owner: Context) -> None:
        make(owner, {"kind": "object", "place": "files"})
        assert handler("object_created")(created(tenant()["tenant_id"], "fs", "a"), LambdaContext())["started"] == 0
        event = created(owner["tenant_id"], "fs", "a")
        services().bucket.delete(f"t/{owner['tenant_id']}/fs/a")
        assert handler("object_created")(event, LambdaContext())["started"] == 0

    def test_a_chain_of_triggers_ends(self, owner: Context) -> None:
        made = make(owner, {"kind": "object", "place": "files"})
        event = created(owner["tenant_id"], "fs", "a.txt")
        for depth in range(1, 7):
            assert handler("object_created")(event, LambdaContext())["started"] == 1
            (record,) = take(made["id"])
            assert json.loads(record["body"])["depth"] == depth - 1
            assert work(record) == []
            _write_as_run(owner, depth)
            event["detail"]["object"]["sequencer"] = f"{depth + 1:02}"
        assert handler("object_created")(event, LambdaContext())["started"] == 1
        assert work(*take(made["id"])) == []
        last, *others = runs(owner, made["id"])
        assert (last["state"], last["failure"]["code"]) == ("dead", "chain")
        assert {run["state"] for run in others} == {"done"}


class TestEvents:
    def test_an_event_on_the_stacks_bus_starts_the_tenant_that_it_names_alone(self, owner: Context) -> None:
        stranger = tenant()
        pattern = {"source": ["shop"], "detail": {"tenant_id": [owner["tenant_id"]], "kind": ["paid"]}}
        ours = make(owner, {"kind": "event", "pattern": pattern}, target={"skill": "hash"})
        theirs = make(stranger, {"kind": "event", "pattern": pattern})
        detail = {"tenant_id": owner["tenant_id"], "kind": "paid", "note": 'a "quoted" \\ note\n'}
        entry = {"Source": "shop", "DetailType": "order", "Detail": json.dumps(detail), "EventBusName": "smyth-test"}
        boto3.client("events").put_events(Entries=[entry, entry | {"Detail": '{"kind": "paid"}'}])
        (record,) = take(ours["id"], wait_s=5)
        assert take(theirs["id"], wait_s=0) == []
        assert work(record) == []
        (run,) = runs(owner, ours["id"])
        shown = call("GET", f"/api/triggers/{ours['id']}/runs/{run['id']}", caller=owner).json()
        assert (shown["payload"]["source"], shown["payload"]["detail"]) == ("shop", detail)

    def test_the_worker_itself_refuses_an_event_of_another_tenant(self, owner: Context) -> None:
        made = make(owner, {"kind": "event"})
        assert work(deliver(made["id"], payload={"detail": {"tenant_id": "ten-other"}})) == []
        assert runs(owner, made["id"]) == []

    def test_the_rules_of_an_erased_tenant_go(self, owner: Context, monkeypatch: pytest.MonkeyPatch) -> None:
        made = make(owner, {"kind": "event"})
        services().erasures.request(owner["tenant_id"])
        later = datetime.now(UTC) + timedelta(days=1)
        monkeypatch.setattr(services().erasures, "_now", lambda: later)
        monkeypatch.setattr(services().erasures._store, "waiting", lambda: [_erasure(owner)])
        services().erasures.go_on(lambda: True)
        rules = boto3.client("events").list_rules(EventBusName="smyth-test", NamePrefix=made["id"])["Rules"]
        assert rules == []
        assert services().triggers.find(made["id"]) is None

    def test_a_rule_goes_off_and_away_with_its_trigger(self, owner: Context) -> None:
        made = make(owner, {"kind": "event"})
        client = boto3.client("events")

        def states() -> list[str]:
            found = client.list_rules(EventBusName="smyth-test", NamePrefix=made["id"])["Rules"]
            return [rule["State"] for rule in found]

        assert states() == ["ENABLED"]
        call("PATCH", f"/api/triggers/{made['id']}", caller=owner, body={"enabled": False})
        assert states() == ["DISABLED"]
        call("DELETE", f"/api/triggers/{made['id']}", caller=owner)
        assert states() == []


def _erasure(owner: Context) -> Any:
    return services().erasures._store.get(owner["tenant_id"])


def _compiled(document: dict[str, Any]) -> Any:
    from smyth.document import load
    from smyth.engine import compile

    return compile(load(document))


def _delivery(trigger_id: str) -> Delivery:
    return Delivery(trigger_id=trigger_id, delivery_id="d-1", payload={"name": "a.txt"})


def _refused(*_: Any) -> Any:
    from smyth.platform.errors import Forbidden

    raise Forbidden("The tenant is suspended.")


def _crash(*_: Any, **__: Any) -> None:
    """As if the function were ended: no handler of errors sees it."""
    raise KeyboardInterrupt


def _write_as_run(owner: Context, depth: int) -> None:
    """Write the file as a run of so many in a row does."""
    import asyncio

    from smyth.connectors.files.port import StoredFile

    files = services().ports(owner["tenant_id"], depth=depth).files
    asyncio.run(files.write("a.txt", StoredFile(b"hello", "text/plain"), seconds=None))


class TestWhatComesAtOnce:
    def test_the_last_places_are_given_once_each(self, owner: Context, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("smyth.platform.triggers.MOST_TRIGGERS", 3)
        agent_id = hasher(owner)
        body = {"name": "Watch", "agent_id": agent_id, "rule": QUEUE, "target": {"skill": "hash", "input": {}}}
        with ThreadPoolExecutor(12) as pool:
            answers = list(pool.map(lambda _: call("POST", "/api/triggers", body=body, caller=owner), range(12)))
        made = [answer.json()["id"] for answer in answers if answer.status == 201]
        assert {answer.status for answer in answers} == {201, 403}
        listed = call("GET", "/api/triggers", caller=owner).json()["items"]
        assert sorted(one["id"] for one in listed) == sorted(made)
        assert len(made) == 3

        def delete(_: int) -> int:
            return call("DELETE", f"/api/triggers/{made[0]}", caller=owner).status

        with ThreadPoolExecutor(4) as pool:
            assert set(pool.map(delete, range(4))) <= {204, 404}
        assert [call("POST", "/api/triggers", body=body, caller=owner).status for _ in range(2)] == [201, 403]

    def test_of_two_changes_the_one_written_last_is_the_one_that_is_watched(
        self, owner: Context, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made = make(owner, {"kind": "schedule", "every": "1 hour"})
        path, put = f"/api/triggers/{made['id']}", services().calendar.put
        placed: list[str] = []

        def late(trigger: Any, rule: Any) -> None:
            if not placed:  # While the first change is being placed, another one comes through whole.
                placed.append("")
                assert call("PATCH", path, caller=owner, body={"rule": _every("3 hours")}).status == 200
            placed.append(rule.every)
            put(trigger, rule)

        monkeypatch.setattr(services().calendar, "put", late)
        assert call("PATCH", path, caller=owner, body={"rule": _every("2 hours")}).status == 200
        assert call("GET", path, caller=owner).json()["rule"]["every"] == placed[-1] == "3 hours"


def _every(interval: str) -> dict[str, str]:
    return {"kind": "schedule", "every": interval}


class TestWhatFailsHalfway:
    def test_a_repeated_request_that_cannot_be_placed_leaves_the_trigger_of_the_first(
        self, owner: Context, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made = make(owner, {"kind": "schedule", "every": "1 hour"})
        fields = NewTrigger.model_validate({name: made[name] for name in ("name", "agent_id", "rule", "target")})

        def busy(*_: Any) -> None:
            raise Busy("Try again.", retry_after_s=1)

        monkeypatch.setattr(services().calendar, "put", busy)
        with pytest.raises(Busy):
            services().triggers.create(owner["tenant_id"], fields, by="key-1", trigger_id=made["id"])
        assert call("GET", f"/api/triggers/{made['id']}", caller=owner).status == 200

    def test_a_pattern_that_eventbridge_refuses_leaves_the_one_of_before(
        self, owner: Context, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made = make(owner, {"kind": "event", "pattern": {"source": ["shop"]}})

        def refuse(*_: Any) -> None:
            raise Invalid("EventBridge does not take the pattern.")

        monkeypatch.setattr(EventRules, "place", refuse)
        path, wanted = f"/api/triggers/{made['id']}", {"kind": "event", "pattern": {"detail": {"a": [{"odd": 1}]}}}
        problem(call("PATCH", path, caller=owner, body={"rule": wanted}), 422)
        assert call("GET", path, caller=owner).json()["rule"] == made["rule"]

    def test_one_delivery_that_breaks_holds_up_no_other(self, owner: Context, monkeypatch: pytest.MonkeyPatch) -> None:
        broken, fine = make(owner, QUEUE), make(owner, QUEUE)
        find = services().triggers.find

        def breaks(trigger_id: str) -> Any:
            if trigger_id == broken["id"]:
                raise RuntimeError("the table is away")
            return find(trigger_id)

        monkeypatch.setattr(services().triggers, "find", breaks)
        assert work(deliver(broken["id"], "d-broken"), deliver(fine["id"], "d-fine")) == ["m-d-broken"]
        assert [run["state"] for run in runs(owner, fine["id"])] == ["done"]

    @pytest.mark.parametrize("payload", ["\ud800", json.loads("[" * 900 + "]" * 900)], ids=["half", "deep"])
    def test_what_cannot_travel_is_refused_and_starts_nothing(self, owner: Context, payload: Any) -> None:
        made = make(owner, QUEUE)
        trigger = services().triggers.get(owner["tenant_id"], made["id"])
        with pytest.raises(Invalid, match="halves of characters"):
            services().deliveries.deliver(trigger, delivery_id="d-1", payload={"name": payload})
        assert take(made["id"], wait_s=0) == []
