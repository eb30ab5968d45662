"""What several test files share."""

from __future__ import annotations

import os
from pathlib import Path

# Before torch is imported, here and in the processes that tests start: its threads wait actively, so several
# processes with several threads each crawl on few cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest

REAL_DATA = "VIDKIT_TEST_DATA"


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """What is measured in the tests stays there."""
    os.environ["VIDKIT_CACHE"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real annotations and videos; the test is skipped where there is none."""
    value = os.environ.get(REAL_DATA)
    if not value:
        pytest.skip(f"needs real data: set {REAL_DATA} to the folder that holds it")
    folder = Path(value)
    if not folder.is_dir():
        pytest.fail(f"{REAL_DATA} is {value}, which is not a folder")
    return folder
