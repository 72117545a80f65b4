"""Where AWS Lambda enters a function: loads the ``handler`` beside it, in less time than importing it alone takes.

Imports make objects that stay, so collecting garbage meanwhile finds nothing; and of the pydantic models that are
imported, FastAPI's among them, a request uses few, so each builds its validator when it is first used. Together that
is a tenth to a fifth of a start's CPU time.
"""

from __future__ import annotations

import gc
import warnings
from importlib import import_module

from pydantic import BaseModel
from pydantic.warnings import UnsupportedFieldAttributeWarning

gc.disable()
BaseModel.model_config["defer_build"] = True
# FastAPI silences it where it makes a field, which is no longer where the field's validator is built.
warnings.simplefilter("ignore", UnsupportedFieldAttributeWarning)
handler = import_module("handler").handler
gc.freeze()
gc.enable()
