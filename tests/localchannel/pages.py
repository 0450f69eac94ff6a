"""The web pages of the channels, for a person who wants to see what is there."""

from collections.abc import Iterable
from html import escape
from urllib.parse import quote

from localchannel.exchange import Refusal, Reply
from localchannel.store import Store, Stored

_PAGE = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>{title}</title>
<style>
body {{ font: 16px/1.5 sans-serif; margin: 2em; }}
td, th {{ padding: 0 1em 0 0; text-align: left; }}
</style>
<h1>{title}</h1>
{content}
</html>
"""
_COLUMNS = ("Package", "Version", "Build", "Subdir", "Size", "SHA-256", "File")


def front_page(store: Store) -> Reply:
    """All channels, with the number of packages on each."""
    rows = []
    for name, channel in sorted(store.channels.items()):
        count = len(store.all(name)) if channel.public else "private"
        rows.append(f'<li><a href="{page_path(name)}">{escape(name)}</a> ({count})</li>')
    return _reply("Local channel server", f"<ul>{''.join(rows)}</ul>")


def channel_page(store: Store, channel: str, package: str | None = None) -> Reply:
    """What is on a channel, or its files of one package."""
    files = [file for _, file in sorted(store.all(channel).items()) if package in {None, file.metadata.name}]
    if package and not files:
        raise Refusal(404, f"no package {package} on channel {channel}")
    head = "".join(f"<th>{column}</th>" for column in _COLUMNS)
    rows = "".join(f"<tr>{''.join(_cells(channel, file))}</tr>" for file in files)
    content = f"<table><tr>{head}</tr>{rows}</table>" if files else "<p>Nothing yet.</p>"
    back = page_path(channel) if package else "/"
    return _reply(f"{channel}: {package}" if package else channel, f'<p><a href="{back}">Up</a></p>{content}')


def page_path(channel: str) -> str:
    """The path of a channel's page: with an `@` if the channel is not a namespace's own."""
    return f"/channels/{'@' if '/' in channel else ''}{quote(channel)}"


def _cells(channel: str, file: Stored) -> Iterable[str]:
    metadata, name = file.metadata, file.path.name
    yield f'<td><a href="{page_path(channel)}/packages/{quote(metadata.name)}">{escape(metadata.name)}</a></td>'
    for value in (metadata.version, metadata.build, metadata.subdir, file.size):
        yield f"<td>{escape(str(value))}</td>"
    yield f"<td><code>{file.sha256}</code></td>"
    yield f'<td><a href="/{quote(f"{channel}/{metadata.subdir}/{name}")}">{escape(name)}</a></td>'


def _reply(title: str, content: str) -> Reply:
    page = _PAGE.format(title=escape(title), content=content)
    return Reply(200, page.encode(), {"Content-Type": "text/html; charset=utf-8"})
