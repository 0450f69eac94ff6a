"""Immutable classes that inherit fields."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import pytest

from prefix_upload.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Mapping


class Animal(Frozen):
    """Has a name, and a class-wide kingdom."""

    kingdom: ClassVar[str] = "animals"

    name: str
    legs: int = 4


class Bird(Animal):
    """Adds fields to those of an animal, and has another default."""

    legs: int = 2
    song: str


def test_fields_are_inherited() -> None:
    """With their defaults, which a subclass may change."""
    bird = Bird(name="wren", song="loud")
    assert (bird.name, bird.legs, bird.song, bird.kingdom) == ("wren", 2, "loud", "animals")
    assert Animal(name="cat").legs == 4
    assert Bird.required_fields == {"name", "song"}


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"name": "wren"}, "song"),
        ({}, "name, song"),
        ({"name": "wren", "song": "loud", "wings": 2}, "wings"),
        ({"name": "wren", "song": "loud", "kingdom": "plants"}, "kingdom"),
    ],
)
def test_fields_that_are_missing_or_unknown(values: Mapping[str, object], named: str) -> None:
    """Each is named."""
    with pytest.raises(TypeError, match=f"Bird: missing or unknown: {named}$"):
        Bird(**values)  # type: ignore[arg-type]


def test_nothing_changes() -> None:
    """Neither a field nor any other attribute; a copy may differ."""
    wren = Bird(name="wren", song="loud")
    for name in ("song", "other"):
        with pytest.raises(AttributeError, match=f"Bird.{name} can't be changed"):
            setattr(wren, name, "quiet")
    assert repr(wren) == "Bird(name='wren', song='loud')"
    quiet = wren.replace(song="quiet")
    assert (type(quiet), quiet.name, quiet.song, wren.song) == (Bird, "wren", "quiet", "loud")
    with pytest.raises(TypeError, match="wings"):
        wren.replace(wings=2)
