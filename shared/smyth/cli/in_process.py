"""Running agents in this process: the means they get, and loading them from files."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from smyth.cli.errors import CommandError
from smyth.cli.sources import read_bytes, read_json_file

if TYPE_CHECKING:
    from smyth.connectors.ports import Ports
    from smyth.connectors.vault.port import Vault
    from smyth.document import Document

VaultFile = Annotated[
    Path | None,
    typer.Option("--vault", help='Secrets for {{KEY(name)}}: encrypted, or JSON like {"default": {"name": ".."}}.'),
]


DataFolder = Annotated[
    Path | None,
    typer.Option("--data", metavar="DIR", help="A folder that keeps what agents store; else it ends with the command."),
]


def load_document(file: Path) -> Document:
    """Read the ``.smyth`` file.

    Raises:
        CommandError: It cannot be read or is no document.
    """
    from smyth.document import DocumentError, load

    try:
        return load(read_bytes(file))
    except DocumentError as error:
        raise CommandError(f"{file}: {error}") from None


def make_ports(vault_file: Path | None, data: Path | None = None) -> Ports:
    """Return the means of a run on one's own machine: keys from the environment, any address reachable.

    Args:
        vault_file: Secrets.
        data: Where what agents store is kept; None: only as long as the process lives.

    Raises:
        CommandError: The vault file or the setting ``SMYTH_MODELS`` cannot be used.
    """
    from smyth.connectors.embeddings.chosen import chosen_model
    from smyth.connectors.embeddings.embedded import EMBEDDED
    from smyth.connectors.http.addresses import AddressGuard
    from smyth.connectors.http.client import HttpClient
    from smyth.connectors.knowledge.knowledge import Knowledge
    from smyth.connectors.models.catalog import Catalog, read_models
    from smyth.connectors.models.gateway import ModelGateway
    from smyth.connectors.ports import Ports
    from smyth.connectors.vault.memory import MemoryVault
    from smyth.conversation import AskedTurns

    try:
        catalog = Catalog(read_models(json.loads(os.environ.get("SMYTH_MODELS") or "{}")))
    except (ValueError, AttributeError) as error:
        raise CommandError(f"The environment variable SMYTH_MODELS cannot be used: {error}") from None
    vault = MemoryVault() if vault_file is None else _vault(vault_file)
    try:
        embeddings = chosen_model(os.environ.get("SMYTH_EMBEDDING_MODEL") or EMBEDDED, vault)
    except ValueError as error:
        raise CommandError(f"The environment variable SMYTH_EMBEDDING_MODEL cannot be used: {error}") from None
    models = ModelGateway(catalog, vault, allow_private=True)
    http = HttpClient(AddressGuard(allow_private=True))
    knowledge = Knowledge(embeddings=embeddings)
    ports = Ports(models=models, vault=vault, http=http, conversations=AskedTurns(), knowledge=knowledge)
    if data is not None:
        from smyth.connectors.files.stored import files_in

        ports.files = files_in(data)
    return ports


def _vault(file: Path) -> Vault:
    """Return the vault in a file, which `smyth credentials --file` has encrypted or which is plain JSON."""
    from smyth.connectors.vault.file import FileVault, VaultFileError, is_encrypted
    from smyth.connectors.vault.memory import SHARED_TEAM, MemoryVault

    if is_encrypted(read_bytes(file)):
        vault = FileVault(file)
        try:
            vault.names(SHARED_TEAM)  # Whether it can be opened is told now, not in the middle of a run.
        except VaultFileError as error:
            raise CommandError(str(error)) from None
        return vault
    secrets = read_json_file(file)
    if isinstance(secrets, dict) and all(isinstance(entries, dict) for entries in secrets.values()):
        return MemoryVault(secrets)
    raise CommandError(f'{file} is no vault file. It must look like {{"default": {{"name": "secret"}}}}.')
