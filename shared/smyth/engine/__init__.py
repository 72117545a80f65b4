"""Run the workflow of a document: compile it once, run it often."""

from smyth.engine.compiler import compile
from smyth.engine.limits import Limits
from smyth.engine.plan import Plan
from smyth.engine.results import RunResult
from smyth.engine.run import Caller, run

__all__ = ["Caller", "Limits", "Plan", "RunResult", "compile", "run"]
