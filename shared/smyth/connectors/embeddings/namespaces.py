"""One embedding model for each namespace: what two models make of a text cannot be compared, even at one length."""

from __future__ import annotations

from typing import Protocol

from smyth.connectors.vectors.port import DimensionMismatch, VectorStore

#: Namespaces that a warm function need not ask about again.
_MOST_KNOWN = 10_000


class OtherModel(DimensionMismatch):
    """The namespace's vectors are another embedding model's."""


class NamespaceModels(Protocol):
    """Remembers by which model the texts of a namespace were embedded."""

    def get(self, tenant_id: str, namespace: str) -> str | None:
        """Return the model's name, or None where nothing is known."""
        ...

    def put(self, tenant_id: str, namespace: str, model: str) -> None:
        """Remember the model's name in the place of any other."""
        ...


class OneModel:
    """Holds namespaces to the one model that the stack embeds with now."""

    def __init__(self, kept: NamespaceModels, vectors: VectorStore, model: str) -> None:
        """Make a check.

        Args:
            kept: What is remembered of namespaces.
            vectors: Where the namespaces are: one that is gone may begin anew with any model.
            model: The name of the stack's model.
        """
        self._kept = kept
        self._vectors = vectors
        self._model = model
        #: Namespaces that are known to be this model's: they stay so for as long as it is the stack's.
        self._own: set[tuple[str, str]] = set()

    def check_search(self, tenant_id: str, namespace: str) -> None:
        """Let a text be looked for.

        Raises:
            OtherModel: The namespace was filled by another model.
        """
        self._is_own(tenant_id, namespace)

    def check_write(self, tenant_id: str, namespace: str) -> None:
        """Let texts be stored; the namespace is this model's from then on.

        Raises:
            OtherModel: The namespace was filled by another model.
        """
        if not self._is_own(tenant_id, namespace):
            self._kept.put(tenant_id, namespace, self._model)
            self._note(tenant_id, namespace)

    def _is_own(self, tenant_id: str, namespace: str) -> bool:
        """Tell whether the namespace is known to be this model's; it is nobody's where nothing is known.

        Raises:
            OtherModel: It was filled by another model.
        """
        if (tenant_id, namespace) in self._own:
            return True
        known = self._kept.get(tenant_id, namespace)
        if known == self._model:
            self._note(tenant_id, namespace)
        elif known is not None and self._vectors.exists(tenant_id, namespace):
            raise self._refusal(namespace, known)
        return known == self._model

    def _note(self, tenant_id: str, namespace: str) -> None:
        if len(self._own) >= _MOST_KNOWN:
            self._own.clear()
        self._own.add((tenant_id, namespace))

    def _refusal(self, namespace: str, known: str) -> OtherModel:
        return OtherModel(
            f'The namespace "{namespace}" was filled with the embedding model "{known}". This service now embeds with '
            f'"{self._model}", whose vectors cannot be compared with those. Delete the namespace and index its texts '
            f'again, or let the operator set the embedding model back to "{known}".'
        )
