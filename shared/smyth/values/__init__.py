"""Values as agents see them: JSON with JavaScript's rules for text, numbers, truth, paths and types."""

from smyth.values.js import number_text, received, to_json, to_text, truthy
from smyth.values.lenient import parse, parse_whole
from smyth.values.paths import UNDEFINED, Undefined, get_path
from smyth.values.templates import TextTooLong, expand
from smyth.values.types import InvalidValue, convert

__all__ = [
    "UNDEFINED",
    "InvalidValue",
    "TextTooLong",
    "Undefined",
    "convert",
    "expand",
    "get_path",
    "number_text",
    "parse",
    "parse_whole",
    "received",
    "to_json",
    "to_text",
    "truthy",
]
