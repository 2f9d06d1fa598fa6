"""How much memory the control groups of this process leave it, as containers and job schedulers set them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

VERSIONS = {  # limit, use, and the entry of memory.stat that tells what of the use the kernel gives back
    2: ("memory.max", "memory.current", "inactive_file"),
    1: ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
}


def group_room(root: Path = Path("/")) -> int | None:
    """Return how many bytes the tightest group leaves, None where no group has a limit.

    ``root`` is the folder that holds ``proc`` and ``sys``; a process is in its group and those around it.

    Examples
    --------
    >>> group_room(Path("no/such/folder")) is None
    True
    """
    rooms = (_room(folder, version) for folder, version in _groups(root))
    return min((room for room in rooms if room is not None), default=None)


def _groups(root: Path) -> Iterator[tuple[Path, int]]:
    mount = root / "sys/fs/cgroup"
    for controllers, path in _memberships(root / "proc/self/cgroup"):
        if not controllers or "memory" in controllers.split(","):  # version 2 names none
            top, version = (mount / "memory", 1) if controllers else (mount, 2)
            group = PurePosixPath(path.lstrip("/"))
            yield from ((top / folder, version) for folder in (group, *group.parents))


def _memberships(file: Path) -> Iterator[list[str]]:
    try:
        lines = file.read_text(errors="surrogateescape").splitlines()
    except OSError:  # not a Linux
        return
    yield from (line.split(":", 2)[1:] for line in lines if line.count(":") > 1)


def _room(folder: Path, version: int) -> int | None:
    limit, use, spare = VERSIONS[version]
    try:
        left = int((folder / limit).read_text()) - int((folder / use).read_text())
        return max(0, left + _entry(folder / "memory.stat", spare))
    except (OSError, ValueError):  # no such group in this container's view, or its limit is "max"
        return None


def _entry(stat: Path, name: str) -> int:
    """Return an entry of a file of lines ``name number``."""
    entries = dict(line.split() for line in stat.read_text().splitlines())
    return int(entries.get(name, 0))
