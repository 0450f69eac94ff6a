# The image of the workflow's jobs: Python and the builder of the packages.
ARG BASE_IMAGE=python:3.13-slim-trixie
FROM ${BASE_IMAGE}
COPY builder.txt /tmp/builder.txt
RUN python -m pip install --no-cache-dir --only-binary :all: --no-deps --require-hashes --requirement /tmp/builder.txt
