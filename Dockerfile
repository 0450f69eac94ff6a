ARG BASE_IMAGE=python:3.13-slim-trixie@sha256:9662417aace5ae7b8e2609cce472b72a8958e134ba372808abe9cc1a0c0125e6

# The dependencies, from wheels with pinned hashes. The image gets only the virtual environment, which has no pip.
FROM ${BASE_IMAGE} AS dependencies
COPY requirements/runtime.txt /tmp/runtime.txt
RUN python -m venv --without-pip /app/venv \
    && python -m pip --python /app/venv/bin/python install --no-cache-dir --no-compile --disable-pip-version-check \
        --only-binary :all: --no-deps --require-hashes --requirement /tmp/runtime.txt \
    # actions-toolkit installs its own tests as a top-level package.
    && rm -r /app/venv/lib/python3.*/site-packages/tests \
    # The command line, for `docker run --entrypoint prefix-upload`.
    && for folder in /app/venv/lib/python3.*/site-packages; do echo /app/src > "$folder/prefix_upload.pth"; done \
    && printf '#!/app/venv/bin/python -I\nfrom prefix_upload.__main__ import main\nmain()\n' > /app/venv/bin/prefix-upload \
    && chmod +x /app/venv/bin/prefix-upload \
    && python -m compileall -q --invalidation-mode unchecked-hash /app/venv/lib

FROM ${BASE_IMAGE} AS source
COPY src /app/src
COPY entrypoint.py /app/
RUN python -m compileall -q --invalidation-mode unchecked-hash /app/src

FROM ${BASE_IMAGE}
LABEL org.opencontainers.image.title="prefix-upload" \
      org.opencontainers.image.description="Validates and publishes conda packages to a prefix.dev channel" \
      org.opencontainers.image.licenses="BSD-3-Clause"
COPY --from=dependencies /app/venv /app/venv
COPY --from=source /app /app
RUN ln -s /app/venv/bin/prefix-upload /usr/local/bin/
# No USER: the runner's files and the workspace belong to the runner's user, so only root can write to them.
# The entry point is for `docker run` by hand. The action itself uses the same one from action.yml.
ENTRYPOINT ["/app/venv/bin/python", "-I", "-u", "-X", "utf8", "/app/entrypoint.py"]
