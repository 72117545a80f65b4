"""What agents know: texts in pieces, found again by meaning."""
