"""Classifier: a model puts the inputs into categories, and only the branches of those run."""

from __future__ import annotations

import json
from typing import Any

from pydantic import Field

from smyth.components._filling import filled
from smyth.components._prompting import NOT_FOR_MODELS, ModelSettings, ask, output_format
from smyth.components.base import Call, Component, ComponentError, Port
from smyth.connectors.models.echo import ECHO
from smyth.values import parse, parse_whole, to_json, truthy

_DEFAULT_PROMPT = (
    "Classify the input content to one of the categories. "
    "Set the selected category to true and the others to empty value"
)
#: Braces and quotes of the inputs travel as these, so that the model does not take them for its own JSON.
_MARKS = {"{": "<[<(", "}": ")>]>", '"': "`"}


class Settings(ModelSettings):
    """Settings of Classifier."""

    prompt: str = Field("", max_length=30_000, description="Instruction; {{name}} stands for an input.")


class Classifier(Component):
    """Asks a model which of its outputs fit the inputs; the others send nothing (COMPONENTS section 2)."""

    name = "Classifier"
    title = "Classifier"
    summary = "Lets a language model choose which branches go on."
    Settings = Settings
    inputs = (Port("Input", "Any", "What to classify."),)
    custom_inputs = True
    custom_outputs = True

    async def run(self, call: Call) -> dict[str, Any]:
        """Ask for the categories and send what was answered for those that fit."""
        categories = {
            port.name: port.description or "" for port in call.node.outputs if port.name not in NOT_FOR_MODELS
        }
        # Variables travel as inputs, secrets only where the prompt names them.
        hidden = call.run.secret_variables - set(call.received)
        inputs = {name: value for name, value in call.inputs.items() if name not in hidden}
        if not categories or not inputs:
            raise ComponentError("Missing information, Cannot run classifier")
        prompt = filled(_prompt(call.settings.prompt or _DEFAULT_PROMPT, inputs, categories), call)
        answer = await ask(call, [{"role": "user", "content": prompt}])
        # Echo repeats the question, which is no answer whatever it holds.
        return _selected(parse_whole(answer.text) if call.settings.model == ECHO else parse(answer.text))

    def post_process(self, entry: dict[str, Any], settings: Any) -> Any:
        """Show an answer that was a list as the list it was."""
        result = entry["result"]
        if result and list(result) == [str(number) for number in range(len(result))]:
            return {**entry, "result": list(result.values())}
        return entry


def _prompt(instruction: str, inputs: dict[str, Any], categories: dict[str, str]) -> str:
    masked = {name: _masked(value if isinstance(value, str) else to_json(value)) for name, value in inputs.items()}
    shape = {name: f"<Boolean|String> ({told})" if told else "<Boolean|String>" for name, told in categories.items()}
    return f"{instruction}\n{_indented(masked)}\n\n---\nCategories: \n{_indented(categories)}{output_format(shape)}"


def _selected(answer: Any) -> dict[str, Any]:
    """Return what was answered for each category that fits.

    Raises:
        ComponentError: The model named no categories, or told of an error.
    """
    if isinstance(answer, list):
        return {str(number): value for number, value in enumerate(answer)}
    if not isinstance(answer, dict):
        raise ComponentError(
            f'The model answered with text, not with categories: "{answer[:200]}". '
            "Make the prompt clearer, or choose another model."
        )
    error = answer.get("error")
    if error:
        raise ComponentError(f"Error: {error if isinstance(error, str) else to_json(error)} ")
    return {name: _unmasked(value) for name, value in answer.items() if truthy(value)}


def _indented(members: dict[str, str]) -> str:
    return json.dumps(members, ensure_ascii=False, indent=2)


def _masked(text: str) -> str:
    for sign, mark in _MARKS.items():
        text = text.replace(sign, mark)
    return text


def _unmasked(value: Any) -> Any:
    """Return a value with the signs back for their marks; a text that holds JSON as what it holds."""
    if not isinstance(value, str):
        return value
    for sign, mark in _MARKS.items():
        value = value.replace(mark, sign)
    return parse(value)
