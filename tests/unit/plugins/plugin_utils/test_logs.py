# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import logging
import re

import pytest

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError
from ansible_collections.foresight.capacity.plugins.plugin_utils.logs import CATEGORIES, configure, logger


@pytest.fixture(autouse=True)
def quiet_again():
    yield
    configure(level="warning", path=None, console=None)


@pytest.fixture
def shown():
    return []


def test_the_level_decides_what_console_and_file_get(tmp_path, shown):
    path = tmp_path / "foresight.log"
    configure(level="info", path=str(path), console=lambda level, line: shown.append((level, line)))
    for category in CATEGORIES:
        logger(category).debug("nobody asked")
        logger(category).info("of %s", category)
    assert shown == [(logging.INFO, f"foresight.{category} INFO of {category}") for category in CATEGORIES]
    lines = path.read_text().splitlines()
    assert len(lines) == len(CATEGORIES)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ INFO foresight.store of store", lines[0])


def test_configured_again_each_line_is_written_once(tmp_path, shown):
    for _number in range(2):
        configure(level="warning", path=str(tmp_path / "log"), console=lambda _level, line: shown.append(line))
    logger("main").warning("once")
    assert len(shown) == len((tmp_path / "log").read_text().splitlines()) == 1


def test_what_a_host_says_stays_one_harmless_line(tmp_path, shown):
    configure(level="warning", path=str(tmp_path / "log"), console=lambda _level, line: shown.append(line))
    logger("lvm").warning("%s", "half\n2026-01-01T00:00:00Z INFO forged \x1b[2J \x9b2J \u2028 größe")
    told = "half\\n2026-01-01T00:00:00Z INFO forged \\x1b[2J \\x9b2J \\u2028 größe"
    assert shown == [f"foresight.lvm WARNING {told}"]
    (line,) = (tmp_path / "log").read_text().splitlines()
    assert line.endswith(told)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: logger("other"), "needed is one of store, lvm, guests, ansible, main"),
        (lambda: configure(level="loud", path=None, console=None), r"O\(log_level\)"),
        (lambda: configure(level="info", path="/nowhere/at/all.log", console=None), r"Cannot write the log file .*O\(log_file\)"),
    ],
)
def test_wrong_options_are_told(call, message):
    with pytest.raises(InputError, match=message):
        call()
