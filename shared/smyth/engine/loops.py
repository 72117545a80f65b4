"""Find what each loop of a plan repeats, and what runs in the background (ENGINE sections 9 and 10)."""

from __future__ import annotations

import re

from smyth.engine.plan import Edge, Loop, Step

_ROOT = re.compile(r"[^.\[]*")


def add_loops(steps: list[Step]) -> None:
    """Give every loop and every background component its body, and mark the connections that lead into one."""
    loops = [step for step in steps if step.kind is not None and (step.kind.loop_output or step.kind.background)]
    for step in loops:
        _split_edges(step)
    for step in loops:
        assert step.loop is not None
        step.loop.body = frozenset(_reachable(step, step.loop.edges))
    arriving: dict[Step, list[Edge]] = {step: [] for step in steps}
    for step in steps if loops else ():
        for edge in _all_edges(step):
            arriving[edge.target].append(edge)
    for step in loops:
        _close_body(step, arriving)


def _split_edges(step: Step) -> None:
    """Take the connections that lead into the body from those that leave it aside."""
    assert step.kind is not None
    after = {port.name for port in step.kind.outputs if port.name != step.kind.loop_output} | {"_error"}
    step.loop = Loop([edge for edge in step.edges if not _roots(edge) & after])
    step.edges = [edge for edge in step.edges if _roots(edge) & after]


def _roots(edge: Edge) -> set[str]:
    """Return the first parts of the name and of the path of the output that ``edge`` comes from."""
    return {_first(edge.output.name), _first(edge.output.expression)}


def _first(path: str) -> str:
    found = _ROOT.match(path)
    return found[0] if found else ""


def _reachable(loop: Step, edges: list[Edge]) -> set[Step]:
    found: set[Step] = set()
    queue = [edge.target for edge in edges]
    while queue:
        step = queue.pop()
        if step is loop or step in found:
            continue
        found.add(step)
        queue += [edge.target for edge in _all_edges(step)]
    return found


def _all_edges(step: Step) -> list[Edge]:
    return [*step.edges, *step.loop.edges] if step.loop else step.edges


def _close_body(loop_step: Step, arriving: dict[Step, list[Edge]]) -> None:
    """Cut what leads from the body back to its own loop, and mark what leads in from outside."""
    loop, kind = loop_step.loop, loop_step.kind
    assert loop is not None
    assert kind is not None
    if kind.background:
        _move_into_body(loop_step, loop)
    for edge in arriving[loop_step]:
        if edge.source in loop.body:
            _cut(edge)
    needs: list[tuple[Step, str]] = []
    for step in loop.body:
        inside: set[str] = set()
        for edge in arriving[step]:
            if edge.source in loop.body or edge.source is loop_step:
                inside.add(edge.input)
            else:
                edge.enters_loop = True
        fed = {edge.input for edge in arriving[step]}
        needs += [(step, name) for name in step.required if name in fed - inside]
    loop.needs = tuple(needs)


def _move_into_body(step: Step, loop: Loop) -> None:
    """Let the branch have what its component sends it by any output: the main run does not run the body."""
    loop.edges += [edge for edge in step.edges if edge.target in loop.body]
    step.edges = [edge for edge in step.edges if edge.target not in loop.body]
    for inside in loop.body:
        inside.background = True


def _cut(edge: Edge) -> None:
    for edges in (edge.source.edges, edge.source.loop.edges if edge.source.loop else []):
        if edge in edges:
            edges.remove(edge)
