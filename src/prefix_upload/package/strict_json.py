"""JSON as every reader understands it."""

from __future__ import annotations

import json
from typing import Any


def parse_json_object(raw: bytes) -> dict[str, Any]:
    """A JSON object as every reader understands it.

    `json.loads` takes more than JSON: other encodings, NaN, a key twice (of which readers disagree).

    Raises:
        ValueError: it is something else; the text completes "… is".
    """
    try:
        value = json.loads(raw.decode("utf-8"), object_pairs_hook=_unique_keys, parse_constant=_refuse_constant)
        # A lone surrogate can be spelled in JSON, but not written as UTF-8; neither can a number like 1e999.
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode("utf-8")
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except UnicodeError:
        raise ValueError("not UTF-8 throughout") from None
    except _RefusedError:
        raise
    except ValueError as error:
        raise ValueError(f"no JSON ({error})") from None
    if not isinstance(value, dict):
        raise ValueError("no JSON object")  # noqa: TRY004 - wrong data, not a wrong call
    return value


class _RefusedError(ValueError):
    """JSON to `json`, but not to every reader."""


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise _RefusedError("an object with a key twice")
    return value


def _refuse_constant(name: str) -> None:
    raise _RefusedError(f"no JSON ({name} is no number)")
