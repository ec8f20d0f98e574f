from __future__ import annotations

import errno
import os

from ansible_collections.foresight.capacity.plugins.module_utils.pressure import parse_pressure, read_pressure
from ansible_collections.foresight.capacity.plugins.module_utils.target_files import TargetFiles


def test_recorded_pressure(fixtures):
    pressure = read_pressure(TargetFiles(str(fixtures / "node")), "/proc/pressure/{}")
    assert set(pressure) == {"cpu", "memory", "io"}
    assert set(pressure["cpu"]["some"]) == {"avg10", "avg60", "avg300", "total_seconds"}


def test_units():
    assert parse_pressure("some avg10=22.77 avg60=4.69 avg300=1.00 total=3521563\n") == {
        "some": {"avg10": 22.77, "avg60": 4.69, "avg300": 1.0, "total_seconds": 3.521563}
    }


def test_kernel_without_pressure(tree):
    assert read_pressure(tree({}), "/proc/pressure/{}") is None


def test_pressure_switched_off():
    """The files are there, reading them fails (psi=0)."""

    class Off(TargetFiles):
        def path(self, path):
            raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))

    assert read_pressure(Off(), "/proc/pressure/{}") is None
