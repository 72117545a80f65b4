"""The HTTP face: app factory, caller, problem documents, billing, and the wiring of adapters."""
