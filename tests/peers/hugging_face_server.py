"""Hugging Face's serverless inference: ``POST /models/{model}`` (huggingface.co/docs/inference-providers).

A model does the task that it is named after, as ``tests/summarization``.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

from tests.peers.http_service import Asked, HttpService, Reply

TOKEN = "hf_test0123456789"
PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(40)
SOUND = b"fLaC" + bytes(40)
_LABELS = [{"label": "cat", "score": 0.9}, {"label": "dog", "score": 0.1}]
_PIPELINES = {"feature-extraction", "sentence-similarity"}
_Do = Callable[[Any, dict[str, Any]], Any]


def _text(make: Callable[[str, dict[str, Any]], Any]) -> _Do:
    """A task that takes a text."""
    return lambda inputs, parameters: make(_check(inputs, str), parameters)


def _members(make: Callable[[dict[str, Any]], Any], **types: type) -> _Do:
    """A task that takes an object with members of these types."""

    def do(inputs: Any, parameters: dict[str, Any]) -> Any:
        for name, kind in types.items():
            _check(_check(inputs, dict).get(name), kind)
        return make(inputs)

    return do


def _file(make: Callable[[bytes, dict[str, Any]], Any]) -> _Do:
    """A task that takes a file: as it is, or as base64 beside parameters."""
    return lambda inputs, parameters: make(
        inputs if isinstance(inputs, bytes) else base64.b64decode(_check(inputs, str), validate=True), parameters
    )


def _check(value: Any, kind: type) -> Any:
    if not isinstance(value, kind) or not value:
        raise ValueError(f"expected {kind.__name__}")
    return value


def _one(name: str) -> _Do:
    return _text(lambda text, parameters: [{name: f"{text} {parameters}" if parameters else text}])


TASKS: dict[str, _Do] = {
    "text-classification": _text(lambda text, _: [_LABELS]),
    "token-classification": _text(lambda text, _: [{"entity_group": "PER", "word": text, "start": 0, "end": 3}]),
    "table-question-answering": _members(
        lambda inputs: {"answer": next(iter(inputs["table"].values()))[0], "cells": []}, query=str, table=dict
    ),
    "question-answering": _members(lambda inputs: {"answer": inputs["context"]}, question=str, context=str),
    "document-question-answering": _members(
        lambda inputs: [{"answer": "42", "score": 0.9}, {"answer": "7"}], image=str, question=str
    ),
    "visual-question-answering": _members(
        lambda inputs: [{"answer": "red", "score": 0.9}, {"answer": "blue"}], image=str, question=str
    ),
    "zero-shot-classification": _text(
        lambda text, parameters: {"sequence": text, "labels": _check(parameters.get("candidate_labels"), list)}
    ),
    "translation": _one("translation_text"),
    "summarization": _one("summary_text"),
    "conversational": _members(lambda inputs: {"generated_text": str(sorted(inputs))}, text=str),
    "text-generation": _one("generated_text"),
    "text2text-generation": _one("generated_text"),
    "fill-mask": _text(lambda text, _: [{"token_str": "x", "sequence": text}, {"token_str": "y"}]),
    "sentence-similarity": _members(
        lambda inputs: [0.5 for _ in inputs["sentences"]], source_sentence=str, sentences=list
    ),
    "text-to-image": _text(lambda text, _: PICTURE),
    "image-to-text": _file(lambda image, _: [{"generated_text": f"{len(image)} bytes"}]),
    "image-classification": _file(lambda image, parameters: _LABELS[: parameters.get("top_k", 2)]),
    "object-detection": _file(lambda image, _: [{"label": "cat", "score": 0.9, "box": {"xmin": 1}}]),
    "image-segmentation": _file(lambda image, _: [{"label": "cat", "mask": "bWFzaw=="}]),
    "zero-shot-image-classification": _members(lambda inputs: _LABELS, image=str),
    "image-to-image": _file(lambda image, _: PICTURE),
    "text-to-speech": _text(lambda text, _: SOUND),
    "automatic-speech-recognition": _file(lambda sound, _: {"text": f"{len(sound)} bytes"}),
    "audio-to-audio": _file(lambda sound, _: [{"label": "voice", "blob": "ZkxhQw==", "content-type": "audio/flac"}]),
    "audio-classification": _file(lambda sound, _: _LABELS),
    "feature-extraction": _text(lambda text, _: [0.1, 0.2]),
}


class HuggingFaceServer(HttpService):
    """Does tasks, after ``busy`` requests for which the model is still loading."""

    def __init__(self, *, busy: int = 0) -> None:
        super().__init__()
        self.busy = busy

    def answer(self, asked: Asked) -> Reply:
        if asked.headers.get("authorization") != f"Bearer {TOKEN}":
            given = asked.headers.get("authorization", "")
            return Reply({"error": f"Invalid credentials in Authorization header ({given})"}, 401)
        task = self._task(asked)
        if task is None:
            return Reply({"error": "Model not found"}, 404)
        if len(self.asked) <= self.busy:
            return Reply({"error": "Model tests/x is currently loading", "estimated_time": 20.0}, 503)
        return _done(task, asked)

    def _task(self, asked: Asked) -> str | None:
        task = asked.path.removeprefix("/models/tests/").partition("/")[0]
        path = f"/models/tests/{task}" + (f"/pipeline/{task}" if task in _PIPELINES else "")
        return task if (asked.method, asked.path) == ("POST", path) and task in TASKS else None


def _done(task: str, asked: Asked) -> Reply:
    is_json = asked.headers.get("content-type") == "application/json"
    body: dict[str, Any] = asked.json if is_json else {"inputs": asked.body}
    try:
        made = TASKS[task](body["inputs"], body.get("parameters", {}))
    except (ValueError, KeyError) as error:
        return Reply({"error": [f"Error in `inputs`: {error}"]}, 422)
    if isinstance(made, bytes):
        return Reply(made, content_type="image/png" if made == PICTURE else "audio/flac")
    return Reply(made)
