"""How each kind of turn goes out."""

from __future__ import annotations

import json
from typing import Any

from smyth.testing.asked import Asked, Dialect
from smyth.testing.connections import Connection
from smyth.testing.turns import Cut, Fail, Half, Hang, Raw, Say, Slow, Turn


def deliver(turn: Turn, connection: Connection, dialect: Dialect, asked: Asked) -> None:
    """Answer a request as the turn says.

    Raises:
        ConnectionError: The client went away.
    """
    slow = turn if isinstance(turn, Slow) else Slow(turn, pause_s=0)
    streamed = bool(asked.body.get("stream"))
    if isinstance(slow.turn, Fail) and not (slow.turn.after and streamed):
        connection.wait(slow.first_s)
        fail(slow.turn, connection, dialect)
    elif streamed:
        _stream(slow, connection, dialect, asked)
    else:
        connection.wait(slow.first_s)
        _whole(slow.turn, connection, dialect, asked)


def fail(turn: Fail, connection: Connection, dialect: Dialect) -> None:
    """Answer with an error."""
    if isinstance(turn.body, str):
        connection.send_whole(turn.status, turn.body.encode(), kind="text/html", headers=turn.headers)
    else:
        body = dialect.error(turn) if turn.body is None else turn.body
        connection.send_json(turn.status, body, turn.headers)


def _stream(slow: Slow, connection: Connection, dialect: Dialect, asked: Asked) -> None:
    turn = slow.turn
    connection.begin_stream()
    connection.wait(slow.first_s)
    events = (
        dialect.raw(turn.chunks)
        if isinstance(turn, Raw)
        else dialect.events(_said(turn), asked, complete=isinstance(turn, Say))
    )
    for event in events:
        connection.send_event(event)
        connection.wait(slow.pause_s)
    if isinstance(turn, Hang):
        connection.wait(turn.seconds)
    if isinstance(turn, Cut | Hang):
        connection.close_connection = True
        return
    if isinstance(turn, Half):
        connection.send_event(_half_of_what_follows(turn, dialect, asked))
    if isinstance(turn, Fail):
        connection.send_event(dialect.error_event(turn))
    connection.end_stream()


def _whole(turn: Turn, connection: Connection, dialect: Dialect, asked: Asked) -> None:
    if isinstance(turn, Raw):
        answer: Any = turn.json if turn.json is not None else {}
    else:
        answer = dialect.whole(_said(turn), asked)
    content = json.dumps(answer).encode()
    if isinstance(turn, Hang):
        connection.wait(turn.seconds)
        connection.close_connection = True
    elif isinstance(turn, Half):
        connection.send_whole(200, content[: len(content) // 2], kind="application/json")
    else:
        cut = len(content) // 2 if isinstance(turn, Cut) else 0
        connection.send_whole(200, content, kind="application/json", short=cut)


def _half_of_what_follows(turn: Half, dialect: Dialect, asked: Asked) -> str:
    """The next event without its last third, where the JSON is."""
    sent = sum(1 for _ in dialect.events(Say(turn.text), asked, complete=False))
    event = list(dialect.events(Say(turn.text), asked))[sent].rstrip()
    return f"{event[: len(event) * 2 // 3]}\n\n"


def _said(turn: Turn) -> Say:
    """What is said in a turn, up to where it breaks."""
    if isinstance(turn, Say):
        return turn
    if isinstance(turn, Fail):
        return Say(turn.after)
    assert isinstance(turn, Cut | Half | Hang)
    return Say(turn.text)
