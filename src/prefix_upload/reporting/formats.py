"""Values as text: sizes and durations for people, checksums for `sha256sum`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefix_upload.report import distinct_names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prefix_upload.report import Report

_UNITS = ("B", "kB", "MB", "GB", "TB")


def format_size(count: int) -> str:
    """A number of bytes in human-readable decimal units."""
    value, unit = float(count), _UNITS[0]
    for larger in _UNITS[1:]:
        if round(value, _decimals(value, unit)) < 1000:  # noqa: PLR2004 - decimal units
            break
        value, unit = value / 1000, larger
    return f"{value:.{_decimals(value, unit)}f} {unit}"


def _decimals(value: float, unit: str) -> int:
    """One below 100 as it is shown, since 99.96 would be shown as 100.0."""
    return 0 if unit == _UNITS[0] or round(value, 1) >= 100 else 1  # noqa: PLR2004 - three digits


def format_duration(seconds: float) -> str:
    """A duration in minutes and seconds, with a decimal below ten seconds."""
    if seconds < 10:  # noqa: PLR2004 - two digits
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def checksum_lines(report: Report) -> Iterator[str]:
    """Yields lines for `sha256sum -c`, one for each package that is on the channel with these bytes.

    A line has the file name, with the subdir before it where several packages have the same file name.
    """
    packages = list(report.packages_on_channel)
    for package, name in zip(packages, distinct_names(packages), strict=True):
        yield f"{package.sha256}  {name}"
