"""Old forms of the document, brought to the present one (ENGINE section 1.6).

Works on what was read without changing it: parts that differ are new, the
others are shared. Values of a wrong type are left for the model to name.

Two old forms need nothing here: numbers stored as text (the settings models
take them) and ``<team>_<label>`` namespaces (a matter of the RAG components).
"""

from __future__ import annotations

from typing import Any

_PORT_LISTS = (("inputs", "receptors"), ("outputs", "connectors"))
_WITH_OPEN_AI_MODEL = frozenset({"AgentPlugin", "OpenAPI", "GPTPlugin", "MCPClient"})


def unwrap(raw: dict[str, Any]) -> dict[str, Any]:
    """Return the document inside ``{"data": {...}, ...}``, or ``raw`` itself when it is not wrapped."""
    inner = raw.get("data")
    if "components" not in raw and isinstance(inner, dict):
        return inner
    return raw


def normalise(raw: dict[str, Any]) -> dict[str, Any]:
    """Return the document in ``raw`` in its present form."""
    document = dict(unwrap(raw))
    if not document.get("name") and raw.get("name"):
        document["name"] = raw["name"]
    if document.get("behavior") is None and document.get("description") is not None:
        document["behavior"] = document["description"]
    if isinstance(document.get("components"), list):
        document["components"] = [_component(component) for component in document["components"]]
    return document


def _component(component: Any) -> Any:
    if not isinstance(component, dict):
        return component
    component = dict(component)
    for new, old in _PORT_LISTS:
        if new not in component and old in component:
            component[new] = component.pop(old)
            component[f"{new[:-1]}Props"] = component.pop(f"{old[:-1]}Props", None)
        component[new] = _ports(component.get(new), component.get(f"{new[:-1]}Props"))
    if isinstance(component.get("data"), dict):
        component["data"] = _settings(component)
    return component


def _ports(ports: Any, props: Any) -> Any:
    """Give ports that are bare names the properties that the oldest files keep in a list beside them."""
    if not isinstance(ports, list) or not any(isinstance(port, str) for port in ports):
        return ports
    beside = props if isinstance(props, list) else []
    padded = [*beside, *[None] * len(ports)]
    return [
        {**(prop if isinstance(prop, dict) else {}), "name": port} if isinstance(port, str) else port
        for port, prop in zip(ports, padded, strict=False)
    ]


def _settings(component: dict[str, Any]) -> dict[str, Any]:
    data: dict[str, Any] = component["data"]
    name = str(component.get("name"))
    if name in _WITH_OPEN_AI_MODEL and data.get("openAiModel") and not data.get("model"):
        return {**data, "model": data["openAiModel"]}
    if name == "APICall" and data.get("oauthService") and not data.get("oauth_con_id"):
        inline = data["oauthService"] != "None"
        return {**data, "oauth_con_id": f"OAUTH_{component.get('id')}_TOKENS" if inline else "None"}
    if name == "ServerlessCode" and data.get("code_body") and not data.get("code"):
        return {**data, "code": _main_function(component)}
    return data


def _main_function(component: dict[str, Any]) -> str:
    """Wrap the old import lines and body into the function that the present setting holds."""
    data, inputs = component["data"], component.get("inputs")
    ports = inputs if isinstance(inputs, list) else []
    parameters = ", ".join(str(port.get("name")) for port in ports if isinstance(port, dict))
    return f"{data.get('code_imports') or ''}\nasync function main({parameters}) {{\n{data['code_body']}\n}}"
