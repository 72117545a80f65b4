from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import ValidationError

from smyth.components.registry import find
from smyth.connectors.jobs.memory import Jobs
from smyth.connectors.ports import Ports

OutputsOf = Callable[..., Any]


def started(*job_ids: str) -> Ports:
    ports = Ports()
    for job_id in job_ids:
        ports.jobs.add("default", "agt-1", job_id)
    return ports


def end(ports: Ports, job_id: str, output: Any = None) -> None:
    job = ports.jobs.get("default", "agt-1", job_id)
    assert job is not None
    job.end("done", output)


async def test_it_goes_on_as_soon_as_all_are_done(outputs_of: OutputsOf) -> None:
    ports = started("a", "b")
    asyncio.get_running_loop().call_later(0.01, end, ports, "a", 1)
    asyncio.get_running_loop().call_later(0.02, end, ports, "b", 2)
    began = time.monotonic()
    found = await outputs_of("Await", {"jobs_count": "2", "max_time": "60"}, {"Jobs": ["a", "b"]}, ports=ports)
    assert time.monotonic() - began < 30
    assert found == {"Results": {"a": {"output": 1, "status": "done"}, "b": {"output": 2, "status": "done"}}}


async def test_jobs_that_end_within_the_same_second_count_too(outputs_of: OutputsOf) -> None:
    ports = started("a", "b")
    end(ports, "a")
    asyncio.get_running_loop().call_later(0.05, end, ports, "b")
    found = await outputs_of("Await", {"jobs_count": 1, "max_time": 60}, {"Jobs": ["a", "b"]}, ports=ports)
    assert [job["status"] for job in found["Results"].values()] == ["done", "done"]


async def test_it_does_not_wait_for_more_than_asked_for(outputs_of: OutputsOf) -> None:
    ports = started("a", "never")
    end(ports, "a")
    found = await outputs_of("Await", {"jobs_count": 1, "max_time": 60}, {"Jobs": ["a", "never"]}, ports=ports)
    assert found["Results"]["never"] == {"status": "pending"}


async def test_a_job_that_takes_too_long_is_pending(outputs_of: OutputsOf) -> None:
    began = time.monotonic()
    found = await outputs_of("Await", {"max_time": 1}, {"Jobs": "never"}, ports=started("never"))
    assert found == {"Results": {"never": {"status": "pending"}}}
    assert 1 < time.monotonic() - began < 30


async def test_what_is_no_job_is_unknown_and_not_waited_for(outputs_of: OutputsOf) -> None:
    began = time.monotonic()
    found = await outputs_of("Await", {"max_time": 60}, {"Jobs": ["nope", 7, None]})
    assert list(found["Results"].values()) == [{"status": "unknown_job"}] * 3
    assert time.monotonic() - began < 30


@pytest.mark.parametrize("data", [{"jobs_count": 0}, {"jobs_count": 101}, {"max_time": 0}, {"max_time": 21_601}])
def test_settings_out_of_range_are_refused(data: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        find("Await").Settings.model_validate(data)


def test_the_oldest_jobs_are_forgotten_when_there_are_too_many() -> None:
    jobs = Jobs(at_most=2)
    for job_id in ("a", "b", "c"):
        jobs.add("t", "a", job_id)
    assert jobs.get("t", "a", "a") is None
    assert jobs.get("t", "a", "c") is not None
