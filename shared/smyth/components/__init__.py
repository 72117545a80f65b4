"""What the boxes of an agent do: one file per component."""
