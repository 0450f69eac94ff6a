"""Pictures of the job summary: real runs against the local channel server, shown as GitHub shows Markdown."""
