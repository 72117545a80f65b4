from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import pytest

from smyth.components.base import Call
from smyth.connectors.ports import Ports
from smyth.engine import Limits
from tests.unit.engine.workflows import Part, ask, call, encode, endpoint, keep, loop, output, part, plan

Register = Callable[[str, Callable[[Call], Any]], None]


def start(identity: str = "A", *inputs: str) -> Part:
    names = inputs or ("x",)
    return part(identity, "Async", inputs=names, outputs=("JobID!", *names))


def wait(identity: str = "W", **data: Any) -> Part:
    return part(identity, "Await", data, inputs=("Jobs",), outputs=("Results!",))


def step(identity: str, kind: str, *inputs: str) -> Part:
    return part(identity, kind, inputs=inputs or ("in",), outputs=("out!",))


def jobs_of(answer: Any) -> list[Any]:
    return list(answer["r"].values())


AWAITED = ("E.body.x > A.x", "A.x > H.Data", "A.JobID > W.Jobs", "W.Results > O.r")


async def test_await_gets_what_the_branch_came_to() -> None:
    agent = plan(endpoint("x"), start(), encode("H"), wait(), output("r"), wires=AWAITED)
    answer = await call(agent, {"x": "a"})
    assert jobs_of(answer) == [{"status": "done", "output": {"id": "H", "name": "FEncDec", "result": {"Output": "61"}}}]
    assert all(job_id.startswith("A-") for job_id in answer["r"])


async def test_an_error_inside_a_branch_is_its_result() -> None:
    agent = plan(endpoint("x"), start(), encode("H"), wait(), output("r"), wires=AWAITED)
    job = jobs_of(await call(agent, {"x": 5}))[0]
    assert job["status"] == "done"
    assert job["output"]["result"]["_error"]


async def test_a_branch_that_cannot_run_has_failed_and_the_run_goes_on() -> None:
    agent = plan(endpoint("x"), start(), step("H", "Nobody", "Data"), wait(), output("r"), wires=AWAITED)
    job = jobs_of(await call(agent, {"x": 5}))[0]
    assert job["status"] == "failed"
    assert "does not know" in job["output"]["error"]


async def test_the_answer_has_nothing_of_a_branch_that_nobody_awaits() -> None:
    agent = plan(endpoint("x"), start(), encode("H"), wires=("E.body.x > A.x", "A.x > H.Data"))
    assert await call(agent, {"x": "a"}) == []


async def test_a_branch_runs_beside_the_run_and_is_done_when_the_answer_comes(component: Register) -> None:
    main_is_there, branch_is_done = asyncio.Event(), asyncio.Event()

    async def behind(call: Call) -> dict[str, Any]:
        await main_is_there.wait()  # would hang if the branch ran first
        branch_is_done.set()
        return {"out": 1}

    async def main(call: Call) -> dict[str, Any]:
        assert not branch_is_done.is_set()
        main_is_there.set()
        return {"out": call.inputs["in"]}

    component("Behind", behind)
    component("Main", main)
    agent = plan(
        endpoint("x"),
        start(),
        step("B", "Behind"),
        step("M", "Main"),
        output("r"),
        wires=("E.body.x > A.x", "A.x > B.in", "A.JobID > M.in", "M.out > O.r"),
    )
    assert (await call(agent, {"x": 1}))["r"].startswith("A-")
    assert branch_is_done.is_set()


async def test_branches_run_at_once(component: Register) -> None:
    both = asyncio.Barrier(2)

    async def meet(call: Call) -> dict[str, Any]:
        await both.wait()
        return {"out": call.inputs["in"]}

    component("Meet", meet)
    wires = ("E.body.x > A.x", "E.body.x > B.x", "A.x > M.in", "B.x > N.in", "A.JobID > W.Jobs", "B.JobID > W.Jobs")
    agent = plan(
        endpoint("x"),
        start("A"),
        start("B"),
        step("M", "Meet"),
        step("N", "Meet"),
        wait(jobs_count=2, max_time=10),
        output("r"),
        wires=(*wires, "W.Results > O.r"),
    )
    assert [job["status"] for job in jobs_of(await call(agent, {"x": 1}))] == ["done", "done"]


async def test_what_is_late_is_cancelled_and_the_log_says_so(
    component: Register, caplog: pytest.LogCaptureFixture
) -> None:
    ended: list[str] = []

    async def never(call: Call) -> dict[str, Any]:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("cancelled")
        return {}

    component("Never", never)
    agent = plan(
        endpoint("x"), start(), step("N", "Never"), output("r"), wires=("E.body.x > A.x", "A.x > N.in", "A.JobID > O.r")
    )
    ports = Ports()
    with caplog.at_level(logging.WARNING):
        answer = await ask(agent, {"x": 1}, limits=Limits(seconds=0.05), ports=ports)
    job_id = answer.data["r"]
    assert not answer.failed
    assert ended == ["cancelled"]
    assert job_id in caplog.text
    job = ports.jobs.get("default", "agent", job_id)
    assert job is not None
    assert job.status == "failed"


async def test_branches_of_a_caller_who_left_are_cancelled(component: Register) -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def never(call: Call) -> dict[str, Any]:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        return {}

    component("Never", never)
    agent = plan(endpoint("x"), start(), step("N", "Never"), wires=("E.body.x > A.x", "A.x > N.in"))
    asked = asyncio.create_task(call(agent, {"x": 1}))
    await begun.wait()
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    assert ended.is_set()


async def test_values_from_outside_are_there_in_the_branch_and_do_not_run_it_in_the_main_run(
    component: Register,
) -> None:
    seen: list[dict[str, Any]] = []

    async def look(call: Call) -> dict[str, Any]:
        seen.append({name: call.inputs[name] for name in call.received})
        return {"out": 1}

    component("Look", look)
    agent = plan(
        endpoint("x", "y"),
        start(),
        keep("K"),
        part("H", "Look", inputs=("Data", "y?"), outputs=("out!",)),
        wait(),
        output("r"),
        wires=("E.body.y > K.Input", "K.Output > H.y", "K.Output > A.x", *AWAITED[1:]),
    )
    assert jobs_of(await call(agent, {"x": 1, "y": 2}))[0]["status"] == "done"
    assert seen == [{"y": 2, "Data": 2}]


async def test_a_branch_may_know_its_own_job(component: Register) -> None:
    agent = plan(
        endpoint("x"),
        start(),
        output("r", "job", identity="B"),
        wait(),
        output("r"),
        wires=("E.body.x > A.x", "A.x > B.r", "A.JobID > B.job", "A.JobID > W.Jobs", "W.Results > O.r"),
    )
    answer = await call(agent, {"x": 1})
    ((job_id, job),) = answer["r"].items()
    assert job["output"] == {"r": 1, "job": job_id}


async def test_each_item_of_a_loop_starts_a_job_of_its_own() -> None:
    agent = plan(
        endpoint("list"),
        loop(),
        start(),
        encode("H"),
        wait(jobs_count=100, max_time=10),
        output("r"),
        wires=(
            "E.body.list > L.Input",
            "L.Loop > A.x",
            "A.x > H.Data",
            "L.Result > W.Jobs",
            "W.Results > O.r",
        ),
    )
    answer = await call(agent, {"list": ["a", "b", "c"]})
    assert [job["output"]["result"]["Output"] for job in jobs_of(answer)] == ["61", "62", "63"]


async def test_branches_start_branches_and_all_are_done_in_the_end(component: Register) -> None:
    done: list[Any] = []

    async def note(call: Call) -> dict[str, Any]:
        await asyncio.sleep(0)
        done.append(call.inputs["in"])
        return {}

    component("Note2", note)
    agent = plan(
        endpoint("x"),
        start("A"),
        start("B"),
        step("N", "Note2"),
        wires=("E.body.x > A.x", "A.x > B.x", "B.x > N.in"),
    )
    assert await call(agent, {"x": 7}) == []
    assert done == [7]


async def test_a_branch_that_leads_back_to_its_own_start_ends() -> None:
    agent = plan(endpoint("x"), start(), keep("K"), wires=("E.body.x > A.x", "A.x > K.Input", "K.Output > A.x"))
    assert await call(agent, {"x": 7}) == []


async def test_branches_count_against_the_limits_of_the_run() -> None:
    agent = plan(endpoint("x"), start(), encode("H"), wait(), output("r"), wires=AWAITED)
    answer = await ask(agent, {"x": "a"}, limits=Limits(components=2))
    assert answer.failed


async def test_an_agent_sees_no_jobs_of_another(component: Register) -> None:
    ports = Ports()
    ports.jobs.add("default", "agent", "mine").end("done", 1)
    ports.jobs.add("default", "other", "theirs").end("done", 2)
    agent = plan(endpoint("j"), wait(), output("r"), wires=("E.body.j > W.Jobs", "W.Results > O.r"))
    answer = await call(agent, {"j": ["mine", "theirs"]}, ports=ports)
    assert answer["r"] == {"mine": {"output": 1, "status": "done"}, "theirs": {"status": "unknown_job"}}


async def test_branches_may_have_less_time_than_the_run(component: Register) -> None:
    async def never(call: Call) -> dict[str, Any]:
        await asyncio.Event().wait()
        return {}

    component("Never", never)
    agent = plan(
        endpoint("x"),
        start(),
        step("N", "Never"),
        output("r"),
        wires=("E.body.x > A.x", "A.x > N.in", "E.body.x > O.r"),
    )
    async with asyncio.timeout(20):
        answer = await ask(agent, {"x": 1}, limits=Limits(branch_seconds=0.05))
    assert answer.data == {"r": 1}
