"""The front end for the runner of GitHub Actions."""
