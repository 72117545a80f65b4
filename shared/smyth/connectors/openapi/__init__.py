"""OpenAPI 3 documents: their operations, read for skills and for tools of models."""
