"""The ``.smyth`` file: read, checked, given back without loss."""

from smyth.document.catalog import CATALOG
from smyth.document.findings import DocumentError, Finding
from smyth.document.legacy import unwrap
from smyth.document.load import load
from smyth.document.model import Component, Connection, Document, InputPort, OutputPort
from smyth.document.resolve import CONTROL, position
from smyth.document.validate import validate

__all__ = [
    "CATALOG",
    "CONTROL",
    "Component",
    "Connection",
    "Document",
    "DocumentError",
    "Finding",
    "InputPort",
    "OutputPort",
    "load",
    "position",
    "unwrap",
    "validate",
]
