"""The ports through which agents reach the world, and the adapters that need no cloud."""
