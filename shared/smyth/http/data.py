"""What tenants keep: files, vectors and knowledge."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from smyth.http.accounts import Accounts

if TYPE_CHECKING:
    from smyth.aws.agent_files import FileLinks
    from smyth.aws.vectors import BucketVectors
    from smyth.connectors.embeddings.gateway import EmbeddingGateway
    from smyth.connectors.knowledge.knowledge import Knowledge
    from smyth.connectors.models.allowance import Allowance
    from smyth.platform.files import Files


class Data(Accounts):
    """The use cases of tenants' data."""

    @cached_property
    def vectors(self) -> BucketVectors:
        """Vectors by namespace."""
        from smyth.aws.vectors import BucketVectors

        return BucketVectors(self.bucket)

    @cached_property
    def embeddings(self) -> EmbeddingGateway | None:
        """What turns texts into vectors, where the stack is configured for it."""
        from smyth.connectors.embeddings.gateway import EmbeddingGateway, read_embedding_model
        from smyth.connectors.vault.memory import MemoryVault

        entry = read_embedding_model(self._settings.embedding_model)
        return EmbeddingGateway(entry, MemoryVault()) if entry else None

    def knowledge(self, tenant_id: str, allowance: Allowance | None = None) -> Knowledge:
        """Return what a tenant's agents know: in the namespaces that the tenant's vector searches see."""
        from smyth.connectors.knowledge.knowledge import Knowledge

        embeddings = self.embeddings and self.embeddings.view(allowance)
        return Knowledge(self.vectors, embeddings, tenant_id=tenant_id)

    @cached_property
    def files(self) -> Files:
        """Uploaded files."""
        from smyth.aws.files import BucketFiles, DynamoFiles
        from smyth.platform.files import Files

        return Files(DynamoFiles(self.table), BucketFiles(self.bucket))

    @cached_property
    def file_links(self) -> FileLinks:
        """Links to files of agents."""
        from smyth.aws.agent_files import FileLinks

        return FileLinks(self.table, self.bucket)
