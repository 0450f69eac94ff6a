"""Immutable classes that inherit fields.

They are what `@dataclass(frozen=True, kw_only=True)` makes, except that they compare by identity. Dataclasses compile
their methods anew in every process, which took a tenth of the start-up time. Classes that inherit no fields are named
tuples instead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, dataclass_transform

if TYPE_CHECKING:
    from typing import Self


@dataclass_transform(kw_only_default=True, frozen_default=True, eq_default=False)
class Frozen:
    """The base of an immutable class, whose fields are its annotations, and whose defaults must be immutable, too.

    Raises:
        TypeError: a field without a default is missing, or there is no such field.
    """

    _fields: ClassVar[frozenset[str]] = frozenset()
    required_fields: ClassVar[frozenset[str]] = frozenset()

    def __init_subclass__(cls) -> None:
        own = {name for name, kind in cls.__annotations__.items() if not kind.startswith("ClassVar")}
        cls._fields |= own
        cls.required_fields = frozenset(name for name in cls._fields if not hasattr(cls, name))

    def __init__(self, **values: Any) -> None:
        if wrong := (self.required_fields - values.keys()) | (values.keys() - self._fields):
            raise TypeError(f"{type(self).__name__}: missing or unknown: {', '.join(sorted(wrong))}")
        self.__dict__.update(values)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"{type(self).__name__}.{name} can't be changed")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self.__dict__.items())})"

    def replace(self, **changes: Any) -> Self:
        """A copy with some fields changed."""
        return type(self)(**(self.__dict__ | changes))
