"""The commands. Each is a module that reads from top to bottom."""
