"""Where a redirect leads, and what may go along (compat README, quirk 82)."""

from __future__ import annotations

import httpx

from smyth.connectors.http.port import HttpError

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
#: Headers that tell nothing of who asks: only these go to another host.
_HARMLESS = frozenset({"accept", "accept-encoding", "accept-language", "content-type", "user-agent"})


def redirected(request: httpx.Request, response: httpx.Response) -> httpx.Request | None:
    """Return the request that ``response`` asks for, None where it is the answer.

    303 asks for a GET, 301 and 302 do in place of a POST; others are repeated as they were.

    Raises:
        HttpError: It leads to something that is no URL.
    """
    location = response.headers.get("location")
    if response.status_code not in _REDIRECTS or not location:
        return None
    try:
        url = request.url.join(location).copy_with(username=None, password=None, fragment=None)
    except httpx.InvalidURL:
        raise HttpError(f'"{request.url.host}" redirects to something that is no URL. Check the address.') from None
    headers = {name: value for name, value in request.headers.items() if name not in ("host", "content-length")}
    if not _same_place(request.url, url):
        headers = {name: value for name, value in headers.items() if name in _HARMLESS}
    content: bytes | None = request.content
    method = request.method
    if method != "HEAD" and (response.status_code == 303 or (response.status_code in (301, 302) and method == "POST")):
        method, content = "GET", None
        headers = {name: value for name, value in headers.items() if not name.startswith("content-")}
    return httpx.Request(method, url, headers=headers, content=content or None, extensions=request.extensions)


def _same_place(one: httpx.URL, other: httpx.URL) -> bool:
    """Tell whether ``other`` is the same server, or the same host made safer."""
    if one.host != other.host:
        return False
    if one.scheme == other.scheme:
        return one.port == other.port
    return (one.scheme, other.scheme) == ("http", "https") and one.port is None and other.port is None
