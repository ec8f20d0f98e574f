# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import StoreError
from ansible_collections.foresight.capacity.plugins.plugin_utils.store.location import Location, resolve


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ("/var/lib/f/store.db", "/var/lib/f/store.db"),
        ("sqlite:////var/lib/f/store.db", "/var/lib/f/store.db"),
        ("sqlite:////var/lib/with%20blank/store.db", "/var/lib/with blank/store.db"),
        ("sqlite:///here.db", os.path.join(os.getcwd(), "here.db")),
        ("here.db", os.path.join(os.getcwd(), "here.db")),
        ("~/f.db", os.path.expanduser("~/f.db")),
    ],
)
def test_a_path_or_sqlite_url_is_an_absolute_path(given, path):
    assert resolve(given, {}) == Location("sqlite", path, None)


def test_the_option_wins_over_the_environment_and_that_over_the_default():
    environment = {"FORESIGHT_STORE": "/env.db", "XDG_DATA_HOME": "/xdg", "HOME": "/home/u"}
    assert resolve("/option.db", environment).path == "/option.db"
    assert resolve(None, environment).path == "/env.db"
    del environment["FORESIGHT_STORE"]
    assert resolve(None, environment).path == "/xdg/foresight/store.db"
    environment["XDG_DATA_HOME"] = "relative"
    assert resolve(None, environment).path == "/home/u/.local/share/foresight/store.db"


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
def test_postgresql_by_its_names(scheme):
    assert resolve(f"{scheme}://me@db/f", {}) == Location("postgresql", None, "postgresql://me@db/f")


@pytest.mark.parametrize(
    "url", ["postgresql://me:hunter2@db/f", "postgresql://db/f?password=hunter2", "postgres://me:hunter2@db:5432/f?x=1"]
)
def test_a_password_in_the_url_is_refused_and_never_repeated(url):
    with pytest.raises(StoreError, match="FORESIGHT_STORE_PASSWORD") as caught:
        resolve(url, {})
    assert "PGPASSFILE" in str(caught.value)
    assert "hunter2" not in str(caught.value)


@given(
    password=st.text(st.characters(codec="ascii", categories=["L", "N", "P", "S"]), max_size=20).map(lambda text: f"hunter2{text}"),
    scheme=st.sampled_from(["postgresql://", "postgres://", "postgresql+psycopg://", "postgresql:", "postgres:/"]),
    where=st.sampled_from(
        ["me:{}@db/f", "me:{}@db:5432/f?sslmode=require", "me@db/f?password={}", ":{}@/f", "db/f?sslpassword={}", "me@db/f#x?password={}"]
    ),
)
def test_no_password_passes_in_any_place_of_any_url(password, scheme, where):
    """The driver's own reading of a URL is wider than urlsplit's: a password may hold a slash, a hash or a bracket."""
    with pytest.raises(StoreError) as caught:
        resolve(scheme + where.replace("{}", password), {})
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["postgresql://me@db:5432/f", "postgresql://me@[::1]:5432/f?sslmode=require", "postgresql:///f", "postgresql://db"]
)
def test_urls_without_a_password_pass(url):
    assert resolve(url, {}).url == url


@pytest.mark.parametrize(
    "url", ["postgresql://me@[db/f", "postgresql://me@db:port/f", "postgresql:me@db/f", "host=db user=me password=hunter2"]
)
def test_a_mistyped_url_is_not_repeated(url):
    with pytest.raises(StoreError, match="needed is postgresql://USER@HOST"):
        resolve(url, {})


@pytest.mark.parametrize("url", ["mysql://me@db/f", "sqlite://relative", "sqlite:///", "http://db/"])
def test_another_database_is_refused(url):
    with pytest.raises(StoreError, match="needed is"):
        resolve(url, {})


def test_a_user_without_a_home():
    with pytest.raises(StoreError, match="has no home here; needed is an absolute path"):
        resolve("~nobody-of-this-name/store.db", {})
