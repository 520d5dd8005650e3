"""One cluster for all tests of a process, and lakes that lie on it. What a test kills, it starts again."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from clusters import ABSENT, LIBRARY, Cluster, Filler, cluster

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test of this folder needs the cluster. Without its library it is left out, or fails where it must be there."""
    needed = bool(os.environ.get("YUTANG_NEED_CLUSTER"))
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.cluster)
            item.add_marker(pytest.mark.skipif(not LIBRARY.is_file() and not needed, reason=ABSENT))


@pytest.fixture(scope="session")
def running() -> Iterator[Cluster]:
    if not LIBRARY.is_file():
        pytest.fail(ABSENT)
    with cluster() as two:
        yield two


@pytest.fixture
def two(running: Cluster) -> Cluster:
    """Two running nodes, whatever the test before has done to them."""
    running.up()
    return running


@pytest.fixture
def fill(two: Cluster, tmp_path: Path) -> Iterator[Filler]:
    """`fill(pond)`: a lake on the cluster that holds this pond and nothing else."""
    filler = Filler(two, tmp_path)
    yield filler
    filler.close()
