"""Strict JSON: only what every parser reads alike."""

from __future__ import annotations

import codecs
import json
from typing import Any


def parse_json_object(raw: bytes) -> dict[str, Any]:
    """Parses a JSON object that every parser reads alike.

    `json` also accepts other encodings, NaN, -0 and duplicate keys, about which parsers disagree.

    Raises:
        ValueError: it is anything else. The message completes "<file> is …".
    """
    if raw.startswith(codecs.BOM_UTF8):
        raise ValueError("not valid JSON (it begins with a byte order mark)")
    try:
        value = _DECODER.decode(raw.decode("utf-8"))
        # Refuses what JSON can spell, but not every parser can represent: lone surrogates, and numbers such as 1e999.
        _ENCODER.encode(value).encode("utf-8")
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


_DECODER = json.JSONDecoder(object_pairs_hook=_unique_keys, parse_constant=_refuse_constant, parse_int=_integer)
_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False)
