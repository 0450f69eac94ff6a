"""Strict JSON: only what every parser reads alike."""

from __future__ import annotations

import json
from typing import Any


def parse_json_object(raw: bytes) -> dict[str, Any]:
    """Parses a JSON object that every parser reads alike.

    `json.loads` also accepts other encodings, NaN, -0 and duplicate keys, about which parsers disagree.

    Raises:
        ValueError: it is anything else. The message completes "<file> is …".
    """
    try:
        value = json.loads(
            raw.decode("utf-8"),
            object_pairs_hook=_unique_keys,
            parse_constant=_refuse_constant,
            parse_int=_integer,
        )
        # Refuses what JSON can spell, but not every parser can represent: lone surrogates, and numbers such as 1e999.
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode("utf-8")
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except UnicodeError:
        raise ValueError("not valid UTF-8") from None
    except _RefusedError:
        raise
    except ValueError as error:
        raise ValueError(f"not valid JSON ({error})") from None
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004 - wrong data, not a wrong call
    return value


class _RefusedError(ValueError):
    """The `json` module accepts the input, but not every parser does."""


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise _RefusedError("an object with a duplicate key")
    return value


def _integer(digits: str) -> int:
    if digits == "-0":
        raise _RefusedError("JSON with the number -0, which some parsers read as a float")
    return int(digits)


def _refuse_constant(name: str) -> None:
    raise _RefusedError(f"not valid JSON ({name})")
