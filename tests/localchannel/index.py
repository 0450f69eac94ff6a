"""The repodata of one channel, made by the conda world's own indexer when it is asked for."""

import asyncio
import threading
from pathlib import Path

from rattler.index import index_fs


class Index:
    """Keeps `repodata.json` and its siblings in step with the packages in a channel's folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._changed = True
        self._rebuild = False
        self._frozen = False

    def changed(self, *, rebuild: bool = False) -> None:
        """The packages are others now; `rebuild` where bytes under a known file name are."""
        # The indexer trusts the entry of a file name it knows, so an overwritten package needs a full run.
        self._rebuild = self._rebuild or rebuild
        self._changed = True

    def freeze(self, frozen: bool) -> None:
        """From now on serve the index as it is at this moment, or follow the packages again."""
        with self._lock:
            self._refresh()
            self._frozen = frozen

    def read(self, subdir: str, file: str) -> bytes | None:
        """The bytes of an index file, up to date unless frozen."""
        with self._lock:
            self._refresh()
            path = self._folder / subdir / file
            return path.read_bytes() if path.is_file() else None

    def _refresh(self) -> None:
        if self._frozen or not self._changed:
            return
        # Cleared first: what changes during the run makes the next request run again.
        self._changed, rebuild, self._rebuild = False, self._rebuild, False
        asyncio.run(index_fs(self._folder, write_shards=False, force=rebuild))
