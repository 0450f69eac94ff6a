"""The composition root: what the workflow asked for, turned into the parts of a run."""

from __future__ import annotations

import random
import time
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from prefix_upload.auth import ApiKey, Credentials, IdentityProvider, TrustedPublishing
from prefix_upload.commands.upload import Publication, Signs
from prefix_upload.http import Client, Patience
from prefix_upload.prefix_dev import Channel
from prefix_upload.steps.messages import cancelled

if TYPE_CHECKING:
    from collections.abc import Mapping

    from prefix_upload.cancellation import Cancellation
    from prefix_upload.concurrency import Pool
    from prefix_upload.github.runner import Runner
    from prefix_upload.settings import Settings


def assemble(
    asked: Settings, runner: Runner, environ: Mapping[str, str], pool: Pool, cancellation: Cancellation
) -> Publication:
    """The publication that was asked for, ready to run."""

    def sleep(seconds: float) -> None:
        if cancellation.wait(seconds):
            raise cancelled()

    patience = Patience(
        retries=asked.retries,
        timeout=asked.timeout,
        sleep=sleep,
        now=lambda: datetime.now(UTC),
        jitter=random.random,
    )
    client_of = partial(
        Client,
        connections=asked.concurrency,
        # requests itself knows REQUESTS_CA_BUNDLE only, which comes first.
        ca_bundle=environ.get("SSL_CERT_FILE", ""),
        clock=time.monotonic,
    )
    identity = _identity(runner, client_of, patience)
    credentials = _credentials(asked, runner, client_of, identity, patience)
    return Publication(
        asked,
        runner.workspace,
        Channel(client_of(asked.server_url, credentials.bearer), asked.channel, credentials, patience, pool.begin),
        pool=pool,
        listener=runner,
        signer=_signer(asked, identity, patience, pool),
        sleep=sleep,
    )


def _identity(runner: Runner, client_of: partial[Client], patience: Patience) -> IdentityProvider | None:
    request = runner.identity_request
    if request is None:
        return None
    url, token = request
    runner.hide(token)
    parts = urlsplit(url)
    client = client_of(f"{parts.scheme}://{parts.netloc}", lambda: token)
    return IdentityProvider(client, f"{parts.path}?{parts.query}", patience, runner.hide)


def _credentials(
    asked: Settings,
    runner: Runner,
    client_of: partial[Client],
    identity: IdentityProvider | None,
    patience: Patience,
) -> Credentials:
    # A dry run asks only what anybody may ask.
    if asked.token is not None or identity is None or asked.dry_run:
        return ApiKey(asked.token)
    nobody = client_of(asked.server_url, lambda: None)
    return TrustedPublishing(identity, nobody, asked.audience, patience, runner.hide)


def _signer(asked: Settings, identity: IdentityProvider | None, patience: Patience, pool: Pool) -> Signs | None:
    if not asked.attestations or asked.dry_run or identity is None:
        return None
    from prefix_upload.attestation import Signer  # noqa: PLC0415 - only here: it takes long to load

    return Signer(asked.sigstore_instance, asked.channel_url, identity, patience, pool.begin)
