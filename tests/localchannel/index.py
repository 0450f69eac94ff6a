"""The repodata of one channel, made by the conda world's own indexer when it is asked for."""

import asyncio
import threading
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from rattler.index import index_fs

from localchannel.shards import INDEX, Edits, edited_repodata, edited_shards

Files = dict[str, bytes]
"""Contents by path."""

Part = Literal["repodata", "shards"]
"""`repodata.json` and its siblings, or the index of the shards and the shards."""

PARTS: tuple[Part, ...] = ("repodata", "shards")


class Index:
    """Keeps `repodata.json`, its siblings and the shards in step with the packages in a channel's folder.

    Attributes:
        lag: So many times each file of the index is served as it was before a change.
        shards_url: Where the shards are, if they are not beside their index.
        edits: False entries in each part.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._changed = True
        self._rebuild = False
        self._frozen: dict[Part, Files] = {}
        self._is_stuck = False
        self._before: Files | None = None
        self._reads: Counter[str] = Counter()
        self.lag = 0
        self.shards_url = ""
        self.edits: dict[Part, Edits] = {part: {} for part in PARTS}

    def changed(self, *, rebuild: bool = False) -> None:
        """The packages are others now; `rebuild` where bytes under a known file name are."""
        if self.lag:
            with self._lock:
                self._before = self._files()
                self._reads.clear()
        # The indexer trusts the entry of a file name it knows, so an overwritten package needs a full run.
        self._rebuild = self._rebuild or rebuild
        self._changed = True

    def freeze(self, frozen: bool, parts: Sequence[Part] = PARTS, *, is_stuck: bool = False) -> None:
        """From now on serve these parts as they are at this moment, or follow the packages again.

        Unless the index `is_stuck`, a reindex ends that.
        """
        with self._lock:
            self._refresh()
            files = self._files()
            for part in parts:
                if not frozen:
                    self._frozen.pop(part, None)
                elif part not in self._frozen:
                    self._frozen[part] = {path: content for path, content in files.items() if _part(path) == part}
            self._is_stuck = is_stuck

    def reindex(self, subdir: str) -> None:
        """Follow the packages of a subdir again."""
        with self._lock:
            if not self._is_stuck:
                self._refresh()
                fresh = {path: content for path, content in self._files().items() if path.startswith(f"{subdir}/")}
                for part, files in self._frozen.items():
                    self._frozen[part] = {**files, **{path: fresh[path] for path in fresh if _part(path) == part}}

    def read(self, subdir: str, file: str) -> bytes | None:
        """The bytes of an index file, up to date unless frozen."""
        path = f"{subdir}/{file}"
        with self._lock:
            if (frozen := self._frozen.get(_part(path))) is not None:
                return frozen.get(path)
            self._refresh()
            self._reads[path] += 1
            if self._before is not None and self._reads[path] <= self.lag:
                return self._before.get(path)
            return self._edited(subdir, file)

    def _edited(self, subdir: str, file: str) -> bytes | None:
        content = self._content(f"{subdir}/{file}")
        part = _part(file)
        edits = {key[1]: fields for key, fields in self.edits[part].items() if key[0] == subdir}
        if part == "repodata":
            return edited_repodata(content, edits) if content and edits and file == "repodata.json" else content
        index = self._content(f"{subdir}/{INDEX}")
        if index is None or not (edits or self.shards_url):
            return content
        url = f"{self.shards_url}/{subdir}" if self.shards_url else ""
        files = edited_shards(index, lambda name: self._content(f"{subdir}/{name}") or b"", edits, url)
        return files.get(file, content)

    def _content(self, path: str) -> bytes | None:
        target = self._folder / path
        return target.read_bytes() if target.is_file() else None

    def _files(self) -> Files:
        """Every file of the index by its path, as it was written last."""
        paths = [*self._folder.glob("*/repodata*"), *self._folder.glob("*/shards/*")]
        return {path.relative_to(self._folder).as_posix(): path.read_bytes() for path in paths}

    def _refresh(self) -> None:
        if not self._changed:
            return
        # Cleared first: what changes during the run makes the next request run again.
        self._changed, rebuild, self._rebuild = False, self._rebuild, False
        asyncio.run(index_fs(self._folder, write_shards=True, force=rebuild))


def _part(path: str) -> Part:
    return "shards" if "shards" in path else "repodata"
