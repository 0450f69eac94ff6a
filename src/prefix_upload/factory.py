"""The composition root: what the workflow asked for, turned into the parts of a run."""

from __future__ import annotations

import random
import time
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from prefix_upload.auth import ApiKey, Credentials, IdentityProvider, TrustedPublishing
from prefix_upload.commands.upload import PackageSigner, Publication
from prefix_upload.concurrency import start_thread
from prefix_upload.http import Client, RetryPolicy
from prefix_upload.prefix_dev import Channel
from prefix_upload.steps.messages import cancelled

if TYPE_CHECKING:
    from collections.abc import Mapping

    from prefix_upload.cancellation import Cancellation
    from prefix_upload.concurrency import Pool
    from prefix_upload.github.runner import Runner
    from prefix_upload.settings import Settings


def create_upload(
    settings: Settings, runner: Runner, environ: Mapping[str, str], pool: Pool, cancellation: Cancellation
) -> Publication:
    """The publication that was asked for, ready to run."""

    def sleep(seconds: float) -> None:
        if cancellation.wait(seconds):
            raise cancelled()

    retry_policy = RetryPolicy(
        retries=settings.retries,
        timeout=settings.timeout,
        sleep=sleep,
        now=lambda: datetime.now(UTC),
        jitter=random.random,
    )
    client_of = partial(
        Client,
        connections=settings.concurrency,
        # requests itself knows REQUESTS_CA_BUNDLE only, which comes first.
        ca_bundle=environ.get("SSL_CERT_FILE", ""),
        clock=time.monotonic,
    )
    identity = _identity(runner, client_of, retry_policy)
    credentials = _credentials(settings, runner, client_of, identity, retry_policy)
    return Publication(
        settings,
        runner.workspace,
        Channel(
            client_of(settings.server_url, credentials.bearer),
            settings.channel,
            credentials,
            retry_policy,
            submit=start_thread,
        ),
        pool=pool,
        reporter=runner,
        signer=_signer(settings, identity, retry_policy),
        sleep=sleep,
    )


def _identity(runner: Runner, client_of: partial[Client], retry_policy: RetryPolicy) -> IdentityProvider | None:
    request = runner.identity_request
    if request is None:
        return None
    url, token = request
    runner.add_mask(token)
    parts = urlsplit(url)
    client = client_of(f"{parts.scheme}://{parts.netloc}", lambda: token)
    return IdentityProvider(client, f"{parts.path}?{parts.query}", retry_policy, runner.add_mask)


def _credentials(
    settings: Settings,
    runner: Runner,
    client_of: partial[Client],
    identity: IdentityProvider | None,
    retry_policy: RetryPolicy,
) -> Credentials:
    # A dry run asks only what anybody may ask.
    if settings.token is not None or identity is None or settings.dry_run:
        return ApiKey(settings.token)
    nobody = client_of(settings.server_url, lambda: None)
    return TrustedPublishing(identity, nobody, settings.audience, retry_policy, runner.add_mask)


def _signer(settings: Settings, identity: IdentityProvider | None, retry_policy: RetryPolicy) -> PackageSigner | None:
    if not settings.attestations or settings.dry_run or identity is None:
        return None
    from prefix_upload.attestation import Signer  # noqa: PLC0415 - only here: it takes long to load

    return Signer(settings.sigstore_instance, settings.channel_url, identity, retry_policy, start_thread)
