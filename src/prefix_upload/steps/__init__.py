"""The steps that commands are made of, and the state that they share."""
