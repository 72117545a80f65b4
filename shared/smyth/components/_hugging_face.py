"""What tasks of Hugging Face's inference service take and give (COMPONENTS section 9)."""

from __future__ import annotations

import base64
import json
import re
from typing import Any, Literal

from smyth.components._files import File, read
from smyth.components._filling import filled
from smyth.components.base import Call, ComponentError
from smyth.values import convert, parse, truthy

Task = Literal[
    "text-classification",
    "token-classification",
    "table-question-answering",
    "question-answering",
    "document-question-answering",
    "visual-question-answering",
    "zero-shot-classification",
    "translation",
    "summarization",
    "conversational",
    "text-generation",
    "text2text-generation",
    "fill-mask",
    "sentence-similarity",
    "text-to-image",
    "image-to-text",
    "image-classification",
    "object-detection",
    "image-segmentation",
    "zero-shot-image-classification",
    "image-to-image",
    "text-to-speech",
    "automatic-speech-recognition",
    "audio-to-audio",
    "audio-classification",
    "feature-extraction",
]
#: The input that is sent as a file, of tasks that take nothing else.
_FILE_INPUTS = {
    "image-to-text": "Image",
    "image-classification": "Image",
    "object-detection": "Image",
    "image-segmentation": "Image",
    "image-to-image": "Image",
    "automatic-speech-recognition": "Audio",
    "audio-to-audio": "Audio",
    "audio-classification": "Audio",
}
#: Names of the service and inputs of ours, of tasks that take several things. All must be there but lists of a chat.
_MEMBERS = {
    "table-question-answering": {"query": "Query", "table": "Table"},
    "question-answering": {"question": "Question", "context": "Context"},
    "document-question-answering": {"image": "Image", "question": "Question"},
    "visual-question-answering": {"image": "Image", "question": "Question"},
    "zero-shot-image-classification": {"image": "Image"},
    "sentence-similarity": {"source_sentence": "Source_sentence", "sentences": "Sentences"},
    "conversational": {
        "text": "Text",
        "generated_responses": "Generated_responses",
        "past_user_inputs": "Past_user_inputs",
    },
}
_LISTS = {"sentences", "generated_responses", "past_user_inputs"}
_MAY_LACK = {"generated_responses", "past_user_inputs"}
#: Tasks whose answer is a list of one thing.
_SINGLE = {"translation", "summarization", "text-generation", "text2text-generation", "image-to-text"}
#: Tasks whose answer is a list with the best thing first, which alone is given.
_FIRST = {"document-question-answering", "visual-question-answering"}
_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d{1,3})?")


async def payload(call: Call, task: str, parameters: dict[str, Any]) -> File | dict[str, Any]:
    """Return what is sent for a task: a file as it is, where nothing goes with it, else a JSON object.

    Raises:
        ComponentError: An input that the task needs is empty.
        FileError: A file cannot be had.
    """
    inputs: Any
    if task in _FILE_INPUTS:
        file = await _file(call, _FILE_INPUTS[task])
        if not parameters:
            return file
        inputs = _base64(file)
    elif task in _MEMBERS:
        inputs = {}
        for name, port in _MEMBERS[task].items():
            if name not in _MAY_LACK or truthy(call.inputs.get(port)):
                inputs[name] = await _member(call, name, port)
    else:
        inputs = _needed(call, "Text")
    return {"inputs": inputs} | ({"parameters": parameters} if parameters else {})


def parameters(call: Call, text: str) -> dict[str, Any]:
    """Return the parameters that a setting tells; those that are "None" are left out, numbers are numbers."""
    given = json.loads(text) if text.strip() else {}
    found = {name: _parameter(call, name, value) for name, value in given.items()}
    return {name: value for name, value in found.items() if value is not None and value != "None"}


def answer(task: str, body: Any) -> Any:
    """Return the answer as the original gives it: without the list around a single thing."""
    if task == "zero-shot-classification":
        return body if isinstance(body, list) else [body]
    if not isinstance(body, list) or not body:
        return body
    is_single = task in _SINGLE and len(body) == 1
    is_nested = task == "text-classification" and isinstance(body[0], list)
    return body[0] if is_single or is_nested or task in _FIRST else body


async def _member(call: Call, name: str, port: str) -> Any:
    if name == "image":
        return _base64(await _file(call, port))
    value = _needed(call, port)
    if name == "table":
        return parse(value) if isinstance(value, str) else value
    return convert(value, "Array") if name in _LISTS else value


async def _file(call: Call, port: str) -> File:
    value = _needed(call, port)
    return await read(value[0] if isinstance(value, list) else value, call.run)


def _needed(call: Call, port: str) -> Any:
    value = call.inputs.get(port)
    if not truthy(value) or value == []:
        raise ComponentError(f"Please provide a valid input! The task needs {port}, which is empty.")
    return value


def _base64(file: File) -> str:
    return base64.b64encode(file.content).decode()


def _parameter(call: Call, name: str, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    value = filled(value, call)
    if name == "candidate_labels":
        return [label.strip() if isinstance(label, str) else label for label in convert(value, "Array")]
    if value in ("true", "false"):
        return value == "true"
    return json.loads(value) if _NUMBER.fullmatch(value) else value
