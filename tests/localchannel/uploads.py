"""`POST /api/v1/upload/<channel>`: the raw form and the multipart form."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack

from werkzeug.sansio.multipart import Data, Epilogue, Event, Field, File, MultipartDecoder, NeedData

from localchannel.exchange import Body, Exchange, Refusal, Reply
from localchannel.package import Metadata, Unreadable, describe, is_package_name
from localchannel.spool import Claim, Spool, spooling
from localchannel.store import Store

_SHA256 = re.compile(r"[0-9a-f]{64}")
_ATTESTATION_LIMIT = 1024 * 1024


def receive(exchange: Exchange, store: Store, channel: str) -> Reply:
    """Take one package into a channel whose access was checked.

    Raises:
        Refusal: The request or the package breaks a rule.
    """
    with ExitStack() as stack:
        upload = _Upload(store, stack)
        if exchange.request.headers.get_content_type() == "multipart/form-data":
            upload.read_form(exchange)
        else:
            upload.read_raw(exchange)
        return upload.finish(channel, force=exchange.query("force") == "true")


class _Upload:
    """One upload from its first byte to its place on the channel."""

    def __init__(self, store: Store, stack: ExitStack) -> None:
        self._store = store
        self._stack = stack
        self._spool: Spool | None = None
        self._attestation: bytearray | None = None

    def read_raw(self, exchange: Exchange) -> None:
        """The body is the file, the request's head says which."""
        claim = Claim.of(exchange.request.headers)
        _check_names(claim)
        body = _body(exchange)
        write = self._open(claim)
        for data in body.chunks():
            write(data)

    def read_form(self, exchange: Exchange) -> None:
        """The body has a part `file` with a head of its own, and perhaps a part `attestation`."""
        boundary = exchange.request.headers.get_boundary("")
        sink: Callable[[bytes], object] = _ignore
        for event in _events(_body(exchange), boundary or ""):
            match event:
                case File(name="file", headers=headers):
                    claim = Claim.of(headers)
                    _check_names(claim)
                    sink = self._open(claim)
                case File(name="attestation") | Field(name="attestation"):
                    self._attestation = bytearray()
                    sink = self._take_attestation
                case File() | Field():
                    sink = _ignore
                case Data(data=data):
                    sink(data)

    def finish(self, channel: str, *, force: bool) -> Reply:
        """Compare the body with its headers, and store it."""
        spool, attestation = self._spool, self._attestation
        if spool is None:
            raise Refusal(400, "the form has no part 'file'")
        spool.close()
        _check_bytes(spool)
        if _check_metadata(spool).needs_v3 and not self._store.channels[channel].allows_v3:
            raise Refusal(403, f"Channel '{channel}' does not allow v3 repodata uploads")
        if attestation is not None:
            _check_attestation(attestation)
        stored = self._store.add(
            channel,
            spool.claim.file,
            spool.path,
            sha256=spool.sha256,
            force=force,
            attestation=bytes(attestation) if attestation is not None else None,
        )
        if not stored:
            raise Refusal(409, f"{spool.claim.file} already exists on channel {channel}")
        return Reply(200)

    def _open(self, claim: Claim) -> Callable[[bytes], None]:
        if self._spool is not None:
            raise Refusal(400, "the form has more than one part 'file'")
        self._spool = self._stack.enter_context(spooling(claim, self._store.spool(claim.file)))
        return self._spool.write

    def _take_attestation(self, data: bytes) -> None:
        if self._attestation is None or len(self._attestation) + len(data) > _ATTESTATION_LIMIT:
            raise Refusal(413, "the attestation is too large")
        self._attestation += data


def _body(exchange: Exchange) -> Body:
    if exchange.body is None or "Content-Length" not in exchange.request.headers:
        raise Refusal(411, "an upload needs a Content-Length")
    return exchange.body


def _events(body: Body, boundary: str) -> Iterator[Event]:
    """What a form consists of, piece by piece."""
    decoder = MultipartDecoder(boundary.encode())
    try:
        for data in body.chunks():
            decoder.receive_data(data)
            while not isinstance(event := decoder.next_event(), NeedData | Epilogue):
                yield event
        decoder.receive_data(None)
        decoder.next_event()
    except ValueError as error:
        raise Refusal(400, f"malformed form: {error}") from error


def _ignore(_: bytes) -> None:
    """Where the data of a part goes that means nothing."""


def _check_names(claim: Claim) -> None:
    if not claim.file or not claim.sha256:
        raise Refusal(400, "X-File-Name and X-File-SHA256 are required")
    if not is_package_name(claim.file):
        raise Refusal(400, f"not a conda package's file name: {claim.file}")
    if not _SHA256.fullmatch(claim.sha256):
        raise Refusal(400, "X-File-SHA256 is not a lower-case SHA-256")


def _check_bytes(spool: Spool) -> None:
    if spool.claim.size != str(spool.size):
        raise Refusal(422, f"Content-Length is {spool.claim.size or 'missing'}, received {spool.size} bytes")
    if spool.claim.sha256 != spool.sha256:
        raise Refusal(422, f"X-File-SHA256 is {spool.claim.sha256}, received {spool.sha256}")


def _check_metadata(spool: Spool) -> Metadata:
    try:
        metadata = describe(spool.path)
    except Unreadable as error:
        raise Refusal(422, f"not a readable package: {error}") from error
    stem = spool.claim.file.removesuffix(".conda").removesuffix(".tar.bz2")
    if metadata.stem != stem:
        raise Refusal(422, f"the file name says {stem}, info/index.json says {metadata.stem}")
    return metadata


def _check_attestation(attestation: bytearray) -> None:
    try:
        bundle = json.loads(attestation)
    except ValueError as error:
        raise Refusal(422, f"the attestation is no JSON: {error}") from error
    if not isinstance(bundle, dict):
        raise Refusal(422, "the attestation is no Sigstore bundle")
