"""What is asked for: one module a verb, each readable from top to bottom."""
