"""The interface to the GitHub Actions runner: environment, log and results."""
