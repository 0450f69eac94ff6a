"""Raw inputs in, checked settings out, and every problem at once."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest

from prefix_upload import settings
from prefix_upload.errors import ConfigurationError, Diagnostic, spell_settings
from prefix_upload.github.environment import Job
from prefix_upload.github.preflight import credential_errors
from prefix_upload.github.results import as_input
from prefix_upload.package.formats import ValidationLevel
from prefix_upload.settings import IfNoFilesFound, Workspace
from prefix_upload.settings.parsing import parse, wants_summary
from prefix_upload.settings.settings import UploadSettings
from prefix_upload.urls import uses_secure_transport

WORKSPACE = Workspace(
    Path("/github/workspace"),
    (PurePosixPath("/home/runner/work/packages/packages"), PurePosixPath("/__w/packages/packages")),
    "The container sees only the workspace.",
)
PLAIN_JOB, FORK = Job(), Job(is_from_fork=True)
IDENTIFIED = Job(has_identity=True)
PLAIN = {"channel": "octo/stable", "glob": "*.conda", "token": "pfx_key"}
NAMES = [entry.name for entry in settings.inputs_of("upload")]


def parsed(job: Job = PLAIN_JOB, /, **inputs: str) -> UploadSettings:
    """The settings of a plain upload with these inputs (hyphens as underscores)."""
    given = {name.replace("_", "-"): value for name, value in inputs.items()}
    raw = {**PLAIN, **given}
    has_token = bool(raw["token"].strip())
    return parse(UploadSettings, raw, WORKSPACE, lambda parsed: credential_errors(parsed, job, has_token=has_token))


def problems(job: Job = PLAIN_JOB, /, **inputs: str) -> tuple[Diagnostic, ...]:
    with pytest.raises(ConfigurationError) as caught:
        parsed(job, **inputs)
    return tuple(one.map(lambda text: spell_settings(text, as_input)) for one in caught.value.diagnostics)


def problem(job: Job = PLAIN_JOB, /, **inputs: str) -> Diagnostic:
    """The one problem of these inputs."""
    (only,) = problems(job, **inputs)
    return only


def test_the_defaults_are_those_of_the_contract() -> None:
    """Only channel, glob and token have to be given."""
    parsed_settings = parsed()
    assert parsed_settings.channel == "octo/stable"
    assert (parsed_settings.patterns.include, parsed_settings.patterns.exclude) == (("*.conda",), ())
    assert parsed_settings.token is not None
    assert parsed_settings.token.reveal() == "pfx_key"
    assert parsed_settings.server_url == "https://prefix.dev"
    assert parsed_settings.if_no_files_found is IfNoFilesFound.ERROR
    assert (parsed_settings.skip_existing, parsed_settings.force, parsed_settings.dry_run) == (False, False, False)
    assert (parsed_settings.concurrency, parsed_settings.retries, parsed_settings.timeout) == (8, 5, 300)
    assert parsed_settings.validation_level is ValidationLevel.FULL
    assert parsed_settings.max_size is None


@pytest.mark.parametrize("empty", ["", "  ", "\n"], ids=["empty", "spaces", "line feed"])
def test_an_empty_input_counts_as_its_default(empty: str) -> None:
    """An expression that gives nothing is no mistake."""
    others = {name.replace("-", "_"): empty for name in NAMES if name not in PLAIN}
    assert repr(parsed(**others)).replace("Secret", "") == repr(parsed()).replace("Secret", "")


def test_a_missing_input_counts_as_its_default() -> None:
    """So does an undeclared one."""
    assert parse(UploadSettings, PLAIN, WORKSPACE).timeout == 300


def test_all_problems_are_told_at_once() -> None:
    """One run is enough to learn of every mistake, and each names its input."""
    wrong = dict.fromkeys(NAMES, "no such ~ thing") | {"glob": "../x\n/etc/*\n~/y", "token": "a b"}
    wrong["checksums-file"] = "../x"
    found = problems(**{name.replace("-", "_"): value for name, value in wrong.items()})
    titles = [one.title for one in found]
    assert titles.count("Invalid 'glob'") == 3
    assert set(titles) == {f"Invalid '{name}'" for name in NAMES}
    assert all(one.message and one.hint and one.title.split("'")[1] in one.message for one in found)


def test_a_configuration_error_ends_with_its_own_code_and_words() -> None:
    """The exception itself tells all problems, too."""
    with pytest.raises(ConfigurationError, match=r"⟨retries⟩ is 'x'.*; ⟨timeout⟩ is 'y'") as caught:
        parsed(retries="x", timeout="y")
    assert caught.value.diagnostic.title == "Configuration"


# Booleans.


@pytest.mark.parametrize("name", ["skip_existing", "force", "dry_run"])
@pytest.mark.parametrize(
    ("text", "value"),
    [("true", True), ("True", True), ("TRUE", True), ("false", False), ("False", False), ("FALSE", False)],
)
def test_booleans_are_those_of_yaml(name: str, text: str, value: bool) -> None:
    """Exactly the six spellings of the YAML core schema."""
    assert getattr(parsed(**{name: f" {text}\n"}), name) is value


@pytest.mark.parametrize("name", ["skip_existing", "force", "dry_run", "summary"])
@pytest.mark.parametrize("text", ["yes", "no", "1", "0", "on", "tRUE", "true,", "'true'", "${{ true }}"])
def test_anything_else_is_no_boolean(name: str, text: str) -> None:
    """Least of all is it true because it is not `false`."""
    one = problem(**{name: text})
    assert one.title == f"Invalid '{name.replace('_', '-')}'"
    assert "not a boolean" in one.message


@pytest.mark.parametrize(
    ("text", "wanted"), [("true", True), ("", True), ("nonsense", True), ("false", False), (" FALSE ", False)]
)
def test_the_summary_is_written_unless_it_is_switched_off(text: str, wanted: bool) -> None:
    """A misspelled switch does not take away the place where the mistake is reported."""
    assert wants_summary({"summary": text}) is wanted
    assert wants_summary({}) is True


# Numbers, choices, sizes.


@pytest.mark.parametrize(("name", "low", "high"), [("concurrency", 1, 32), ("retries", 0, 20), ("timeout", 1, 86_400)])
def test_numbers_have_bounds(name: str, low: int, high: int) -> None:
    """Both bounds are values, what lies beyond them is none."""
    assert [getattr(parsed(**{name: str(value)}), name) for value in (low, high)] == [low, high]
    for value in (low - 1, high + 1):
        assert f"from {low} to {high}" in problem(**{name: str(value)}).hint


@pytest.mark.parametrize("text", ["1.5", "+1", "-1", "1e1", "1_0", "٣", "0x1", "1 0", "ten", "9" * 5000])
@pytest.mark.parametrize("name", ["concurrency", "retries", "timeout"])
def test_numbers_are_plain_digits(name: str, text: str) -> None:
    """No sign, no exponent, no digits of other scripts, however long."""
    unit = "a number of seconds" if name == "timeout" else "an integer"
    assert f"Use {unit} from " in problem(**{name: text}).hint


@pytest.mark.parametrize("value", list(IfNoFilesFound))
def test_if_no_files_found(value: IfNoFilesFound) -> None:
    """The three words of `actions/upload-artifact`."""
    assert parsed(if_no_files_found=value.value).if_no_files_found is value


@pytest.mark.parametrize("value", list(ValidationLevel))
def test_validate(value: ValidationLevel) -> None:
    """All of the package, or its metadata."""
    assert parsed(validate=value.value).validation_level is value


@pytest.mark.parametrize(
    ("name", "text", "known"),
    [
        ("if_no_files_found", "Error", "'error', 'warn', 'ignore'"),
        ("if_no_files_found", "fail", "'error', 'warn', 'ignore'"),
        ("validate", "none", "'full', 'metadata'"),
    ],
)
def test_other_words_are_told_which_there_are(name: str, text: str, known: str) -> None:
    """The advice lists the choices."""
    one = problem(**{name: text})
    assert repr(text) in one.message
    assert known in one.hint


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("1", 1), ("1B", 1), ("12k", 12_000), ("12KB", 12_000), ("1KiB", 1024), ("100MB", 10**8), ("100 MB", 10**8),
        ("100mb", 10**8), ("1Mi", 2**20), ("1GiB", 2**30), ("2G", 2 * 10**9), ("1TB", 10**12), ("1TiB", 2**40),
        ("1.5GB", 1_500_000_000), ("1.5GiB", 3 * 2**29), ("0.25 kB", 250), (".5k", 500), ("1.0", 1),
    ],
)  # fmt: skip
def test_sizes(text: str, size: int) -> None:
    """Decimal and binary units, with or without `B`, in any case; whole numbers and decimals."""
    assert parsed(max_size=text).max_size == size


@pytest.mark.parametrize(
    "text", ["0", "0GB", "-1", "0.5", "1,5GB", "1.GB", "1.5.1GB", "MB", "1 PB", "1 G B", "1iB", "9" * 5000, "big"]
)
def test_what_is_no_size(text: str) -> None:
    """Nor is nothing a size."""
    assert problem(max_size=text).title == "Invalid 'max-size'"


@pytest.mark.parametrize(
    "url",
    [
        "https://u:sesame#1@h",
        "https://u:sesame@h:99999",
        "http://u:sesame@h.test",
        "ftp://u:sesame/1@h",
        "//u:sesame@h",
        "https://sesame@h.test",
        "https://u:p@sesame@h.test",
        "https://u@h.test/?key=sesame",
        "u:sesame@h.test",
    ],
)
def test_a_password_in_the_address_is_not_shown(url: str) -> None:
    """Neither in a URL that is refused for it nor in one that is refused for something else."""
    one = problem(server_url=url)
    assert "sesame" not in str(one)


def test_a_decimal_comma() -> None:
    """The message says how to write it."""
    assert "'1.5GB'" in problem(max_size="1,5GB").hint


# Checksums file.


@pytest.mark.parametrize(
    "text", ["SHA256SUMS", "out/new/SHA256SUMS", "./SHA256SUMS", "/__w/packages/packages/SHA256SUMS"]
)
def test_checksums_file_in_the_workspace(text: str) -> None:
    """Relative, or with the workspace's path on the host; the folders above it need not exist."""
    path = parsed(checksums_file=text).checksums_file
    assert path is not None
    assert path.name == "SHA256SUMS"
    assert path.is_relative_to(WORKSPACE.path)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("../SHA256SUMS", "outside the workspace"),
        ("out/../../SHA256SUMS", "outside the workspace"),
        ("/tmp/SHA256SUMS", "outside the workspace"),
        ("~/SHA256SUMS", "outside the workspace"),
        ("out/", "is a folder"),
        (".", "is a folder"),
        ("here", "is a folder"),
        ("away", "outside the workspace"),
        ("away/SHA256SUMS", "outside the workspace"),
        ("dangling", "outside the workspace"),
        ("a\0b", "not a path"),
        ("a\nb", "a\\nb"),
        ("demo-1.0-0.conda", "demo"),
    ],
)
def test_checksums_file_elsewhere(workspace: Path, text: str, says: str) -> None:
    """Neither folders nor packages, and no link out of the workspace, even to what does not exist yet."""
    (workspace / "here").mkdir()
    (workspace / "away").symlink_to(workspace.parent)
    (workspace / "dangling").symlink_to(workspace.parent / "none")
    with pytest.raises(ConfigurationError, match="checksums-file") as caught:
        parse(UploadSettings, {**PLAIN, "checksums-file": text}, Workspace(workspace))
    assert says in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "https://prefix.dev/t/pfx_sesame/octo/stable",
        "https://pfx_sesame@prefix.dev/octo/stable/x",
        "https://u:sesame@prefix.dev:port/octo",
        "prefix.dev/t/pfx_sesame/octo/stable",
        "https://prefix.dev/octo/a/b?token=sesame",
    ],
)
def test_credentials_in_a_channel_are_not_shown(text: str) -> None:
    """A URL that was copied from a configuration of conda may have them."""
    assert "sesame" not in str(problem(channel=text))


# Channel.


@pytest.mark.parametrize(
    ("text", "channel"),
    [
        ("octo", "octo"),
        ("octo/stable", "octo/stable"),
        ("octo/stable/", "octo/stable"),
        ("o" * 128 + "/" + "s" * 128, "o" * 128 + "/" + "s" * 128),
        ("  octo/stable\n", "octo/stable"),
        ("Octo-Cat_1.x/My.Chan", "Octo-Cat_1.x/My.Chan"),
        ("https://prefix.dev/octo", "octo"),
        ("https://prefix.dev/octo/stable", "octo/stable"),
        ("https://prefix.dev/octo/stable/", "octo/stable"),
        ("https://PREFIX.dev/channels/octo/stable", "octo/stable"),
        ("https://repo.prefix.dev/octo/stable", "octo/stable"),
        ("https://prefix.dev:443/octo", "octo"),
        ("http://prefix.dev/octo", "octo"),
        ("https://prefix.dev/channels/octo?tab=packages#top", "octo"),
        ("https://prefix.dev/channels/@octo/stable", "octo/stable"),
        ("https://prefix.dev/channels/@octo/stable/", "octo/stable"),
        ("https://prefix.dev/channels/@octo/stable/packages", "octo/stable"),
        ("https://prefix.dev/channels/@octo/stable/packages/demo", "octo/stable"),
        ("https://prefix.dev/channels/@octo/stable/settings/members?x=1", "octo/stable"),
        ("https://prefix.dev/channels/octo/packages/demo", "octo"),
        ("https://prefix.dev/channels/octo/settings", "octo"),
        ("https://prefix.dev/channels/@octo/packages", "octo/packages"),
        ("https://repo.prefix.dev/channels/@octo/stable", "octo/stable"),
        ("prefix.dev/octo/stable", "octo/stable"),
        ("Prefix.dev/octo", "octo"),
        ("repo.prefix.dev/octo/stable", "octo/stable"),
        ("prefix.dev/channels/@octo/stable/packages/demo", "octo/stable"),
        ("prefix.dev", "prefix.dev"),
        ("https://prefix.dev/channels/@octo/packages/settings/members", "octo/packages"),
        ("https://prefix.dev/channels/octo/stable/packages/tool", "octo/stable"),
    ],
)
def test_channel_forms(text: str, channel: str) -> None:
    """A name, or the address of the channel's page or of its packages; the slash is kept."""
    assert parsed(channel=text).channel == channel


@pytest.mark.parametrize(
    ("server", "text"),
    [
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000/octo/stable"),
        ("http://[::1]:8000", "http://[::1]:8000/channels/octo/stable"),
        ("https://conda.example", "https://repo.conda.example/octo/stable"),
        ("https://conda.example:443", "https://conda.example/octo/stable"),
        ("https://conda.example", "https://conda.example:443/octo/stable"),
        ("http://127.0.0.1:8000", "127.0.0.1:8000/channels/@octo/stable"),
    ],
)
def test_channel_addresses_are_those_of_the_server(server: str, text: str) -> None:
    """Host and port are compared with `server-url`."""
    assert parsed(server_url=server, channel=text).channel == "octo/stable"


@pytest.mark.parametrize(
    "text",
    [
        "https://conda.anaconda.org/octo",
        "https://prefix.dev.example/octo",
        "https://notprefix.dev/octo",
        "https://prefix.dev:8443/octo",
        "ftp://elsewhere/octo",
        "file:///octo",
    ],
)
def test_channel_address_on_another_host(text: str) -> None:
    """Publishing elsewhere than the address says would be a surprise."""
    assert "the server is https://prefix.dev" in problem(channel=text).message


def test_channel_with_an_at_sign() -> None:
    """The message says how to write it."""
    one = problem(channel="@octo/stable")
    assert "'octo/stable'" in one.hint
    assert "without the '@'" in one.hint


@pytest.mark.parametrize(
    "text",
    [
        "a/b/c", "/octo", "octo//stable", "octo/../x", "..", ".", "-octo", "octo stable", "octo/sta ble", "octo?x",
        "octo%2Fstable", "octo\\stable", "òcto", "o" * 129, "octo\nother", "https://prefix.dev", "https://prefix.dev/a/b/c",
        "https://prefix.dev/octo/%2e%2e", "octo/::error::x", "https://prefix.dev/channels/@octo/stable/other/x",
        "https://prefix.dev/channels/@octo/../x", "https://prefix.dev/channels/", "example.org/octo/stable",
    ],
)  # fmt: skip
def test_what_is_no_channel(text: str) -> None:
    """Anything that could mean another path on the server is refused."""
    assert "not a channel name" in problem(channel=text).message


@pytest.mark.parametrize("text", ["https://[::1/octo", "https://prefix.dev:port/octo"])
def test_channel_address_that_is_none(text: str) -> None:
    """An address that cannot be read is no crash."""
    assert "not a URL" in problem(channel=text).message


def test_channel_is_required() -> None:
    """The runner does not enforce `required`."""
    one = problem(channel="")
    assert one.message == "'channel' is missing."


# Server.


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://prefix.dev", "https://prefix.dev"),
        ("https://prefix.dev/", "https://prefix.dev"),
        ("HTTPS://Prefix.DEV", "https://prefix.dev"),
        ("https://prefix.dev:443", "https://prefix.dev"),
        ("https://conda.example:8443", "https://conda.example:8443"),
        ("https://10.0.0.1", "https://10.0.0.1"),
        ("http://localhost:80", "http://localhost"),
        ("http://localhost:8000", "http://localhost:8000"),
        ("http://127.0.0.1:8000/", "http://127.0.0.1:8000"),
        ("http://[::1]:8000", "http://[::1]:8000"),
    ],
)
def test_server_urls(text: str, url: str) -> None:
    """`https` anywhere, `http` on loopback hosts; without a slash at the end."""
    assert parsed(server_url=text).server_url == url


@pytest.mark.parametrize(
    "text",
    [
        "http://prefix.dev",
        "http://127.0.0.1.example",
        "http://localhost.example",
        "http://127.0.0.2",
        "http://[::2]",
        "http://0.0.0.0",
    ],
)
def test_plain_http_is_for_loopback_hosts_only(text: str) -> None:
    """Elsewhere the token could be read on the way."""
    one = problem(server_url=text)
    assert "unencrypted http" in one.message
    assert "'https://" in one.hint


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://prefix.dev", True),
        ("http://127.0.0.1:8000/x", True),
        ("http://prefix.dev", False),
        ("ftp://127.0.0.1", False),
        ("https://[", False),
        ("", False),
    ],
)
def test_secure_transport(url: str, expected: bool) -> None:
    """Only HTTPS, and plain HTTP to a loopback host, count as secure."""
    assert uses_secure_transport(url) is expected


@pytest.mark.parametrize(
    "text",
    ["https://prefix.dev/api", "https://prefix.dev/?x=1", "https://prefix.dev/#x", "https://key@prefix.dev", "https://u:p@prefix.dev"],
)  # fmt: skip
def test_server_url_is_an_origin(text: str) -> None:
    """Path, query, fragment and user would be dropped: so they are refused, and a password is not quoted."""
    one = problem(server_url=text)
    assert one.hint == "Write 'https://prefix.dev' and nothing after it."
    assert "prefix.dev" in one.message
    assert "u:p" not in str(one)
    assert "key" not in str(one)


def test_server_url_keeps_its_port() -> None:
    """Also in what is advised, with the brackets of an IPv6 address."""
    one = problem(server_url="https://conda.example:8443/api")
    assert one.hint == "Write 'https://conda.example:8443' and nothing after it."
    assert problem(server_url="https://[::2]:8443/api").hint == "Write 'https://[::2]:8443' and nothing after it."
    assert problem(server_url="http://[::2]:8080").hint == "Write 'https://[::2]:8080'."


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("prefix.dev", "'https://prefix.dev'."),
        ("Prefix.dev/channels/demo", "'https://prefix.dev'."),
        ("conda.example:8443", "'https://conda.example:8443'."),
        ("ftp://conda.example/x", "'https://conda.example'."),
        ("https:/prefix.dev", "'https://prefix.dev'."),
        ("https://h.test:99999", "'https://' and the host."),
        ("demo", "'https://' and the host."),
        ("u:p@h.test", "'https://' and the host."),
    ],
)
def test_what_is_no_server_url_says_what_to_write(text: str, url: str) -> None:
    """The whole URL, where the host can be recognized."""
    assert problem(server_url=text).hint == f"Write {url}"


@pytest.mark.parametrize(
    "text",
    ["prefix.dev", "ftp://prefix.dev", "https://", "https://a b", "https://[::1", "https://h:x", "https://h:99999",
     "https://é"],
)  # fmt: skip
def test_what_is_no_server_url(text: str) -> None:
    """No scheme, no host, no port: a problem, not a crash."""
    assert problem(server_url=text).title == "Invalid 'server-url'"


# Patterns.


@pytest.mark.parametrize(
    ("text", "include", "exclude"),
    [
        ("*.conda", ["*.conda"], []),
        ("a/*.conda\n\n  b/*.conda  \r\n", ["a/*.conda", "b/*.conda"], []),
        ("# packages\n*.conda\n#x", ["*.conda"], []),
        ("**/*.conda\n!old/**", ["**/*.conda"], ["old/**"]),
        ("!  old/**\n*.conda", ["*.conda"], ["old/**"]),
        ("*.conda\n*.conda\n!x\n!x", ["*.conda"], ["x"]),
        ("./out/*.conda", ["out/*.conda"], []),
        ("/github/workspace/out/*.conda", ["out/*.conda"], []),
        ("*.conda\n/home/runner/work/packages/packages/out/*.conda", ["*.conda", "out/*.conda"], []),
        ("*.conda\n!/home/runner/work/packages/packages/old/*", ["*.conda"], ["old/*"]),
        ("*.conda\n! /__w/packages/packages/old/*", ["*.conda"], ["old/*"]),
        ("out/{a,b}-[0-9]*.conda", ["out/{a,b}-[0-9]*.conda"], []),
        ("a~b..c/*.conda", ["a~b..c/*.conda"], []),
    ],
)
def test_glob_lines(text: str, include: list[str], exclude: list[str]) -> None:
    """One pattern a line; comments, exclusions and the host's own paths are understood on each of them."""
    patterns = parsed(glob=text).patterns
    assert (list(patterns.include), list(patterns.exclude)) == (include, exclude)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("../*.conda", "without '..'"),
        ("a/../../*.conda", "without '..'"),
        ("/github/workspace/../x", "without '..'"),
        ("~/out/*.conda", "sees only the workspace"),
        ("~runner/*.conda", "sees only the workspace"),
        ("/tmp/*.conda", "sees only the workspace"),
        ("/github/workspace2/*.conda", "sees only the workspace"),
        ("/home/runner/work/other/other/*.conda", "sees only the workspace"),
    ],
)
@pytest.mark.parametrize("prefix", ["", "ok.conda\n", "ok.conda\n!"], ids=["first line", "later line", "exclusion"])
def test_patterns_outside_the_workspace(prefix: str, line: str, says: str) -> None:
    """A container sees nothing there: a message about that is better than `no match`."""
    one = problem(glob=prefix + line)
    assert repr(line) in one.message
    assert says in one.hint


@pytest.mark.parametrize("text", ["", " \n ", "# only a comment", "!only/exclusions"])
def test_glob_is_required(text: str) -> None:
    """At least one pattern has to take something."""
    assert "has no pattern" in problem(glob=text).message


# Token.


@pytest.mark.parametrize("text", ["pfx key", "pfx_a\npfx_b", "pfx_ä", "pfx\tkey", "pfx\x7f", "pfx\x1b[0m", "“pfx”"])
def test_a_malformed_token_is_never_quoted(text: str) -> None:
    """The message says what is wrong with it, without a character of it."""
    one = problem(token=text)
    assert one.title == "Invalid 'token'"
    assert "pfx" not in str(one)


@pytest.mark.parametrize("text", ['"pfx_abc"', "'pfx_abc'", '"'])
def test_a_token_in_quotes(text: str) -> None:
    """They were stored with it, and the server would refuse it."""
    one = problem(token=text)
    assert one.message == "'token' is in quotes."
    assert "pfx" not in str(one)


def test_a_token_may_have_any_visible_ascii() -> None:
    """What fits into the header is not second-guessed; white space around it is dropped, as the runner does."""
    token = "".join(map(chr, range(0x21, 0x7F)))
    secret = parsed(token=f" {token}\n").token
    assert secret is not None
    assert secret.reveal() == token


# Without a token: the job's identity, or what stands in the way.


def test_the_identity_of_the_job_will_do() -> None:
    """Trusted publishing needs no input at all."""
    assert parsed(IDENTIFIED, token="").token is None


def test_outside_of_github_there_is_no_identity() -> None:
    """So the token was forgotten."""
    one = problem(Job(is_on_github=False), token="")
    assert "does not run on GitHub Actions" in one.message
    assert "API key" in one.hint


def test_a_job_without_the_permission() -> None:
    """The lines to paste are shown; a secret that does not exist looks the same, and the message says so."""
    one = problem(token="")
    assert "has no identity" in one.message
    assert "permissions:" in one.example
    assert "id-token: write" in one.example
    assert "secret" in one.hint


@pytest.mark.parametrize("pattern", ["{1..100}{1..100}.conda", "!{1..9999999}", "{1..1001}" + "x" * 10_000])
def test_braces_without_bound_are_told_with_the_other_problems(pattern: str) -> None:
    """Each line for itself, and not the whole of a long one."""
    found = problems(glob=f"*.conda\n{pattern}\n../x", force="maybe")
    assert [one.title for one in found] == ["Invalid 'glob'", "Invalid 'glob'", "Invalid 'force'"]
    assert "expands to more than 1000 patterns" in found[0].message
    assert len(found[0].message) < 400


def test_a_run_by_dependabot() -> None:
    """It gets secrets of its own and no identity; with a token it is taken at its word."""
    job = Job(is_by_dependabot=True)
    one = problem(job, token="")
    assert "only the secrets that are stored for Dependabot" in one.message
    assert "dry-run" in one.example
    assert parsed(job).token is not None
    two = problems(job, token="", attestations="true")[1]
    assert "Dependabot" in two.message


JOBS = [PLAIN_JOB, FORK, Job(is_by_dependabot=True), Job(is_on_github=False)]


@pytest.mark.parametrize("job", JOBS)
def test_each_reason_for_no_credentials_has_its_own_advice(job: Job) -> None:
    """And a page that says more."""
    one = problem(job, token="")
    others = [problem(other, token="") for other in JOBS if other != job]
    assert one.message not in {other.message for other in others}
    assert one.page.startswith(("https://docs.github.com/en/", "https://prefix.dev/"))
    assert one.page in str(one)


def test_a_pull_request_from_a_fork() -> None:
    """Nothing was forgotten: such a run gets neither secrets nor an identity."""
    one = problem(FORK, token="")
    assert "requests from forks" in one.message
    assert "dry-run" in one.example


@pytest.mark.parametrize(
    "host", ["evilprefix.dev", "prefix.dev.evil.org", "prefix.dev-login.com", "repo-prefix.dev", "my.prefix.developer"]
)
def test_a_host_that_looks_like_the_server_gets_no_identity(host: str) -> None:
    """Before anything is asked for."""
    one = problem(IDENTIFIED, token="", server_url=f"https://{host}")
    assert host in one.message
    assert "does not get this job's identity" in one.message
    assert "https://prefix.dev" in one.hint


@pytest.mark.parametrize("host", ["prefix.dev", "beta.prefix.dev", "conda.example.org", "127.0.0.1", "prefixdev"])
def test_other_hosts_may_know_trusted_publishing(host: str) -> None:
    """Which includes a server of one's own."""
    assert parsed(IDENTIFIED, token="", server_url=f"https://{host}").token is None


@pytest.mark.parametrize("job", [PLAIN_JOB, FORK, IDENTIFIED])
def test_a_dry_run_needs_neither(job: Job) -> None:
    """Anybody can compare with a public channel: so pull requests can validate, and say that they would sign."""
    assert parsed(job, token=" ", dry_run="true", attestations="true").token is None


def test_a_fork_with_an_identity_can_authenticate() -> None:
    """A pull request from a fork is accepted if its job has an identity."""
    assert parsed(Job(is_from_fork=True, has_identity=True), token="").token is None


def test_a_fork_with_a_token_is_taken_at_its_word() -> None:
    """Some repositories do pass one."""
    assert parsed(FORK).token is not None


# Attestations.


def test_an_api_key_does_not_sign() -> None:
    """Signing takes an identity, also beside an API key; with both, each does its part."""
    elsewhere = {"server_url": "https://conda.example.org", "attestations": "true"}
    one = problem(**elsewhere)
    assert "no identity to sign with" in one.message
    assert "id-token: write" in one.example
    assert "fork" in problem(FORK, **elsewhere).message
    parsed_settings = parsed(IDENTIFIED, **elsewhere)
    assert parsed_settings.attestations
    assert parsed_settings.token is not None


@pytest.mark.parametrize("job", [PLAIN_JOB, FORK, IDENTIFIED])
@pytest.mark.parametrize("inputs", [{}, {"server_url": "https://beta.prefix.dev"}, {"dry_run": "true"}])
def test_prefix_dev_takes_no_attestation_with_an_api_key(job: Job, inputs: dict[str, str]) -> None:
    """It verifies one against the trusted publisher that uploads it, whatever else the job may have."""
    one = problem(job, attestations="true", **inputs)
    assert one.title == "Contradictory 'token' and 'attestations'"
    assert "trusted publisher" in one.message
    assert one.page.endswith("prefix.dev/channels/@octo/stable/settings")


def test_without_anything_both_are_told() -> None:
    """Without token and identity, both missing credentials are reported on GitHub, and only the token elsewhere."""
    assert problem(Job(is_on_github=False), token="", attestations="true").title == "Missing 'token'"
    assert [one.title for one in problems(token="", attestations="true")] == [
        "No credentials",
        "Invalid 'attestations'",
    ]


@pytest.mark.parametrize("name", ["production", "staging"])
def test_public_sigstore_instances(name: str) -> None:
    """By their names."""
    assert parsed(sigstore_instance=name).sigstore_instance == name


def test_a_private_sigstore_instance(tmp_path: Path) -> None:
    """By a file in the workspace, and nowhere else."""
    (tmp_path / "trust.json").write_text("{}")
    (tmp_path / "link.json").symlink_to("/etc/passwd")
    workspace = Workspace(tmp_path)

    def instance(text: str) -> str | Path:
        return parse(UploadSettings, {**PLAIN, "sigstore-instance": text}, workspace).sigstore_instance

    assert instance("trust.json") == instance(str(tmp_path / "trust.json")) == tmp_path / "trust.json"
    for text in ("missing.json", "../trust.json", "/etc/passwd", "link.json", ".", "{" + 5000 * " " + "}"):
        with pytest.raises(ConfigurationError, match=r"sigstore-instance.* no such file in the workspace") as caught:
            instance(text)
        assert len(str(caught.value)) < 400


def test_the_channel_as_clients_know_it() -> None:
    """Which is what an attestation names: without a slash at the end."""
    assert parsed().channel_url == "https://prefix.dev/octo/stable"


def test_force_and_skip_existing_exclude_each_other() -> None:
    """A file can't be both overwritten and kept."""
    one = problem(force="true", skip_existing="true")
    assert "'force'" in one.message
    assert "'skip-existing'" in one.message
    assert parsed(force="true").force
    assert parsed(skip_existing="true").skip_existing
