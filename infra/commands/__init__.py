"""What operators type: ``smyth stack ...`` and ``smyth cost ...``. It runs in a checkout of the project."""
