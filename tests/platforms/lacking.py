"""Modules of the standard library as other systems have them: without some functions, and with some of their own."""

from __future__ import annotations

import importlib.util
import sys
from contextlib import contextmanager
from types import MappingProxyType, ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

# What macOS or Windows do not have. Cancellation by SIGTERM, since nothing can send that on Windows.
LACKING: Mapping[str, Collection[str]] = {
    "os": {"O_NONBLOCK", "O_NOFOLLOW", "O_CLOEXEC", "preadv", "pread", "sched_getaffinity", "chown"},
    "signal": {"SIGTERM"},
}
# Modules that Windows does not have at all.
ABSENT = ("fcntl", "termios")
_NOTHING: Mapping[str, Mapping[str, object]] = MappingProxyType({})


class _Lacking(ModuleType):
    """A module without some of its attributes, and with others."""

    def __init__(self, module: ModuleType, missing: Collection[str], own: Mapping[str, object]) -> None:
        super().__init__(module.__name__)
        self.__dict__.update(own)
        self._module = module
        self._missing = missing

    def __getattr__(self, name: str) -> Any:
        if name in self._missing:
            raise AttributeError(name)
        return getattr(self._module, name)


@contextmanager
def lacking(own: Mapping[str, Mapping[str, object]] = _NOTHING) -> Iterator[None]:
    """Code that is imported meanwhile finds such modules, with these attributes of the system's own."""
    before = {name: sys.modules.get(name) for name in (*LACKING, *ABSENT)}
    for name, missing in LACKING.items():
        sys.modules[name] = _Lacking(sys.modules[name], missing, own.get(name, {}))
    sys.modules.update(dict.fromkeys(ABSENT))  # type: ignore[arg-type]  # None: importing it fails
    try:
        yield
    finally:
        for name, module in before.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module


def load(name: str, own: Mapping[str, Mapping[str, object]] = _NOTHING) -> Any:
    """A copy of a module, as it is on such a system."""
    spec = importlib.util.find_spec(name)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with lacking(own):
        spec.loader.exec_module(module)
    return module
