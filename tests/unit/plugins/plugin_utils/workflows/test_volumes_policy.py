# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which volumes a policy names: manage, exclude and reserve of the lookup, for all hosts or for each, and what is wrong with them."""

from __future__ import annotations

import pytest

from ansible_collections.foresight.capacity.plugins.plugin_utils.allocation import allocate
from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.volumes import volumes
from support.recorded_volumes import GIB, NOW, by_name, look_up


def test_nothing_is_managed_by_default(growing_store):
    document = look_up(growing_store, manage=None)
    answer = allocate(document["volumes"], document["groups"], {"now": document["now"]})
    assert answer["actions"] == []
    assert {proposal["target"] for proposal in answer["proposals"]} == {"lv:web1/vg0/data", "lv:web1/vg0/mirrored"}


def test_an_exact_entry_goes_before_patterns_and_the_first_pattern_holds_alone(growing_store):
    manage = [
        {"match": "fs.type == 'ext4' && lv != 'calm'", "max": "30 GiB"},
        {"match": "lv:web1/*", "max": "40 GiB", "priority": 3},
        {"match": "web1/vg0/data", "max": "50 GiB"},
    ]
    found = by_name(look_up(growing_store, manage=manage))
    assert (found["data"]["max_bytes"], found["data"]["named_exactly"]) == (50 * GIB, True)
    assert (found["mirrored"]["max_bytes"], found["mirrored"]["priority"], found["mirrored"]["named_exactly"]) == (30 * GIB, 1.0, False)
    assert (found["calm"]["max_bytes"], found["calm"]["priority"]) == (40 * GIB, 3)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"manage": [{"match": "lv:*", "maximum": 1}]}, "did you mean max?"),
        ({"manage": [{"max": "1 GiB"}]}, "Entry 1 of manage has no match"),
        ({"manage": [{"match": "lv:*", "max": "a lot"}]}, "'a lot' is not an amount of bytes"),
        ({"manage": [{"match": "lv:*", "min": "2 GiB", "max": "1 GiB"}]}, "needed is at most max"),
        ({"manage": [{"match": "!lv:*"}]}, "goes to O(exclude)"),
        ({"manage": [{"match": "lv == 'data"}]}, "is no valid JMESPath"),
        ({"reserve": "120%"}, "needed is a percentage from 0% to 100%"),
        ({"reserve": 0.05}, "needed is a percentage such as '5%'"),
        ({"exclude": "lv:*"}, "needed is a list"),
        ({"quantile": 1.5}, "needed is a number above 0 and below 1"),
        ({"horizon": "soon"}, "horizon"),
        ({"hosts": ["nobody"]}, "The store holds nothing of nobody"),
    ],
)
def test_wrong_options_are_told(growing_store, options, told):
    with pytest.raises(InputError) as error:
        look_up(growing_store, **options)
    assert told in str(error.value)


def test_each_host_has_its_own_policy_which_need_not_name_the_host(growing_store):
    policies = {"web1": {"manage": [{"match": "vg0/data", "max": "20 GiB"}], "reserve": "10%"}}
    answer = volumes(store=growing_store, now=NOW, horizon="2h", manage=[], policies=policies)
    managed = {document["entity"]: document for document in answer["volumes"] if document["managed"]}
    assert list(managed) == ["lv:web1/vg0/data"]
    assert managed["lv:web1/vg0/data"]["named_exactly"]
    assert managed["lv:web1/vg0/data"]["max_bytes"] == 20 * GIB
    reserves = {group["host"]: group["reserve_extents"] for group in answer["groups"]}
    assert reserves["web1"] == 2560
    assert {extents for host, extents in reserves.items() if host != "web1"} <= {1280}


def test_a_policy_with_an_unknown_key_is_refused(growing_store):
    with pytest.raises(InputError, match=r"web1 has the keys manages; known are exclude, manage, reserve"):
        volumes(store=growing_store, now=NOW, horizon="2h", policies={"web1": {"manages": []}})


def test_a_name_that_fits_no_volume_is_told(growing_store, caplog):
    """One that fits on some host is not: a group of hosts shares its list."""
    policies = {
        "web1": {"manage": [{"match": "vg0/data"}, {"match": "vg9/data"}], "exclude": ["vg0/calm", "vg0/clam"]},
        "web2": {"manage": [{"match": "vg0/secret"}, {"match": "vg9/data"}]},
    }
    with caplog.at_level("WARNING", logger="foresight.lvm"):
        look_up(growing_store, hosts=["web1", "web2"], manage=None, policies=policies)
    told = [record.getMessage() for record in caplog.records]
    assert told == [
        "manage names 'vg9/data', which fits no volume of any host in this run",
        "exclude names 'vg0/clam', which fits no volume of any host in this run",
        "manage names 'vg0/secret', which fits no volume of any host in this run",
    ]


def test_an_exclude_that_excludes_nothing_is_refused_before_the_plan(growing_store):
    with pytest.raises(InputError, match="excludes nothing"):
        look_up(growing_store, policies={"web1": {"exclude": ["vg0/data,vg0/calm"]}})
