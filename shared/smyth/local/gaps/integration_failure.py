"""Gap: when a function fails, MiniStack answers with its bare message instead of the stack's gateway response."""

from __future__ import annotations

import httpx

from smyth.http.problems import MEDIA_TYPE, Problem


def check(answer: httpx.Response, function: str) -> None:
    """Turn a bare failure into the problem that API Gateway would answer.

    Raises:
        Problem: 502, or 504 when the function ran out of time.
    """
    if answer.status_code < 500 or answer.headers.get("content-type", "").startswith(MEDIA_TYPE):
        return
    if "timed out" in answer.text:
        raise Problem(504, "timeout", "The answer took too long. Use the stream route for long answers.")
    raise Problem(502, "function_failed", f"The function {function} failed. See logs/functions in the data folder.")
