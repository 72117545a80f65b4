"""Run a plan: cycles of components until nothing is ready (ENGINE sections 2, 3 and 9)."""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any

from smyth.components.base import Call, ComponentError, Each, Request, Run, unheard
from smyth.connectors.ports import Ports
from smyth.engine.frame import Frame, Values
from smyth.engine.inputs import prepare
from smyth.engine.limits import Limits, Meter, RunError, out_of_time
from smyth.engine.observe import Observer
from smyth.engine.plan import Plan, Step
from smyth.engine.results import RunResult, data, results
from smyth.engine.variables import resolve

_PATH = re.compile(r"(?:/v[0-9]+(?:\.[0-9]+)*)?/(api|trigger)/(.*)", re.DOTALL)


async def run(
    plan: Plan,
    request: Request,
    *,
    ports: Ports | None = None,
    session_id: str | None = None,
    variables: Mapping[str, Any] | None = None,
    conversation: Sequence[dict[str, Any]] = (),
    passthrough: Callable[[str], None] | None = None,
    limits: Limits | None = None,
) -> RunResult:
    """Answer ``request`` with the agent of ``plan``. Failures are in the result; nothing is raised.

    Args:
        plan: From :func:`smyth.engine.compile`.
        request: ``path`` as ``/api/<endpoint>``, also behind a version such as ``/v1.0``.
        ports: The world the run may use; by default one without network, keys and cloud.
        session_id: Ties together what components remember between runs.
        variables: Agent variables for this run, over those of the document.
        conversation: System text and messages of the conversation that asks for this run.
        passthrough: Receives text that model components pass on while they run.
        limits: What the run may use up.
    """
    entry = find_entry(plan, request)
    if isinstance(entry, RunResult):
        return entry
    limits = limits or Limits()
    ports = ports or Ports()
    observer = None
    if ports.telemetry is not None:
        observer = Observer(ports.telemetry, ports, plan.agent_id, limits.output_bytes)
        ports = observer.ports
    document = plan.document
    resolved, secret = await resolve(document.variables, variables or {}, ports.vault, plan.team_id)
    work = Run(
        agent_id=plan.agent_id,
        team_id=plan.team_id,
        behavior=document.behavior,
        request=request,
        variables=resolved,
        secret_variables=secret,
        ports=ports,
        session_id=session_id or f"rt-{uuid.uuid4().hex}",
        passthrough=passthrough or unheard,
        expand_caller_data=limits.expand_caller_data,
        conversation=list(conversation),
    )
    frame = Frame()
    frame.activate(entry)
    try:
        async with asyncio.timeout(limits.seconds):
            await _Execution(work, Meter(limits), observer).drain(frame)
    except RunError as error:
        return RunResult({"error": str(error), **error.details}, usage=work.usage, failed=True)
    except TimeoutError:
        return RunResult({"error": str(out_of_time(limits))}, usage=work.usage, failed=True)
    return RunResult(data(results(frame)), usage=work.usage)


def find_entry(plan: Plan, request: Request) -> Step | RunResult:
    """Return the endpoint that ``request`` asks for, or the answer where there is none (compat README, quirk 17)."""
    found = _PATH.fullmatch(request.path)
    if found is None:
        return RunResult({"error": "Endpoint not found"}, status=404)
    method = request.method.upper()
    step = plan.endpoints.get((found[2], method)) if found[1] == "api" else None
    if step is None:
        return RunResult({"error": f"Endpoint {method} {request.path} Not Found"})
    return step


class _Execution:
    """What all frames of one run share."""

    __slots__ = ("_meter", "_observer", "_public", "_run")

    def __init__(self, run: Run, meter: Meter, observer: Observer | None) -> None:
        self._run = run
        self._meter = meter
        self._observer = observer
        self._public: dict[str, Any] = {
            name: value for name, value in run.variables.items() if name not in run.secret_variables
        }

    async def drain(self, frame: Frame) -> None:
        """Run cycles until nothing is ready.

        All components of a cycle finish before their values are sent, so a value that
        arrives for one that is running is kept and makes it run again.

        Raises:
            RunError: The run must end.
        """
        while ready := frame.take_ready():
            if len(ready) == 1:
                step, arrived = ready[0]
                finished = [(step, await self._execute(step, arrived, frame))]
                frame.finish(*finished[0])
            else:
                finished = await self._together(ready, frame)
                for step, outputs in sorted(finished, key=lambda pair: pair[0].position):
                    frame.finish(step, outputs)
            for step, outputs in finished:
                frame.deliver(step, outputs)

    async def _together(self, ready: list[tuple[Step, Values]], frame: Frame) -> list[tuple[Step, Values]]:
        """Run several components at once; return what they put out in the order in which they finished."""
        finished: list[tuple[Step, Values]] = []

        async def one(step: Step, arrived: Values) -> None:
            finished.append((step, await self._execute(step, arrived, frame)))

        await together([one(step, arrived) for step, arrived in ready])
        return finished

    async def _execute(self, step: Step, arrived: Values, frame: Frame) -> Values:
        if self._observer is None:
            return await self._outputs(step, arrived, frame, unheard)
        with self._observer.watch(step, arrived) as watched:
            watched.outputs = await self._outputs(step, arrived, frame, watched.log)
        return watched.outputs

    async def _outputs(self, step: Step, arrived: Values, frame: Frame, log: Callable[[str], None]) -> Values:
        self._meter.count_component()
        node = step.node
        if step.kind is None:
            raise RunError(
                f'Component "{node.id}" is a "{node.name}", which this version does not know. Remove or replace it.',
                id=node.id,
                name=node.name,
            )
        if step.settings_error:
            return {"id": node.id, "name": node.name, "_error": step.settings_error}
        try:
            inputs = await prepare(step, arrived, self._run, self._public)
            call = Call(node, step.settings, inputs, self._run, tuple(arrived), self._each(step, frame), log)
            outputs = await step.kind.run(call)
        except RunError:
            raise
        except ComponentError as error:
            outputs = {**error.outputs, "_error": str(error) or "The component failed."}
        except Exception as error:
            outputs = {"_error": str(error) or type(error).__name__}
        self._meter.count_output(outputs)
        return outputs

    def _each(self, step: Step, frame: Frame) -> Each | None:
        """Return what runs the body of a loop once per item, each time in a frame of its own."""
        loop, kind = step.loop, step.kind
        if loop is None or kind is None or not loop.edges:
            return None

        async def iterate(item: Any) -> list[Any]:
            inside = Frame(frame, step)
            inside.send(loop.edges, {kind.loop_output: item})
            await self.drain(inside)
            return results(inside)

        async def each(items: list[Any], at_once: int) -> list[list[Any]]:
            nesting = self._meter.limits.nesting
            if frame.depth >= nesting:
                raise RunError(f"The run was ended because its loops nest deeper than {nesting}.")
            if at_once <= 1:
                return [await iterate(item) for item in items]
            found: list[list[Any]] = [[] for _ in items]
            waiting = iter(enumerate(items))

            async def worker() -> None:
                for number, item in waiting:
                    found[number] = await iterate(item)

            await together([worker() for _ in range(min(at_once, len(items)))])
            return found

        return each


async def together(work: list[Coroutine[Any, Any, None]]) -> None:
    """Run all of ``work`` at once; the first failure ends the others and is raised as it was."""
    try:
        async with asyncio.TaskGroup() as group:
            for part in work:
                group.create_task(part)
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from None
