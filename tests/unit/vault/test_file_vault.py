from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from smyth.connectors.vault.file import FileVault, VaultFileError, is_encrypted


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "vault"


async def test_secrets_are_kept_encrypted_and_a_team_reads_the_shared_ones(file: Path) -> None:
    vault = FileVault(file, environment={})
    vault.put("default", "openai", "s3cret")
    vault.put("team", "mine", "0wn")
    again = FileVault(file, environment={})
    assert await again.get("team", "openai") == "s3cret"
    assert await again.get("team", "mine") == "0wn"
    assert await again.get("default", "mine") is None
    assert again.names("default") == ["openai"]


def test_only_the_owner_may_read_file_and_key_and_the_file_alone_tells_nothing(file: Path) -> None:
    FileVault(file, environment={}).put("default", "openai", "s3cret")
    assert is_encrypted(file.read_bytes())
    assert b"s3cret" not in file.read_bytes()
    assert file.with_name("vault.key").stat().st_mode & 0o777 == 0o600
    assert file.stat().st_mode & 0o777 == 0o600


def test_deleting_tells_whether_there_was_anything(file: Path) -> None:
    vault = FileVault(file, environment={})
    assert not vault.delete("default", "a")
    vault.put("default", "a", "1")
    assert vault.delete("default", "a")
    assert vault.names("default") == []


async def test_the_key_may_stand_in_the_environment(file: Path) -> None:
    environment = {"SMYTH_VAULT_KEY": Fernet.generate_key().decode()}
    FileVault(file, environment=environment).put("default", "a", "1")
    assert not file.with_name("vault.key").exists()
    assert await FileVault(file, environment=environment).get("default", "a") == "1"
    with pytest.raises(VaultFileError, match="There is no key"):
        FileVault(file, environment={}).names("default")


@pytest.mark.parametrize(("key", "said"), [("", "no key"), ("nonsense", "no Fernet key"), ("other", "another's")])
def test_a_wrong_key_is_told_and_nothing_is_overwritten(file: Path, key: str, said: str) -> None:
    FileVault(file, environment={}).put("default", "a", "1")
    before = file.read_bytes()
    file.with_name("vault.key").unlink()
    environment = {"SMYTH_VAULT_KEY": Fernet.generate_key().decode() if key == "other" else key}
    with pytest.raises(VaultFileError, match=said):
        FileVault(file, environment=environment).put("default", "a", "2")
    assert file.read_bytes() == before


def test_a_key_that_others_may_read_is_refused(file: Path) -> None:
    FileVault(file, environment={}).put("default", "a", "1")
    file.with_name("vault.key").chmod(0o644)
    with pytest.raises(VaultFileError, match="chmod 600"):
        FileVault(file, environment={}).names("default")


def test_a_damaged_file_is_told(file: Path) -> None:
    vault = FileVault(file, environment={})
    vault.put("default", "a", "1")
    file.write_bytes(file.read_bytes()[:-8])
    with pytest.raises(VaultFileError, match="damaged"):
        vault.names("default")


def test_writers_at_once_lose_nothing(file: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: FileVault(file, environment={}).put("default", f"k{n:02}", "x"), range(24)))
    assert FileVault(file, environment={}).names("default") == [f"k{n:02}" for n in range(24)]
