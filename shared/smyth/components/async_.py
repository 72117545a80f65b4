"""Async: run a part of the workflow in the background (COMPONENTS section 6; ENGINE section 10)."""

from __future__ import annotations

import uuid
from typing import Any

from smyth.components import base
from smyth.components.base import Call, Port


class Async(base.Component):
    """Start what hangs on the outputs that are named like inputs, and go on with the id of the job."""

    name = "Async"
    title = "Async"
    summary = "Runs what is connected to its own outputs in the background and returns a job id at once."
    outputs = (Port("JobID", "Text", "Id of the job, for Await."),)
    custom_inputs = True
    custom_outputs = True
    background = True

    async def run(self, call: Call) -> dict[str, Any]:
        """See :meth:`smyth.components.base.Component.run`."""
        job_id = f"{call.node.id}-{uuid.uuid4().hex[:12].upper()}"
        if call.fork is not None:
            given = {port.name: call.inputs[port.name] for port in call.node.inputs if port.name in call.inputs}
            call.fork(job_id, given | {"JobID": job_id})
        return {"JobID": job_id}
