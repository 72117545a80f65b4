"""Embeddings, moderations, files and models, driven by OpenAI's own client."""

from __future__ import annotations

from collections.abc import Iterator

import openai
import pytest

from smyth.testing import Fail, ModelServer
from smyth.testing.embeddings import embedding


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with ModelServer() as running:
        yield running


def client(server: ModelServer) -> openai.OpenAI:
    return openai.OpenAI(base_url=server.base_url, api_key="any", max_retries=0)


def test_equal_words_have_equal_vectors_of_length_one(server: ModelServer) -> None:
    answer = client(server).embeddings.create(model="e", input=["The cat.", "the CAT", "a dog"])
    cat, again, dog = (item.embedding for item in answer.data)
    assert cat == again != dog
    assert sum(value * value for value in cat) == pytest.approx(1, abs=1e-5)
    assert cat == pytest.approx(embedding("the cat"))
    assert answer.usage.prompt_tokens == 6


def test_vectors_are_as_long_as_asked(server: ModelServer) -> None:
    answer = client(server).embeddings.create(model="e", input="x", dimensions=256, encoding_format="float")
    assert len(answer.data[0].embedding) == 256


def test_embeddings_are_those_of_the_recordings() -> None:
    # By hand: FNV-1a of "a" is 0xE40C292C, and 0x2C modulo 32 is 12.
    assert embedding("a")[12] == 1.0


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/embeddings", {"input": ""}),
        ("/embeddings", {"input": []}),
        ("/embeddings", {"input": ["", "x"]}),
        ("/embeddings", {"input": [5]}),
        ("/embeddings", {"input": {}}),
        ("/embeddings", {"input": "x", "dimensions": "many"}),
        ("/moderations", {}),
        ("/moderations", {"input": [5]}),
    ],
)
def test_requests_without_sense_are_refused(server: ModelServer, path: str, body: dict[str, object]) -> None:
    with pytest.raises(openai.BadRequestError):
        client(server).post(path, body={"model": "e", **body}, cast_to=object)


def test_moderation_flags_plain_words(server: ModelServer) -> None:
    answer = client(server).moderations.create(input=["a kind word", "I kill time"])
    assert [result.flagged for result in answer.results] == [False, True]
    assert answer.results[1].categories.violence
    assert not answer.results[1].categories.hate


def test_moderation_reads_parts(server: ModelServer) -> None:
    part = {"type": "text", "text": "hate"}
    assert client(server).moderations.create(input=[part]).results[0].flagged


def test_files_are_kept_listed_and_deleted(server: ModelServer) -> None:
    content = bytes(range(256)) + b"\r\n--x\r\n"
    files = client(server).files
    made = files.create(file=("färbe.bin", content), purpose="user_data")
    assert (made.filename, made.bytes, made.purpose) == ("färbe.bin", len(content), "user_data")
    assert files.content(made.id).content == content
    assert files.retrieve(made.id) == made
    assert [file.id for file in files.list()] == [made.id]
    assert files.delete(made.id).deleted
    with pytest.raises(openai.NotFoundError):
        files.retrieve(made.id)


def test_an_upload_without_a_file_is_refused(server: ModelServer) -> None:
    with pytest.raises(openai.BadRequestError, match="'file' and 'purpose'"):
        client(server).post("/files", body={"purpose": "x"}, cast_to=object)


def test_models_are_listed_and_told(server: ModelServer) -> None:
    assert [model.id for model in client(server).models.list()] == ["scripted", "scripted-claude"]
    assert client(server).models.retrieve("scripted").id == "scripted"
    with pytest.raises(openai.NotFoundError):
        client(server).models.retrieve("none")


def test_addresses_may_be_told_to_fail() -> None:
    with ModelServer(failing={"embeddings": Fail(500), "moderations": Fail(429), "files": Fail(503)}) as server:
        with pytest.raises(openai.InternalServerError):
            client(server).embeddings.create(model="e", input="x")
        with pytest.raises(openai.RateLimitError):
            client(server).moderations.create(input="x")
        with pytest.raises(openai.InternalServerError):
            client(server).files.create(file=b"x", purpose="user_data")
        messages = [{"role": "user", "content": "reply: but this works"}]
        answer = client(server).chat.completions.create(model="m", messages=messages)
        assert answer.choices[0].message.content == "but this works"


def test_a_key_is_asked_for_everywhere() -> None:
    with ModelServer(expect_key="right") as server:
        for refused in (
            lambda: client(server).models.list(),
            lambda: client(server).files.list(),
            lambda: client(server).files.create(file=b"x", purpose="user_data"),
            lambda: client(server).files.delete("file-1"),
            lambda: client(server).embeddings.create(model="e", input="x"),
            lambda: client(server).post("/nothing", body={}, cast_to=object),
        ):
            with pytest.raises(openai.AuthenticationError):
                refused()
