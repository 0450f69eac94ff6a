"""The server: what a channel has, and how a package gets there.

An upload ends in one of three ways only: the package is known to be there with these bytes, it is known not to be,
or the error says that nobody could tell.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from prefix_upload.background import Begin, at_once
from prefix_upload.channel.body import Body
from prefix_upload.channel.http import Answer, Client, NoAnswerError
from prefix_upload.channel.records import (
    BATCH_SIZE,
    Record,
    Records,
    UnclearError,
    from_graphql,
    from_repodata,
    graphql_query,
)
from prefix_upload.errors import RERUN_IS_SAFE, BatchError, ChannelError, ConflictError
from prefix_upload.models import Status

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from prefix_upload.credentials import Credentials
    from prefix_upload.models import Package

__all__ = ["BATCH_SIZE", "Channel", "Client", "Lookup", "Patience", "Record"]

# A server that is asked to be patient with may not ask for more patience than this, in seconds.
_MAX_RETRY_AFTER = 120.0
_MAX_PAUSE = 30.0
# A question is small and can be asked in another way: it is given up sooner than an upload.
_LOOKUP_RETRIES = 2
_LOOKUP_TIMEOUT = 60.0
_MAX_GRAPHQL_BODY = 2**20
# Repodata is read only where GraphQL does not answer; parsed, it takes a few times this much memory.
_MAX_REPODATA_BODY = 64 * 2**20


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to keep trying, and what the world provides for it.

    Args:
        retries: further attempts after a passing failure.
        timeout: seconds without progress on a connection before an attempt is given up.
        sleep: waits so many seconds; what it raises ends the waiting and the attempts.
        now: the time, with its zone.
        jitter: a random number between 0 and 1.
    """

    retries: int
    timeout: float
    sleep: Callable[[float], None]
    now: Callable[[], datetime]
    jitter: Callable[[], float]


@dataclass(frozen=True, slots=True)
class Lookup:
    """What could be learned of a batch. `doubts` says why where a record is missing."""

    records: Records
    doubts: tuple[str, ...] = ()


class Channel:
    """One channel of one server. May be used by several threads at once.

    Args:
        client: sends the requests.
        name: `namespace` or `namespace/channel`.
        credentials: what to name when the server refuses it.
        patience: how long to keep trying.
        begin: for what goes on beside an upload.
    """

    def __init__(
        self, client: Client, name: str, credentials: Credentials, patience: Patience, begin: Begin = at_once
    ) -> None:
        self._client = client
        self._name = name
        self._credentials = credentials
        self._patience = patience
        self._begin = begin

    def lookup(self, packages: Sequence[Package]) -> Lookup:
        """What the channel has under the names of these packages, of which there are at most `BATCH_SIZE`.

        One GraphQL request; what it leaves open is looked for in the repodata of each subdir.
        """
        records: Records = {}
        doubts = []
        try:
            records = self._ask_graphql(packages)
        except UnclearError as error:
            doubts.append(f"GraphQL: {error}")
        open_ones = [package for package in packages if package.key not in records]
        found = self._look_into_repodata(open_ones)
        return Lookup(records | found.records, (*doubts, *found.doubts))

    def upload(self, package: Package, *, force: bool, on_progress: Callable[[int], None]) -> Status:
        """Brings the package to the channel.

        Args:
            package: what to send.
            force: overwrite other bytes of the same name.
            on_progress: called with the number of bytes sent by the attempt so far; what it raises ends it.

        Returns:
            `UPLOADED`, or `ALREADY_PRESENT` where somebody else has just brought the same bytes.

        Raises:
            ConflictError: the channel has other bytes under this name.
            BatchError: the server's answer would be the same for every package.
            FileChangedError: the file is not the validated one any more.
            ChannelError: the server refused it, or all attempts failed.
        """
        may_be_there = False
        attempt = 0
        while True:
            try:
                answer = self._send(package, force=force, on_progress=on_progress)
            except NoAnswerError as error:
                if error.is_final:
                    raise self._unreachable(error) from error
                may_be_there |= error.may_have_arrived
                failure: Answer | NoAnswerError = error
            else:
                if answer.is_success:
                    return Status.UPLOADED
                if not answer.is_passing:
                    return self._settle(package, answer, force=force, ours=may_be_there)
                may_be_there |= answer.status >= 500  # noqa: PLR2004 - a gateway may have lost the server's yes
                failure = answer
            is_last = attempt == self._patience.retries
            if may_be_there or not is_last:
                self._pause(attempt, failure)
            if may_be_there and self._has(package):
                return Status.UPLOADED
            if is_last:
                raise self._gave_up(failure, may_be_there=may_be_there)
            attempt += 1

    def _send(self, package: Package, *, force: bool, on_progress: Callable[[int], None]) -> Answer:
        """One attempt (prefix.dev's API documentation, "Upload a package")."""
        headers = {
            "X-File-Name": package.file,
            "X-File-SHA256": package.sha256,
            "Content-Type": "application/octet-stream",
        }
        return self._client.post(
            f"/api/v1/upload/{self._name}" + ("?force=true" if force else ""),
            timeout=self._patience.timeout,
            headers=headers,
            data=Body(package, on_progress, self._begin),
        )

    def _settle(self, package: Package, answer: Answer, *, force: bool, ours: bool) -> Status:
        """What a final answer means: 409 may be good news, everything else is an error."""
        if answer.status != 409:  # noqa: PLR2004 - Conflict
            raise self._refused(answer)
        record = self.lookup([package]).records.get(package.key)
        if record is None or record.sha256 is None:
            record = self._look_into_repodata([package]).records.get(package.key, Record(None))
        if record.sha256 == package.sha256:
            return Status.UPLOADED if ours else Status.ALREADY_PRESENT
        if record.sha256 is None:
            raise ChannelError(
                f"The channel has a file of this name, but does not tell with which bytes ({answer.words}).",
                RERUN_IS_SAFE,
            )
        if force:
            raise ChannelError(
                f"The channel has other bytes under this name, and the server does not overwrite it ({answer.words}).",
                "Look into the channel's settings whether it lets a package be overwritten; or raise the build number.",
            )
        raise conflict(package, record.sha256)

    def _has(self, package: Package) -> bool:
        record = self.lookup([package]).records.get(package.key)
        return record is not None and record.sha256 == package.sha256

    def _ask_graphql(self, packages: Sequence[Package]) -> Records:
        question = graphql_query(self._name, packages)
        answer = self._asked(
            lambda timeout: self._client.post(
                "/api/graphql", timeout=timeout, json=question, max_body=_MAX_GRAPHQL_BODY
            )
        )
        return from_graphql(answer.body, packages)

    def _look_into_repodata(self, packages: Sequence[Package]) -> Lookup:
        records: Records = {}
        doubts = []
        for subdir in sorted({package.subdir for package in packages}):
            path = f"/{self._name}/{subdir}/repodata.json"
            try:
                answer = self._asked(
                    lambda timeout, path=path: self._client.get(  # type: ignore[misc]  # binds the loop's value
                        path, timeout=timeout, max_body=_MAX_REPODATA_BODY
                    )
                )
                records |= from_repodata(answer.body, [package for package in packages if package.subdir == subdir])
            except UnclearError as error:
                doubts.append(f"repodata of {subdir}: {error}")
        return Lookup(records, tuple(doubts))

    def _asked(self, ask: Callable[[float], Answer]) -> Answer:
        """The successful, whole answer to a question, asked again where it fails in passing.

        Raises:
            UnclearError: there is none.
        """
        timeout = min(self._patience.timeout, _LOOKUP_TIMEOUT)
        retries = min(self._patience.retries, _LOOKUP_RETRIES)
        attempt = 0
        while True:
            try:
                answer = ask(timeout)
            except NoAnswerError as error:
                failure: Answer | NoAnswerError = error
                is_final = error.is_final
            else:
                if answer.is_success and answer.is_whole:
                    return answer
                failure = answer
                is_final = not answer.is_passing
            if is_final or attempt == retries:
                raise UnclearError(_reason(failure))
            self._pause(attempt, failure)
            attempt += 1

    def _pause(self, attempt: int, failure: Answer | NoAnswerError) -> None:
        """Waits before the next attempt: longer each time, never in step with others, as the server asks."""
        pause = min(_MAX_PAUSE, 2.0**attempt) * (0.5 + self._patience.jitter() / 2)
        asked = failure.retry_after(self._patience.now()) if isinstance(failure, Answer) else 0.0
        self._patience.sleep(max(pause, min(asked, _MAX_RETRY_AFTER)))

    def _refused(self, answer: Answer) -> ChannelError:
        message = f"The server refused it ({answer.words})."
        if 300 <= answer.status < 400:  # noqa: PLR2004 - a redirect
            return BatchError(
                f"The server sent the upload on to {answer.redirect_host} ({answer.words}), "
                "which is not followed with a token.",
                "Set 'server-url' to the address of the server itself.",
            )
        advice = _ADVICE.get(answer.status)
        if advice is not None:
            return BatchError(message, advice.format(channel=self._name, credentials=self._credentials))
        return ChannelError(message, _FILE_ADVICE.get(answer.status, "The server's words say why."))

    def _unreachable(self, error: NoAnswerError) -> BatchError:
        return BatchError(
            f"The server cannot be reached: {error}.",
            "Check 'server-url', and the proxy and certificate settings of the runner.",
        )

    def _gave_up(self, failure: Answer | NoAnswerError, *, may_be_there: bool) -> ChannelError:
        attempts = self._patience.retries + 1
        message = f"Gave up after {attempts} attempt{'s' * (attempts > 1)}: {_reason(failure)}."
        if may_be_there:
            return ChannelError(f"{message} The channel does not list it, but may still do.", RERUN_IS_SAFE)
        if isinstance(failure, NoAnswerError):
            return self._unreachable(failure)
        return ChannelError(message, RERUN_IS_SAFE)


def _reason(failure: Answer | NoAnswerError) -> str:
    if isinstance(failure, NoAnswerError):
        return str(failure)
    return "the answer is cut off or too large" if failure.is_success else failure.words


def conflict(package: Package, other_sha256: str) -> ConflictError:
    """The error for a file name that the channel has with other bytes."""
    return ConflictError(
        f"The channel has '{package.subdir}/{package.file}' with other bytes: SHA-256 {other_sha256} there, "
        f"{package.sha256} here.",
        "Raise the build number, so that the package gets a name of its own; or set 'skip-existing' to leave the "
        "one on the channel alone, or 'force' to overwrite it.",
    )


# Answers that are the same for every package.
_ADVICE = {
    401: "Check {credentials}: it is wrong, was revoked or has expired. Create another on prefix.dev and store it.",
    403: "Check that {credentials} may write to '{channel}', and that the channel's settings allow this upload.",
    404: "Check the input 'channel': there is no '{channel}' on the server, or none that {credentials} can see.",
}
# Answers about one package.
_FILE_ADVICE = {
    400: "The server could not read the request or the package: its words say why.",
    413: "The package is larger than the server's plan for this channel takes: make it smaller, or ask for more.",
    422: "The server read the package and found it wrong: its words say why.",
}
