"""The server: what a channel has, and how a package gets there.

An upload ends in one of three ways only: the package is known to be there with these bytes, it is known not to be,
or the error says that nobody could tell.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefix_upload.background import Begin, at_once
from prefix_upload.errors import RERUN_IS_SAFE, BatchError, ChannelError, ConflictError
from prefix_upload.http import Answer, Client, Failure, NoAnswerError, Patience, reason
from prefix_upload.prefix_dev.queries import Lookup, Questions
from prefix_upload.prefix_dev.records import BATCH_SIZE, Record
from prefix_upload.prefix_dev.upload_body import Body, Form
from prefix_upload.report import Status

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from prefix_upload.auth import Credentials
    from prefix_upload.package.model import Package

__all__ = ["BATCH_SIZE", "Channel", "Lookup", "Record", "conflict"]


class Channel:
    """One channel of one server. May be used by several threads at once.

    Args:
        client: sends the requests.
        name: `namespace` or `namespace/channel`.
        credentials: the client's bearer, to be renewed, or named when the server refuses it.
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
        self._questions = Questions(client, name, credentials, patience)

    def sign_in(self) -> None:
        """Makes sure that there is a token, where one is to be had.

        Raises:
            SignInError: there is none.
        """
        self._credentials.bearer()

    def lookup(self, packages: Sequence[Package]) -> Lookup:
        """What the channel has under the names of these packages, of which there are at most `BATCH_SIZE`."""
        return self._questions.lookup(packages)

    def has_attestation(self, package: Package, attestation: str) -> bool | None:
        """Whether the channel serves the attestation with the package; `None` where it does not tell."""
        return self._questions.has_attestation(package, attestation)

    def upload(
        self,
        package: Package,
        *,
        force: bool,
        on_progress: Callable[[int], None],
        on_setback: Callable[[str], None],
        attestation: str | None = None,
    ) -> Status:
        """Brings the package to the channel.

        Args:
            package: what to send.
            force: overwrite other bytes of the same name.
            on_progress: called with the number of bytes sent by the attempt so far; what it raises ends it.
            on_setback: called with the reason when an attempt has failed in passing.
            attestation: a Sigstore bundle, as JSON, to send along.

        Returns:
            `UPLOADED`, or `ALREADY_PRESENT` where somebody else has just brought the same bytes.

        Raises:
            ConflictError: the channel has other bytes under this name.
            BatchError: the server's answer would be the same for every package.
            FileChangedError: the file is not the validated one any more.
            ChannelError: the server refused it, or all attempts failed.
        """
        body = Body(package, on_progress, self._begin)
        content = body if attestation is None else Form(body, attestation)
        may_be_there = False
        attempt = 0
        while True:
            try:
                answer = self._send(content, force=force)
            except NoAnswerError as error:
                if error.is_final:
                    raise _unreachable(error) from error
                may_be_there |= error.may_have_arrived
                failure: Failure = error
            else:
                if answer.is_success:
                    return Status.UPLOADED
                if not answer.is_passing:
                    return self._settle(package, answer, force=force, ours=may_be_there)
                may_be_there |= answer.status >= 500  # noqa: PLR2004 - a gateway may have lost the server's yes
                failure = answer
            is_last = attempt == self._patience.retries
            on_setback(reason(failure))
            if may_be_there or not is_last:
                self._patience.pause(attempt, failure)
            if may_be_there and self._has(package):
                return Status.UPLOADED
            if is_last:
                raise self._gave_up(failure, may_be_there=may_be_there)
            attempt += 1

    def _send(self, content: Body | Form, *, force: bool) -> Answer:
        """One attempt; a second one where the token had expired."""
        token = self._credentials.bearer()
        answer = self._post(content, force=force)
        if answer.status == 401 and self._credentials.renew(token):  # noqa: PLR2004 - Unauthorized
            return self._post(content, force=force)
        return answer

    def _post(self, content: Body | Form, *, force: bool) -> Answer:
        return self._client.post(
            f"/api/v1/upload/{self._name}" + ("?force=true" if force else ""),
            timeout=self._patience.timeout,
            headers=content.headers,
            data=content,
        )

    def _settle(self, package: Package, answer: Answer, *, force: bool, ours: bool) -> Status:
        """What a final answer means: 409 may be good news, everything else is an error."""
        if answer.status != 409:  # noqa: PLR2004 - Conflict
            raise self._refused(answer)
        sha256 = self._questions.sha256_of_existing(package)
        if sha256 == package.sha256:
            return Status.UPLOADED if ours else Status.ALREADY_PRESENT
        if sha256 is None:
            raise ChannelError(
                f"The channel has a file of this name, but does not tell with which bytes ({answer.words}).",
                RERUN_IS_SAFE,
            )
        if force:
            raise ChannelError(
                f"The channel has other bytes under this name, and the server does not overwrite it ({answer.words}).",
                "Look into the channel's settings whether it lets a package be overwritten; or raise the build number.",
            )
        raise conflict(package, sha256)

    def _has(self, package: Package) -> bool:
        record = self.lookup([package]).records.get(package.key)
        return record is not None and record.sha256 == package.sha256

    def _refused(self, answer: Answer) -> ChannelError:
        message = f"The server refused it ({answer.words})."
        match answer.status:
            case 401 | 403:
                return BatchError(message, self._credentials.advice(answer.status, self._name))
            case 404:
                return BatchError(
                    message,
                    f"Check the input 'channel': there is no '{self._name}' on the server, or none that "
                    f"{self._credentials} can see.",
                )
            case _ if answer.is_redirect:
                return BatchError(
                    f"The server sent the upload on to {answer.redirect_host} ({answer.words}), "
                    "which is not followed with a token.",
                    "Set 'server-url' to the address of the server itself.",
                )
        return ChannelError(message, _FILE_ADVICE.get(answer.status, "The server's words say why."))

    def _gave_up(self, failure: Failure, *, may_be_there: bool) -> ChannelError:
        attempts = self._patience.retries + 1
        message = f"Gave up after {attempts} attempt{'s' * (attempts > 1)}: {reason(failure)}."
        if may_be_there:
            return ChannelError(f"{message} The channel does not list it, but may still do.", RERUN_IS_SAFE)
        if isinstance(failure, NoAnswerError):
            return _unreachable(failure)
        return ChannelError(message, RERUN_IS_SAFE)


def _unreachable(error: NoAnswerError) -> BatchError:
    return BatchError(
        f"The server cannot be reached: {error}.",
        "Check 'server-url', and the proxy and certificate settings of the runner.",
    )


def conflict(package: Package, other_sha256: str) -> ConflictError:
    """The error for a file name that the channel has with other bytes."""
    return ConflictError(
        f"The channel has '{package.subdir}/{package.file}' with other bytes: SHA-256 {other_sha256} there, "
        f"{package.sha256} here.",
        "Raise the build number, so that the package gets a name of its own; or set 'skip-existing' to leave the "
        "one on the channel alone, or 'force' to overwrite it.",
    )


# Answers about one package.
_FILE_ADVICE = {
    400: "The server could not read the request or the package: its words say why.",
    413: "The package is larger than the server's plan for this channel takes: make it smaller, or ask for more.",
    422: "The server read the package and found it wrong: its words say why.",
}
