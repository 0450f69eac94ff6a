"""The composition root: creates a run from the settings."""

from __future__ import annotations

import os
import random
import time
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from prefix_upload.auth import AmbientIdentity, Anonymous, ApiKey, Credentials, IdentityProvider, IdTokenRequest
from prefix_upload.auth.pages import api_keys_page, publishers_page
from prefix_upload.concurrency import Pool, start_thread
from prefix_upload.errors import CancelledError
from prefix_upload.http import QUERY_RETRIES, QUERY_TIMEOUT, Client, RetryPolicy, Server, secure_environment
from prefix_upload.http.certificates import ca_bundle
from prefix_upload.prefix_dev import Channel
from prefix_upload.settings.settings import LocalSettings, UploadSettings
from prefix_upload.steps import messages
from prefix_upload.steps.run import LocalRun, Retention, RollBack, Run, Tools, UploadRun

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from prefix_upload.cancellation import Cancellation
    from prefix_upload.settings.settings import Settings
    from prefix_upload.steps.progress import ProgressReporter
    from prefix_upload.steps.run import PackageSigner

# Seconds after a cancellation until no further package is deleted, and that a deletion may still take then. The run has
# to end within 5 s.
_ROLL_BACK = 3.8
_ROLL_BACK_GRACE = 0.3
# Seconds between two checks for that.
_STEP = 0.1


def create_run(
    settings: Settings,
    workspace: Path,
    *,
    folder: Path | None = None,
    identity_request: IdTokenRequest | AmbientIdentity | None,
    pool: Pool,
    cancellation: Cancellation,
    reporter: ProgressReporter,
    on_secret: Callable[[str], None],
    redact: Callable[[str], str],
) -> Run:
    """Creates a run that is ready to start.

    Args:
        settings: the settings of the run.
        workspace: the folder that patterns are relative to, resolved.
        folder: the folder that paths are shown relative to; `None`: the workspace.
        identity_request: URL and bearer token for requesting the job's identity token, or the identity itself; `None`
            if the job has none.
        pool: runs calls in threads.
        cancellation: interrupts waits.
        reporter: shows the progress.
        on_secret: called with each credential before it is used, except `settings.token`.
        redact: removes these credentials from a server's message.
    """
    secure_environment(os.environ)
    sleep = _sleep_until_cancelled(cancellation)
    retry_policy = _create_policy(settings, sleep, settings.timeout, Server())
    short_policy = partial(_create_policy, settings, sleep, min(settings.timeout, QUERY_TIMEOUT))
    # Uploads that time out do not keep queries from being sent, and the other way round.
    query_policy = short_policy(Server(beside=retry_policy.server))._replace(
        retries=min(settings.retries, QUERY_RETRIES)
    )
    create_client = partial(
        Client,
        connections=settings.connections,
        ca_bundle=ca_bundle(os.environ),
        clock=time.monotonic,
        redact=redact,
    )
    identity = _create_identity(identity_request, create_client, short_policy(Server()), on_secret)
    credentials = _create_credentials(settings, create_client, identity, retry_policy, on_secret)
    client = create_client(settings.server_url, credentials.bearer)
    name = settings.channel
    channel = Channel(client, name, credentials, retry_policy, query_policy=query_policy, submit=start_thread)
    tools = Tools(channel, pool, reporter, sleep)
    if not isinstance(settings, UploadSettings):
        policy = short_policy(Server())
        return _create_other_run(
            settings, workspace, tools, folder=folder, client=client, credentials=credentials, retry_policy=policy
        )
    run = UploadRun(
        settings,
        tools,
        workspace,
        folder,
        signer=_create_signer(settings, identity, short_policy(Server()), redact),
        roll_back=_create_roll_back(settings, client, credentials, short_policy(Server()), cancellation),
        retention=_create_retention(settings, client, credentials, channel, short_policy(Server())),
    )
    if run.signer is not None and settings.token is not None:
        run.ledger.warnings.append(messages.KEY_MAY_NOT_ATTEST)
    return run


def _create_policy(settings: Settings, sleep: Callable[[float], None], timeout: float, server: Server) -> RetryPolicy:
    """The policy for requests to one server. `timeout` is that of each request, in seconds."""
    return RetryPolicy(
        retries=settings.retries,
        timeout=timeout,
        sleep=sleep,
        now=lambda: datetime.now(UTC),
        jitter=random.random,
        server=server,
    )


def _sleep_until_cancelled(cancellation: Cancellation) -> Callable[[float], None]:
    def sleep(seconds: float) -> None:
        if cancellation.wait(seconds):
            raise CancelledError

    return sleep


def _create_other_run(
    settings: Settings,
    workspace: Path,
    tools: Tools,
    *,
    folder: Path | None,
    client: Client,
    credentials: Credentials,
    retry_policy: RetryPolicy,
) -> Run:
    """The run of a command other than `upload`."""
    if isinstance(settings, LocalSettings):
        return LocalRun(settings, tools, workspace, folder)
    if settings.command == "whoami":
        return Run(settings, tools)
    from prefix_upload.change_factory import create_change_run  # noqa: PLC0415 - not for uploads

    return create_change_run(settings, tools, client=client, credentials=credentials, retry_policy=retry_policy)


def _create_identity(
    request: IdTokenRequest | AmbientIdentity | None,
    create_client: partial[Client],
    retry_policy: RetryPolicy,
    on_secret: Callable[[str], None],
) -> IdentityProvider | AmbientIdentity | None:
    if not isinstance(request, IdTokenRequest):
        return request
    token = request.token.reveal()
    on_secret(token)
    parts = urlsplit(request.url)
    client = create_client(f"{parts.scheme}://{parts.netloc}", lambda: token)
    path = f"{parts.path}?{parts.query}"
    return IdentityProvider(client, path, retry_policy, on_secret, server_url=request.server_url)


def _create_credentials(
    settings: Settings,
    create_client: partial[Client],
    identity: IdentityProvider | AmbientIdentity | None,
    retry_policy: RetryPolicy,
    on_secret: Callable[[str], None],
) -> Credentials:
    keys_page = api_keys_page(settings.server_url)
    if settings.token is not None:
        return ApiKey(settings.token, keys_page)
    # A dry run needs no token: it only reads, and public channels need no credentials.
    if identity is None or settings.is_dry_run:
        return Anonymous(keys_page)
    from prefix_upload.auth.trusted_publishing import TrustedPublishing  # noqa: PLC0415 - only needed without a key

    client = create_client(settings.server_url, lambda: None)
    return TrustedPublishing(
        identity,
        client,
        settings.audience,
        retry_policy,
        on_secret,
        publishers_page=publishers_page(settings.server_url, settings.channel),
        keys_page=keys_page,
    )


def _create_signer(
    settings: UploadSettings,
    identity: IdentityProvider | AmbientIdentity | None,
    retry_policy: RetryPolicy,
    redact: Callable[[str], str],
) -> PackageSigner | None:
    if not settings.attestations or settings.dry_run or not isinstance(identity, IdentityProvider):
        return None
    from prefix_upload.attestation import Signer  # noqa: PLC0415 - slow to load, and only needed here

    return Signer(settings.sigstore_instance, settings.channel_url, identity, retry_policy, start_thread, redact=redact)


def _create_roll_back(
    settings: UploadSettings,
    client: Client,
    credentials: Credentials,
    retry_policy: RetryPolicy,
    cancellation: Cancellation,
) -> RollBack | None:
    """What rolling back needs: its waits and calls go on for some seconds after a cancellation."""
    if not settings.rollback_on_failure or settings.dry_run:
        return None
    from prefix_upload.prefix_dev.changes import Changes  # noqa: PLC0415 - seldom needed
    from prefix_upload.prefix_dev.queries import ChannelQueries  # noqa: PLC0415

    def is_over() -> bool:
        return cancellation.is_older_than(_ROLL_BACK)

    def sleep(seconds: float) -> None:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if is_over():
                raise CancelledError
            time.sleep(min(left, _STEP))

    policy = retry_policy._replace(sleep=sleep)
    queries = ChannelQueries(client, settings.channel, credentials, policy)
    changes = Changes(client, settings.channel, credentials, policy, queries)
    return RollBack(changes, Pool(is_over, time.monotonic, grace=_ROLL_BACK_GRACE))


def _create_retention(
    settings: UploadSettings, client: Client, credentials: Credentials, channel: Channel, retry_policy: RetryPolicy
) -> Retention | None:
    if not settings.has_retention:
        return None
    from prefix_upload.prefix_dev.changes import Changes  # noqa: PLC0415 - seldom needed
    from prefix_upload.prefix_dev.listing import ChannelListing  # noqa: PLC0415

    changes = Changes(client, settings.channel, credentials, retry_policy, channel.queries)
    return Retention(ChannelListing(channel.queries, settings.channel), changes, datetime.now(UTC))
