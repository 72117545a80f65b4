"""How APICall fills its settings (COMPONENTS section 9; compat README, quirks 23, 24, 75 and 83)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NoReturn

from smyth.components.base import Call, ComponentError
from smyth.values import UNDEFINED, expand, get_path, parse, parse_whole
from smyth.values.templates import with_escaped_quotes

_PLACEHOLDER = re.compile(r"\{\{([^{}\n]+)\}\}")
_WHOLE = re.compile(r"\s*\{\{([^{}\n]+)\}\}\s*")
_LEFTOVER = re.compile(r"\{\{[^{}\n]*\}\}")
_VAULT_REFERENCE = re.compile(r"KEY\(([^()]+)\)")
_TEMPLATE_SETTING = re.compile(r"(?:VARINPUT|VAULTINPUT):([^:]+)(?::.*)?")
#: What the walk through a JSON text stops at: an escaped sign, a quote, a placeholder.
_JSON_STOPS = re.compile(r'\\.|"|\{\{([^{}\n]+)\}\}', re.DOTALL)
#: Marks, inside the JSON text, a placeholder that stands for a whole value; no JSON text can hold it.
_VALUE_MARK = "\x00"


class Filler:
    """Fills templates with inputs, variables, vault entries and component-template settings.

    Vault entries are filled where the author's own text names them, never inside what the inputs bring.
    Placeholders that mean nothing are removed.
    """

    def __init__(self, scope: Mapping[str, Any], *, secret: frozenset[str], passes: int) -> None:
        self._scope = scope
        self._secret = secret
        self._passes = passes

    def text(self, template: str, written: Callable[[str], str] = with_escaped_quotes) -> str:
        """Return ``template`` filled; ``written`` says how texts look where they are inserted."""
        filled = expand(template, self._scope, passes=self._passes, secret=self._secret, written=written)
        return _LEFTOVER.sub("", filled)

    def value(self, template: str) -> Any:
        """Return the value itself where ``template`` is one placeholder, else the filled text."""
        whole = _WHOLE.fullmatch(template)
        if whole:
            found = self._scope.get(whole[1], UNDEFINED)
            found = get_path(self._scope, whole[1]) if found is UNDEFINED else found
            if not isinstance(found, str):
                return None if found is UNDEFINED else found
        return self.text(template, _as_it_is)

    def structure(self, template: Any, *, whole: bool = False) -> Any:
        """Return the JSON value that ``template`` stands for.

        Texts are filled inside it, so nothing in a value needs escaping. A placeholder outside quotes brings its
        value, a text being read as JSON if it is some. A template that is not JSON is filled as text and read
        leniently; what is no JSON then stays text.

        Args:
            template: JSON text with placeholders, or what was read from it.
            whole: Also inside quotes a placeholder that stands alone brings its value.
        """
        if not isinstance(template, str):
            return self._filled(template, whole)
        try:
            read = _strict(_marked(template))
        except (ValueError, RecursionError):
            return parse(self.text(template))
        return self._filled(read, whole)

    def _filled(self, node: Any, whole: bool) -> Any:
        if isinstance(node, dict):
            return {self.text(name, _as_it_is): self._filled(member, whole) for name, member in node.items()}
        if isinstance(node, list):
            return [self._filled(item, whole) for item in node]
        if not isinstance(node, str):
            return node
        if node.startswith(_VALUE_MARK):
            return _read(self.value(node[1:]))
        return self.value(node) if whole else self.text(node, _as_it_is)


async def filler_for(call: Call, *templates: Any) -> Filler:
    """Return what fills ``templates``, with the vault entries that they name.

    Raises:
        ComponentError: The vault has no such entry.
    """
    named = {name for template in templates for text in _texts(template) for name in _PLACEHOLDER.findall(text)}
    settings = _template_settings(call, named)
    named |= {name for text in settings.values() for name in _PLACEHOLDER.findall(text)}
    secrets: dict[str, Any] = {}
    for name in named:
        if reference := _VAULT_REFERENCE.fullmatch(name):
            secrets[name] = await _secret(call, reference[1].strip())
    secret = call.run.secret_variables | secrets.keys()
    for name, text in settings.items():
        if secret.intersection(_PLACEHOLDER.findall(text)):
            secret |= {name}
        settings[name] = expand(text, {**call.inputs, **secrets}, passes=1, written=_as_it_is)
    passes = 5 if call.run.expand_caller_data else 1
    return Filler({**call.inputs, **secrets, **settings}, secret=secret, passes=passes)


def _template_settings(call: Call, named: set[str]) -> dict[str, str]:
    """Return the author's values for ``{{VARINPUT:label:...}}`` and the like, found by the setting's label."""
    given = call.settings.template_vars or {}
    known = (call.node.template or {}).get("settings") or call.settings.template_settings or {}
    ids = {one["label"]: name for name, one in known.items() if isinstance(one, dict) and "label" in one}
    found = {}
    for name in named:
        if setting := _TEMPLATE_SETTING.fullmatch(name):
            value = given.get(ids.get(setting[1], setting[1]))
            if value is not None:
                found[name] = value if isinstance(value, str) else json.dumps(value)
    return found


async def _secret(call: Call, name: str) -> str:
    secret = await call.run.ports.vault.get(call.run.team_id, name)
    if secret is None:
        raise ComponentError(
            f'The vault has no entry "{name}". Add it, or remove {{{{KEY({name})}}}} from the settings.'
        )
    return secret


def _texts(template: Any) -> Iterator[str]:
    if isinstance(template, str):
        yield template
    elif isinstance(template, (dict, list)):
        for member in (*template, *template.values()) if isinstance(template, dict) else template:
            yield from _texts(member)


def _marked(template: str) -> str:
    """Return ``template`` with each placeholder outside quotes made a marked JSON text."""
    parts: list[str] = []
    copied = 0
    in_text = False
    for stop in _JSON_STOPS.finditer(template):
        if stop[0] == '"':
            in_text = not in_text
        elif stop[1] is not None:
            placeholder = json.dumps(stop[0])[1:-1]
            parts += (template[copied : stop.start()], placeholder if in_text else f'"\\u0000{placeholder}"')
            copied = stop.end()
    return "".join((*parts, template[copied:]))


def _read(value: Any) -> Any:
    """Return what a text means that stands in the place of a JSON value."""
    if not isinstance(value, str):
        return value
    if not value:
        return None
    try:
        return _strict(value)
    except (ValueError, RecursionError):
        return parse_whole(value)


def _strict(text: str) -> Any:
    return json.loads(text, parse_constant=_no_constant)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _as_it_is(text: str) -> str:
    return text
