"""A vault in one encrypted file, for one's own machine.

The file is a Fernet token (AES-128-CBC with HMAC-SHA256) of ``{team: {name: value}}``. Its key stands in the
environment variable ``SMYTH_VAULT_KEY`` or else in ``<file>.key`` beside it, which only its owner may read.
"""

from __future__ import annotations

import fcntl
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from smyth.connectors.vault.memory import SHARED_TEAM

KEY_VARIABLE = "SMYTH_VAULT_KEY"
#: What every Fernet token begins with: version 0x80 and a time before the year 2106.
_FERNET_BEGINS = b"gAAAA"


class VaultFileError(Exception):
    """The file or its key cannot be used; the text says why and what to do."""


def is_encrypted(content: bytes) -> bool:
    """Tell whether a vault file is an encrypted one."""
    return content.startswith(_FERNET_BEGINS)


class FileVault:
    """A :class:`~smyth.connectors.vault.port.Vault` and :class:`~smyth.connectors.vault.port.VaultWriter`."""

    def __init__(self, file: Path, *, environment: Mapping[str, str] | None = None) -> None:
        """Make a vault; nothing is read yet.

        Args:
            file: Where it is, or will be with its first secret.
            environment: Where the key may be; by default the process's environment.
        """
        self._file = file
        self._key_file = file.with_name(f"{file.name}.key")
        self._environment = os.environ if environment is None else environment

    async def get(self, team_id: str, name: str) -> str | None:
        """See :meth:`smyth.connectors.vault.port.Vault.get`; a team without the name reads the shared team's."""
        secrets = self._read()
        return secrets.get(team_id, {}).get(name) or secrets.get(SHARED_TEAM, {}).get(name)

    def of_agent(self, agent_id: str) -> FileVault:
        """See :meth:`smyth.connectors.vault.port.Vault.of_agent`; here every secret is for all agents."""
        return self

    def names(self, team_id: str) -> list[str]:
        """See :meth:`smyth.connectors.vault.port.VaultWriter.names`."""
        return sorted(self._read().get(team_id, {}))

    def put(self, team_id: str, name: str, value: str) -> None:
        """See :meth:`smyth.connectors.vault.port.VaultWriter.put`."""
        with self._locked():
            secrets = self._read()
            secrets.setdefault(team_id, {})[name] = value
            self._write(secrets)

    def delete(self, team_id: str, name: str) -> bool:
        """See :meth:`smyth.connectors.vault.port.VaultWriter.delete`."""
        with self._locked():
            secrets = self._read()
            if name not in secrets.get(team_id, {}):
                return False
            del secrets[team_id][name]
            self._write(secrets)
            return True

    def _read(self) -> dict[str, dict[str, str]]:
        from cryptography.fernet import Fernet, InvalidToken

        try:
            content = self._file.read_bytes()
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise VaultFileError(f"The vault {self._file} cannot be read: {error.strerror}.") from None
        try:
            secrets: dict[str, dict[str, str]] = json.loads(Fernet(self._key()).decrypt(content.strip()))
        except InvalidToken:
            raise VaultFileError(
                f"The vault {self._file} cannot be opened: it is damaged, or the key is another's. "
                f"Set {KEY_VARIABLE}, or put the right key into {self._key_file}."
            ) from None
        return secrets

    def _write(self, secrets: dict[str, dict[str, str]]) -> None:
        """Replace the file as a whole: a write that breaks off leaves the one of before."""
        from cryptography.fernet import Fernet

        content = Fernet(self._key(make=not self._file.exists())).encrypt(json.dumps(secrets).encode())
        with tempfile.NamedTemporaryFile(dir=self._file.parent, prefix=f".{self._file.name}.", delete=False) as written:
            try:
                written.write(content)
                written.flush()
                os.fsync(written.fileno())
                Path(written.name).replace(self._file)
            except BaseException:
                Path(written.name).unlink()
                raise

    def _key(self, *, make: bool = False) -> bytes:
        """Return the key, a new one where there is none and ``make`` says so.

        Raises:
            VaultFileError: There is none, it is none, or others may read it.
        """
        from cryptography.fernet import Fernet

        given = self._environment.get(KEY_VARIABLE, "").encode()
        if not given and make and not self._key_file.exists():
            given = Fernet.generate_key()
            with os.fdopen(os.open(self._key_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(given)
        if not given:
            given = self._key_from_file()
        try:
            Fernet(given)
        except ValueError:
            raise VaultFileError(
                f"The key of the vault {self._file} is no Fernet key: 32 random bytes in url-safe base64."
            ) from None
        return given

    def _key_from_file(self) -> bytes:
        try:
            if self._key_file.stat().st_mode & 0o077:
                raise VaultFileError(f"Others may read {self._key_file}. Run: chmod 600 {self._key_file}")
            return self._key_file.read_bytes().strip()
        except FileNotFoundError:
            raise VaultFileError(
                f"There is no key for the vault {self._file}. Set {KEY_VARIABLE}, or put the key into {self._key_file}."
            ) from None

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Let one writer in at a time, whatever process it is of."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        lock = os.open(self._file.with_name(f"{self._file.name}.lock"), os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)
