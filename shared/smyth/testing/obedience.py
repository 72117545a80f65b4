"""A model that does what it is told in plain words: ``reply: Hello``, ``call: tool {"a": 1}``, ``fail: 429``, ...

So that a person without a key can try every way in which a model may behave; docs/testing.md lists the words.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from typing import Any

from smyth.testing.asked import Asked, Message, estimated_tokens
from smyth.testing.example_of import example_of
from smyth.testing.turns import Call, Cut, Fail, Half, Say, Slow, Turn

_WORDS = "reply|call|fail|stall|cut|half|think|slow|json|show"
_AT_LINE = re.compile(rf"^[ \t]*({_WORDS}):[ \t]*(.*)$", re.MULTILINE)
_ANYWHERE = re.compile(rf"\b({_WORDS}):[ \t]*(.*)$", re.MULTILINE)
_CALL = re.compile(r"([\w.-]+)[ \t]*(.*)")

#: A word and what follows it.
Directive = tuple[str, str]


def obey(asked: Asked, *, everyone: bool) -> Turn:
    """Return the turn that the request's own words ask for.

    Args:
        asked: The request.
        everyone: Obey a directive wherever it stands in a message of this turn or a system message, the newest
            first, as a model without any sense would. Else obey lines of the last user message only.
    """
    directives = _of_everyone(asked) if everyone else _of_user(asked)
    if not directives and asked.messages[-1].role == "tool":
        answers = itertools.takewhile(lambda message: message.role == "tool", reversed(asked.messages))
        return _say(asked, "\n".join(reversed([f"TOOL SAID: {message.text}" for message in answers])))
    return _follow(asked, directives)


def _of_user(asked: Asked) -> list[Directive]:
    """The directives of the last user message; none once a tool was called for it."""
    if asked.messages[-1].role == "tool":
        return []
    return _AT_LINE.findall(_user_text(asked))


def _of_everyone(asked: Asked) -> list[Directive]:
    """The newest message's directives; what was called in this turn is not called again, so that turns end."""
    turn = _this_turn(asked)
    made = {_arguments(name, arguments) for message in turn for name, arguments in message.calls}
    systems = [message for message in asked.messages if message.role == "system"]
    for message in (*reversed(turn), *reversed(systems)):
        found = [each for text in _texts(message) for each in _ANYWHERE.findall(text)]
        fresh = [(word, rest) for word, rest in found if word != "call" or _arguments(*_call(rest)) not in made]
        if fresh:
            return fresh
    return []


def _texts(message: Message) -> Iterator[str]:
    """The texts of a message, also those inside of JSON; a model's own words are none of them."""
    if message.role == "assistant":
        return
    try:
        yield from _strings(json.loads(message.text))
    except ValueError:
        yield message.text


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for member in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _strings(member)


def _this_turn(asked: Asked) -> list[Message]:
    """The messages from the last user message on."""
    places = [place for place, message in enumerate(asked.messages) if message.role == "user"]
    return list(asked.messages[places[-1] if places else 0 :])


def _user_text(asked: Asked) -> str:
    return next((message.text for message in reversed(asked.messages) if message.role == "user"), "")


def _follow(asked: Asked, directives: list[Directive]) -> Turn:
    """Make the turn; of each word the first counts, but every call is made."""
    words = {word: rest.strip() if word == "json" else _spoken(rest) for word, rest in reversed(directives)}
    turn: Turn
    if "fail" in words:
        status, _, message = words["fail"].partition(" ")
        turn = Fail(
            int(status) if re.fullmatch("[45][0-9][0-9]", status) else 500, message or "It fails as it was told."
        )
    elif "cut" in words:
        turn = Cut(words["cut"])
    elif "half" in words:
        turn = Half(words["half"])
    else:
        turn = _answer(asked, words, [_call(rest) for word, rest in directives if word == "call"])
    if "stall" in words:
        return Slow(turn, pause_s=0, first_s=_seconds(words["stall"]))
    if "slow" in words:
        return Slow(turn, pause_s=_seconds(words["slow"].partition(" ")[0]))
    return turn


def _answer(asked: Asked, words: dict[str, str], calls: list[tuple[str, str]]) -> Say:
    """The answer of a model that neither fails nor breaks off."""
    thinking = words.get("think", "")
    if calls and asked.tools and asked.forced != "":
        return _say(asked, words.get("reply", ""), calls=calls, thinking=thinking)
    if calls:
        return _say(asked, f"I have no tool to call {calls[0][0]} with.", thinking=thinking)
    if asked.forced and asked.tools:
        name = next(iter(asked.tools)) if asked.forced == "*" else asked.forced
        arguments = json.dumps(example_of(asked.tools.get(name, {"type": "object"})))
        return _say(asked, "", calls=[(name, arguments)], thinking=thinking)
    return _say(asked, _text(asked, words), thinking=thinking)


def _text(asked: Asked, words: dict[str, str]) -> str:
    for word in ("reply", "json"):
        if word in words:
            return words[word]
    if "show" in words:
        return _shown(asked, words["show"])
    if "slow" in words and " " in words["slow"]:
        return words["slow"].partition(" ")[2]
    text = f"{asked.model} heard: {_AT_LINE.sub('', _user_text(asked)).strip()}"
    if asked.schema is None:
        return text
    return json.dumps(example_of(asked.schema) if asked.schema else {"answer": text})


def _shown(asked: Asked, what: str) -> str:
    """A part of the request as JSON: ``messages``, ``params`` for all but the messages, or another member."""
    if what == "params":
        return json.dumps({name: value for name, value in asked.body.items() if name not in ("messages", "input")})
    if what == "messages":
        return json.dumps(asked.body.get("messages", asked.body.get("input")))
    return json.dumps(asked.body.get(what))


def _say(asked: Asked, text: str, *, calls: list[tuple[str, str]] | None = None, thinking: str = "") -> Say:
    """Say it within the limits of the request, and count it."""
    finish = None
    for stop in asked.stop:
        text = text.partition(stop)[0]
    if asked.max_tokens and len(text) > 4 * asked.max_tokens:
        text, finish = text[: 4 * asked.max_tokens], "length"
    before = sum(len(message.calls) for message in asked.messages)
    made = tuple(Call(name, given, f"call_{before + place}") for place, (name, given) in enumerate(calls or (), 1))
    asked_tokens = estimated_tokens("".join(message.text for message in asked.messages))
    said_tokens = estimated_tokens(text + thinking + "".join(call.name + call.arguments for call in made))
    usage = {
        "prompt_tokens": asked_tokens,
        "completion_tokens": said_tokens,
        "total_tokens": asked_tokens + said_tokens,
    }
    return Say(text, made, thinking, finish, usage)


def _call(rest: str) -> tuple[str, str]:
    """Name and arguments of ``name {json}``; what follows the JSON is left out."""
    match = _CALL.match(rest.strip())
    if match is None:
        return "", "{}"
    name, arguments = match.groups()
    if not arguments.startswith("{"):
        return name, "{}"
    try:
        _, end = json.JSONDecoder().raw_decode(arguments)
    except ValueError:
        return name, arguments
    return name, arguments[:end]


def _arguments(name: str, arguments: str) -> tuple[str, str]:
    """A call as it is compared with others."""
    try:
        return name, json.dumps(json.loads(arguments), sort_keys=True)
    except ValueError:
        return name, arguments


def _spoken(text: str) -> str:
    """A text of one line, in which ``\\n`` stands for the end of a line."""
    return text.strip().replace("\\n", "\n")


def _seconds(text: str) -> float:
    return float(text) if re.fullmatch(r"\d+(\.\d+)?", text) else 1.0
