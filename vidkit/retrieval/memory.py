"""How much memory there is for an index."""

from __future__ import annotations

import os
from pathlib import Path

_UNKNOWN = 8 * 2**30  # of a machine that does not say


def available_bytes() -> int:
    """Return the memory that programs may still take, or all of it where the system does not tell.

    A limit of the container (cgroup) counts.
    """
    found = [_of_linux(), _of_container()]
    known = [number for number in found if number is not None]
    if known:
        return min(known)
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return _UNKNOWN


def _of_linux() -> int | None:
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    kibibytes = [int(line.split()[1]) for line in lines if line.startswith("MemAvailable:")]
    return kibibytes[0] * 1024 if kibibytes else None


def _of_container() -> int | None:
    try:
        limit = Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii").strip()
        used = int(Path("/sys/fs/cgroup/memory.current").read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
    return max(0, int(limit) - used) if limit.isdigit() else None
