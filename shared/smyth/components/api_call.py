"""APICall: one HTTP request (COMPONENTS section 9)."""

from __future__ import annotations

import random
import re
from dataclasses import replace
from typing import Any, Literal
from urllib.parse import unquote

from pydantic import Field

from smyth.components import _api_body, _api_oauth, _api_response
from smyth.components._api_templates import Filler, filler_for
from smyth.components.base import Call, Component, ComponentError, Port, Run
from smyth.components.base import Settings as BaseSettings
from smyth.connectors.files.uris import SCHEME, path_of
from smyth.connectors.http.port import HttpError, HttpRequest, InvalidURL
from smyth.values import to_json, to_text

_TIMEOUT_S = 300.0
#: How long a link works that is made for a file in a URL.
_LINK_S = 3600
_FILE_IN_QUERY = re.compile(rf"(?<==){SCHEME}[^&#]+")
_HEADER_LINE = re.compile(r"\s*([!#$%&'*+.^_`|~0-9A-Za-z-]+)[ \t]*:(.*)")


class Settings(BaseSettings):
    """Settings of APICall."""

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"] = Field("GET", description="Method.")
    url: str = Field(min_length=1, max_length=8192, description="Address; {{name}} stands for an input.")
    headers: str | dict[str, Any] | None = Field(None, description="Headers as JSON object, or one to a line.")
    content_type: Literal[
        "none",
        "application/json",
        "multipart/form-data",
        "binary",
        "application/x-www-form-urlencoded",
        "text/plain",
        "application/xml",
    ] = Field("none", alias="contentType", description="How the body is built and labelled.")
    body: str | dict[str, Any] | list[Any] | None = Field(None, description="Body; {{name}} stands for an input.")
    proxy: str | None = Field(None, description="Proxy addresses, one to a line (http or https); any one is taken.")
    oauth_con_id: str | None = Field("None", description="Vault entry with the OAuth connection; None: no OAuth.")
    oauth_service: str | None = Field("None", alias="oauthService", description="OAuth service, set right here.")
    scope: str = Field("", description="OAuth scopes.")
    token_url: str = Field("", alias="tokenURL", description="OAuth 2: where tokens are fetched.")
    client_id: str = Field("", alias="clientID", description="OAuth 2: the client's id.")
    client_secret: str = Field("", alias="clientSecret", description="OAuth 2: the client's secret, by {{KEY(name)}}.")
    consumer_key: str = Field("", alias="consumerKey", description="OAuth 1: the consumer's key.")
    consumer_secret: str = Field("", alias="consumerSecret", description="OAuth 1: its secret, by {{KEY(name)}}.")
    template_settings: dict[str, Any] | None = Field(
        None, alias="_templateSettings", description="Settings of the component template."
    )
    template_vars: dict[str, Any] | None = Field(
        None, alias="_templateVars", description="Values for the settings of the component template."
    )


class APICall(Component):
    """Makes one request and gives the answer, read by its type, and its headers."""

    name = "APICall"
    title = "API Call"
    summary = "Makes one HTTP request."
    Settings = Settings
    outputs = (
        Port("Response", "Any", "The answer: JSON as a value, text, or a file."),
        Port("Headers", "Object", "The answer's headers."),
    )
    custom_inputs = True
    custom_outputs = True

    async def run(self, call: Call) -> dict[str, Any]:
        """Fill the settings, ask, and read the answer. A status of failure gives the answer and an error."""
        settings: Settings = call.settings
        fill = await filler_for(call, *_templates(settings))
        request = await _request(call, fill)
        try:
            if _api_oauth.is_wanted(settings):
                token = await _api_oauth.authorization(call, fill, request)
                request = replace(request, headers={**request.headers, "authorization": token})
            reply = await call.run.ports.http.send(request)
        except InvalidURL as error:
            raise ComponentError(str(error)) from None
        except (HttpError, _api_oauth.OAuthError) as error:
            raise ComponentError(str(error), {"Response": None, "Headers": {}}) from None
        outputs: dict[str, Any] = {
            "Response": await _api_response.read(reply, call.run),
            "Headers": dict(reply.headers),
        }
        if reply.cookies:
            outputs["Headers"]["set-cookie"] = list(reply.cookies)
        if not 200 <= reply.status < 300:
            raise ComponentError(f"Request failed with status code {reply.status}", outputs)
        return outputs


def _templates(settings: Settings) -> list[Any]:
    """Return the settings that may name vault entries."""
    told: list[Any] = [settings.url, settings.headers, settings.body, settings.proxy]
    if _api_oauth.is_wanted(settings):
        told += [settings.client_id, settings.client_secret, settings.consumer_key, settings.consumer_secret]
    return told


async def _request(call: Call, fill: Filler) -> HttpRequest:
    settings: Settings = call.settings
    headers = _headers(settings.headers, fill)
    body = await _api_body.build(settings.body, settings.content_type, fill, call.run)
    given = headers.get("content-type", "")
    lacks_boundary = body.content_type.startswith(_api_body.MULTIPART) and "boundary" not in given
    if body.content_type and (not given or lacks_boundary):
        headers["content-type"] = body.content_type
    proxies = fill.text(settings.proxy or "").split()
    return HttpRequest(
        url=await _url(settings.url, fill, call.run),
        method=settings.method,
        headers={"accept": "application/json, text/plain, */*"} | headers,
        body=body.content,
        proxy=_proxy(random.choice(proxies)) if proxies else None,  # noqa: S311 - no secret
        timeout_s=_TIMEOUT_S,
    )


async def _url(template: str, fill: Filler, run: Run) -> str:
    """Fill the URL and write it as browsers do; values are pasted as they are (compat README, quirk 73)."""
    place, mark, query = template.partition("?")
    filled = fill.text(place + mark + query.replace("+", "%20")).strip()
    place, mark, query = re.sub(r"[\t\r\n]", "", filled).partition("?")
    return place.replace("\\", "/") + mark + await _with_links(query, run)


async def _with_links(query: str, run: Run) -> str:
    """Replace files that parameters name by addresses that give them for a while."""
    parts: list[str] = []
    copied = 0
    for found in _FILE_IN_QUERY.finditer(query):
        uri = unquote(found[0])
        path = path_of(uri, team_id=run.team_id, agent_id=run.agent_id)
        link = await run.ports.files.link(path, name=uri.rpartition("/")[2], seconds=_LINK_S)
        parts += (query[copied : found.start()], link.replace("&", "%26").replace("#", "%23").replace("+", "%2B"))
        copied = found.end()
    return "".join((*parts, query[copied:]))


def _headers(template: str | dict[str, Any] | None, fill: Filler) -> dict[str, str]:
    """Return the headers, names in lower case.

    Raises:
        ComponentError: They are neither a JSON object nor lines.
    """
    if not template or (isinstance(template, str) and not template.strip()):
        return {}
    read = fill.structure(template)
    if isinstance(read, str):
        read = _header_lines(read)
    if not isinstance(read, dict):
        raise ComponentError('The headers cannot be read. Write them as JSON, such as {"x-name": "value"}.')
    return {name.strip().lower(): _header_value(value) for name, value in read.items()}


def _header_lines(text: str) -> dict[str, str] | None:
    """Read ``Name: value`` lines (compat README, quirk 74)."""
    lines = [_HEADER_LINE.fullmatch(line) for line in text.splitlines() if line.strip()]
    return {line[1]: line[2].strip() for line in lines if line} if all(lines) else None


def _header_value(value: Any) -> str:
    if value is None:
        return ""
    return to_json(value) if isinstance(value, (dict, list)) else to_text(value).strip()


def _proxy(text: str) -> str:
    return text if "://" in text else f"http://{text}"
