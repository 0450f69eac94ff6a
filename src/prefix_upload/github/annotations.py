"""Annotations of a GitHub job, which are also shown on the page of its run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from prefix_upload.errors import Diagnostic

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prefix_upload.github.log import Log

# How many annotations of each kind the runner shows per step (actions/runner, ActionCommandManager).
_MAX_ANNOTATIONS = 10


def annotate(job_log: Log, kind: Literal["error", "warning"], diagnostics: Sequence[Diagnostic]) -> None:
    """Adds annotations. Those beyond the number that the runner shows are logged instead."""
    shown, left_out = list(diagnostics), []
    if len(diagnostics) > _MAX_ANNOTATIONS:
        shown, left_out = shown[: _MAX_ANNOTATIONS - 1], shown[_MAX_ANNOTATIONS - 1 :]
        shown.append(Diagnostic("More problems", f"{len(left_out)} more are in the log and in the job summary."))
        job_log.open_group(f"{len(left_out)} more")
        for diagnostic in left_out:
            job_log.info(f"  {diagnostic.title}: {diagnostic}")
        job_log.close_group()
    for diagnostic in shown:
        job_log.annotate(kind, diagnostic.title, *diagnostic.paragraphs)
