"""Rules of an agent's author for what goes into a conversation and what comes out of it."""
