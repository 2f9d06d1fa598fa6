"""The limits of control groups, read from trees of files as Linux has them."""

import pytest

from visualizer import memory
from visualizer.cgroups import group_room

GROUPS = "sys/fs/cgroup"
UNLIMITED = 9223372036854771712  # what version 1 has for no limit


@pytest.fixture
def machine(tmp_path):
    """A root folder, in which the process is in the groups of the given lines."""

    def machine(*memberships):
        write(tmp_path / "proc/self/cgroup", *memberships)
        return tmp_path

    return machine


def write(path, *lines):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines))


def newer(folder, limit, use, spare=0):
    write(folder / "memory.max", limit)
    write(folder / "memory.current", use)
    write(folder / "memory.stat", "anon 5", f"inactive_file {spare}", "active_file 7")


def older(folder, limit, use, spare=0):
    write(folder / "memory.limit_in_bytes", limit)
    write(folder / "memory.usage_in_bytes", use)
    write(folder / "memory.stat", "inactive_file 3", f"total_inactive_file {spare}")


def test_a_group_of_version_2_leaves_its_limit_less_its_use(machine):
    root = machine("0::/jobs/one")
    newer(root / GROUPS / "jobs/one", 1000, 300)
    assert group_room(root) == 700


def test_a_group_of_version_1_leaves_its_limit_less_its_use(machine):
    root = machine("11:cpu,cpuacct:/elsewhere", "4:hugetlb,memory:/jobs/one", "0::/unified")
    older(root / GROUPS / "memory/jobs/one", 1000, 300)
    assert group_room(root) == 700


def test_cached_files_that_the_kernel_gives_back_are_no_use(machine):
    root = machine("0::/two", "4:memory:/one")
    newer(root / GROUPS / "two", 1000, 900, spare=250)
    assert group_room(root) == 350
    older(root / GROUPS / "memory/one", 1000, 900, spare=200)
    assert group_room(root) == 300


def test_the_tightest_of_the_groups_around_the_process_counts(machine):
    root = machine("0::/jobs/one/step")
    newer(root / GROUPS / "jobs/one/step", "max", 300)
    newer(root / GROUPS / "jobs/one", 900, 300)
    newer(root / GROUPS / "jobs", 1000, 800)
    assert group_room(root) == 200


@pytest.mark.parametrize("path", ["/", "/system.slice/docker-1f.scope", "/../../pod/container"])
def test_a_container_that_sees_its_own_group_as_the_outermost_is_limited_by_it(machine, path):
    root = machine(f"0::{path}")
    newer(root / GROUPS, 1000, 300)
    assert group_room(root) == 700


def test_a_group_that_is_over_its_limit_leaves_nothing(machine):
    root = machine("0::/one")
    newer(root / GROUPS / "one", 1000, 1200)
    assert group_room(root) == 0


def test_groups_without_a_limit_leave_anything(machine):
    root = machine("0::/one", "malformed")
    assert group_room(root) is None
    newer(root / GROUPS / "one", "max", 300)
    assert group_room(root) is None


def test_free_memory_is_the_smaller_of_the_machines_and_the_groups(machine):
    root = machine("4:memory:/one")
    older(root / GROUPS / "memory/one", UNLIMITED, 300)
    assert 2**20 < memory.free_bytes(root) < 2**50
    older(root / GROUPS / "memory/one", 1000, 300)
    assert memory.free_bytes(root) == 700
