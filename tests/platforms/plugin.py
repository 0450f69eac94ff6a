"""A plugin of pytest that takes from the action what other systems lack: `pytest -p platforms.plugin …`.

It only does so for the action, since the standard library decides at its own import what it can do.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys

import prefix_upload
from platforms.lacking import ABSENT, lacking


def _import_all() -> None:
    for module in pkgutil.walk_packages(prefix_upload.__path__, f"{prefix_upload.__name__}."):
        importlib.import_module(module.name)


_import_all()  # with everything that is not ours, as it is
for _name in [name for name in sys.modules if name.startswith("prefix_upload.")]:
    del sys.modules[_name]
with lacking():
    _import_all()
sys.modules.update(dict.fromkeys(ABSENT))  # type: ignore[arg-type]  # as `lacking` does, for imports in functions
