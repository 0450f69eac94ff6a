"""The action on systems that lack what Linux has."""
