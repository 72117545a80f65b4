"""What tenants keep: files, vectors and knowledge."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from smyth.http.accounts import Accounts

if TYPE_CHECKING:
    from smyth.aws.agent_files import FileLinks
    from smyth.aws.tenant_vault import KeptVaults, TenantVault
    from smyth.aws.tokens import DynamoTokens
    from smyth.connectors.embeddings.namespaces import OneModel
    from smyth.connectors.embeddings.port import EmbeddingModel
    from smyth.connectors.knowledge.knowledge import Knowledge
    from smyth.connectors.models.allowance import Allowance
    from smyth.connectors.vault.tokens import MemoryTokens
    from smyth.connectors.vectors.port import VectorStore
    from smyth.platform.credentials import Credentials
    from smyth.platform.files import Files
    from smyth.platform.knowledge import KnowledgeBase
    from smyth.platform.knowledge_indexing import Indexing


class Data(Accounts):
    """The use cases of tenants' data."""

    @cached_property
    def vectors(self) -> VectorStore:
        """Vectors by namespace, where the stack keeps them."""
        match self._settings.vectors:
            case {"kind": "opensearch", **said}:
                from smyth.aws.opensearch import OpenSearchVectors

                return OpenSearchVectors(said["endpoint"], service=said["service"], wait_s=said["wait_s"])
            case {"kind": "s3vectors", **said}:
                from smyth.aws.s3_vectors import S3Vectors

                return S3Vectors(said["bucket"])
        from smyth.aws.vectors import BucketVectors

        return BucketVectors(self.bucket)

    @cached_property
    def embeddings(self) -> EmbeddingModel | None:
        """What turns texts into vectors, where the stack is configured for it."""
        from smyth.aws.tenant_vault import VaultByTenant
        from smyth.connectors.embeddings.chosen import chosen_model

        return chosen_model(self._settings.embedding_model, VaultByTenant(self.kept_vaults))

    def kept_embeddings(self, tenant_id: str, allowance: Allowance | None = None) -> EmbeddingModel | None:
        """Return the same for what a tenant stores, which is not embedded anew where it was before."""
        from smyth.aws.embeddings import BucketGroups
        from smyth.connectors.embeddings.cached import CachedEmbeddings

        model = self.embeddings
        return CachedEmbeddings(model, BucketGroups(self.bucket, tenant_id)).view(allowance) if model else None

    @cached_property
    def one_model(self) -> OneModel | None:
        """What holds each namespace to one embedding model."""
        from smyth.aws.embeddings import TableNamespaceModels
        from smyth.connectors.embeddings.namespaces import OneModel

        model = self.embeddings
        return OneModel(TableNamespaceModels(self.table), self.vectors, model.names[1]) if model else None

    def knowledge(self, tenant_id: str, allowance: Allowance | None = None) -> Knowledge:
        """Return what a tenant's agents know: in the namespaces that the tenant's vector searches see."""
        from smyth.connectors.knowledge.knowledge import Knowledge

        embeddings = self.kept_embeddings(tenant_id, allowance)
        return Knowledge(self.vectors, embeddings, one_model=self.one_model, tenant_id=tenant_id)

    @cached_property
    def knowledge_base(self) -> KnowledgeBase:
        """Documents that agents know."""
        from smyth.aws.files import DynamoFiles
        from smyth.aws.knowledge import BucketContents, DynamoKnowledge, SqsTasks
        from smyth.platform.knowledge import KnowledgeBase

        return KnowledgeBase(
            DynamoKnowledge(self.table),
            BucketContents(self.bucket),
            SqsTasks(self._settings.knowledge_queue),
            file=DynamoFiles(self.table).get,
        )

    @cached_property
    def indexing(self) -> Indexing:
        """What brings documents into the index."""
        from smyth.aws.knowledge import BucketContents, DynamoKnowledge, SqsTasks
        from smyth.http.max_cost import allowance_of
        from smyth.platform.knowledge_indexing import Indexing

        return Indexing(
            DynamoKnowledge(self.table),
            BucketContents(self.bucket),
            SqsTasks(self._settings.knowledge_queue),
            tenant=self.tenants.get,
            meter=self.meter,
            knowledge=self.knowledge,
            allowance=lambda admission: allowance_of(admission, None),
            model=self._settings.embedding_model,
        )

    @cached_property
    def credentials(self) -> Credentials:
        """Tenants' credentials, for those who look after them."""
        from smyth.connectors.http.addresses import AddressGuard
        from smyth.connectors.vault.rotation import RotationHook
        from smyth.platform.credentials import Credentials

        guard = AddressGuard(schemes=("https",), allowed=self._settings.allowed_http)
        private = self._settings.allow_private_http
        return Credentials(self.credential_store, RotationHook(self.http), guard=None if private else guard)

    @cached_property
    def kept_vaults(self) -> KeptVaults:
        """What this function has read of tenants' credentials."""
        from smyth.aws.tenant_vault import KeptVaults

        return KeptVaults(self.credential_store)

    def vault(self, tenant_id: str) -> TenantVault:
        """Return a tenant's credentials as its agents read them."""
        from smyth.aws.tenant_vault import TenantVault

        return TenantVault(self.kept_vaults, tenant_id)

    def tokens(self, tenant_id: str) -> DynamoTokens:
        """Return the tokens that a tenant's agents fetched."""
        from smyth.aws.tokens import DynamoTokens

        return DynamoTokens(self.table, self.kept_vaults, self._unsealed_tokens, tenant_id)

    @cached_property
    def _unsealed_tokens(self) -> MemoryTokens:
        from smyth.connectors.vault.tokens import MemoryTokens

        return MemoryTokens()

    @cached_property
    def files(self) -> Files:
        """Uploaded files."""
        from smyth.aws.files import DynamoFiles
        from smyth.aws.storage import BucketStorage
        from smyth.platform.files import Files

        return Files(DynamoFiles(self.table), lambda tenant_id: BucketStorage(self.bucket, tenant_id))

    @cached_property
    def file_links(self) -> FileLinks:
        """Links to files of agents."""
        from smyth.aws.agent_files import FileLinks

        return FileLinks(self.table, self.bucket)
