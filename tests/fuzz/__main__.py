"""Runs the fuzzer: `python -m fuzz SECONDS FOLDER`. A finding ends it with an error; its input lies in the folder."""

import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["prefix_upload"]):
    from fuzz.targets import seeds, try_input

# Of one input, in seconds and megabytes; measuring coverage costs both.
_TIMEOUT, _MEMORY = 20, 1000


def main(seconds: str, folder: Path) -> None:
    """Goes on for so long, from the seeds and from what earlier runs left in the folder."""
    corpus = folder / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds()):
        (corpus / f"seed-{number}").write_bytes(seed)
    options = [f"-max_total_time={seconds}", f"-timeout={_TIMEOUT}", f"-rss_limit_mb={_MEMORY}", "-max_len=8192"]
    options += [f"-artifact_prefix={folder}/", "-print_final_stats=1", "-verbosity=0", str(corpus)]
    atheris.Setup([sys.argv[0], *options], try_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
