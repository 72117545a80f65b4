"""Run a plan: cycles of components until nothing is ready (ENGINE sections 2, 3 and 9)."""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from smyth.components.base import Answered, Call, ComponentError, Each, Fork, Request, Run, unheard
from smyth.connectors.ports import Ports
from smyth.engine.background import Branches
from smyth.engine.frame import Frame, Values
from smyth.engine.inputs import prepare
from smyth.engine.limits import Limits, Meter, RunError, out_of_time, raised_by
from smyth.engine.observe import Observer
from smyth.engine.plan import Plan, Step
from smyth.engine.results import RunResult, data, results
from smyth.engine.variables import resolve

if TYPE_CHECKING:
    from smyth.connectors.models.port import Usage

_PATH = re.compile(r"(?:/v[0-9]+(?:\.[0-9]+)*)?/(api|trigger)/(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True, eq=False)
class Caller:
    """The place in a run where a component asked for another run."""

    execution: _Execution
    frame: Frame


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
    caller: Caller | None = None,
    usage: list[Usage] | None = None,
) -> RunResult:
    """Answer ``request`` with the agent of ``plan``. Failures are in the result; nothing is raised.

    Background branches are finished, too, when this returns; those that take longer than the limit are cancelled.

    Args:
        plan: From :func:`smyth.engine.compile`.
        request: ``path`` as ``/api/<endpoint>`` or ``/trigger/<name>``, also behind a version such as ``/v1.0``.
        ports: The world the run may use; by default one without network, keys and cloud.
        session_id: Ties together what components remember between runs.
        variables: Agent variables for this run, over those of the document.
        conversation: System text and messages of the conversation that asks for this run.
        passthrough: Receives text that model components pass on while they run.
        limits: What the run may use up.
        caller: Where another run asked for this one: it counts against that run's limits.
        usage: Gets one entry per provider request while the run goes on, for who may cut it off.
    """
    entry = find_entry(plan, request)
    if isinstance(entry, RunResult):
        return entry
    limits = limits or Limits()
    ports = ports or Ports()
    # Here, as agents that call each other share their ports but not what is for one of them alone.
    ports = replace(ports, vault=ports.vault.of_agent(plan.agent_id))
    observer = None
    if ports.telemetry is not None:
        observer = Observer(
            ports.telemetry, ports, agent_id=plan.agent_id, request=request, most_bytes=limits.output_bytes
        )
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
        expand_caller_data=limits.expand_caller_data and document.expand_caller_data,
        triggered=entry.kind is not None and entry.kind.is_trigger,
        conversation=list(conversation),
        usage=[] if usage is None else usage,
    )
    frame = Frame.of_nested_run(caller.frame) if caller else Frame()
    frame.activate(entry)
    execution = _Execution(work, caller.execution.meter if caller else Meter(limits), observer)
    began = asyncio.get_running_loop().time()
    for_branches = limits.seconds if limits.branch_seconds is None else min(limits.branch_seconds, limits.seconds)
    try:
        return await _result(execution, frame, began + limits.seconds)
    finally:
        await execution.branches.finish(began + for_branches)


async def _result(execution: _Execution, frame: Frame, deadline: float) -> RunResult:
    """Run what is active in ``frame`` to its end."""
    usage, limits = execution.run.usage, execution.meter.limits
    try:
        async with asyncio.timeout_at(deadline):
            execution.check_depth(frame.depth, of="agents", advice="Let fewer agents call each other.")
            await execution.drain(frame)
    except Answered as answered:
        return RunResult(answered.body, answered.status, usage=usage)
    except RunError as error:
        return RunResult({"error": str(error), **error.details}, usage=usage, failed=True)
    except TimeoutError:
        return RunResult({"error": str(out_of_time(limits))}, usage=usage, failed=True)
    return RunResult(data(results(frame)), usage=usage)


def find_entry(plan: Plan, request: Request) -> Step | RunResult:
    """Return the component that ``request`` asks for, or the answer where there is none (compat README, quirk 17)."""
    found = _PATH.fullmatch(request.path)
    if found is None:
        return RunResult({"error": "Endpoint not found"}, status=404)
    method = request.method.upper()
    step = plan.endpoints.get((found[2], method)) if found[1] == "api" else plan.triggers.get(found[2])
    if step is None:
        return RunResult({"error": f"Endpoint {method} {request.path} Not Found"})
    return step


class _Execution:
    """What all frames of one run share."""

    __slots__ = ("_observer", "_public", "branches", "meter", "run")

    def __init__(self, run: Run, meter: Meter, observer: Observer | None) -> None:
        self.run = run
        self.meter = meter
        self.branches = Branches()
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
        self.meter.count_component()
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
            inputs = await prepare(step, arrived, self.run, self._public)
            call = Call(
                node,
                step.settings,
                inputs,
                self.run,
                tuple(arrived),
                each=self._each(step, frame),
                log=log,
                fork=self._fork(step, frame),
                caller=Caller(self, frame),
            )
            outputs = await step.kind.run(call)
        except (RunError, Answered):
            raise
        except ComponentError as error:
            outputs = {**error.outputs, "_error": str(error) or "The component failed."}
        except Exception as error:
            outputs = {"_error": str(error) or type(error).__name__}
        self.meter.count_output(outputs)
        return outputs

    def check_depth(self, depth: int, *, of: str = "loops", advice: str = "Loop over one list in fewer steps.") -> None:
        """Refuse what nests too deep.

        Raises:
            RunError: It does.
        """
        nesting = self.meter.limits.nesting
        if depth > nesting:
            told = f"The run was ended because its {of} nest deeper than {nesting}."
            raise RunError(f"{told} {advice} {raised_by('nesting')}")

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
            self.check_depth(frame.depth + 1)
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

    def _fork(self, step: Step, frame: Frame) -> Fork | None:
        """Return what starts the background branch of a component, in a frame of its own."""
        loop, kind = step.loop, step.kind
        if loop is None or kind is None or not kind.background:
            return None

        def fork(job_id: str, outputs: Values) -> None:
            self.check_depth(frame.depth + 1, of="branches", advice="Start fewer branches from branches.")
            inside = Frame(frame, step)
            inside.send(loop.edges, outputs)
            job = self.run.ports.jobs.add(self.run.team_id, self.run.agent_id, job_id)
            self.branches.start(job_id, job, branch(inside))

        async def branch(inside: Frame) -> Any:
            await self.drain(inside)
            return data(results(inside))

        return fork


async def together(work: list[Coroutine[Any, Any, None]]) -> None:
    """Run all of ``work`` at once; the first failure ends the others and is raised as it was."""
    try:
        async with asyncio.TaskGroup() as group:
            for part in work:
                group.create_task(part)
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from None
