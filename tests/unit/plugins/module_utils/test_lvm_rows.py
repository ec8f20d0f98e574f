from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ansible_collections.foresight.capacity.plugins.module_utils.lvm_rows import fraction, is_set, number, parse_group

ROW = {
    "lv_uuid": "u1",
    "lv_name": "a",
    "lv_attr": "-wi-a-----",
    "lv_layout": "linear",
    "lv_role": "public",
    "lv_size": "4194304",
    "lv_active": "active",
}
VG = {"vg_name": "vg0", "vg_uuid": "g1"}


def volume(segments=("linear",), **columns):
    sections = {
        "vg": [VG],
        "lv": [dict(ROW, **columns)],
        "seg": [{"lv_uuid": "u1", "segtype": segment, "devices": "/dev/sda(0)"} for segment in segments],
    }
    return parse_group(sections).lvs[0]


def test_columns_that_a_compact_report_leaves_out_are_unknown():
    entry = volume().entry
    assert (entry["tags"], entry["origin"], entry["path"], entry["sync_fraction"]) == ([], None, None, None)


@pytest.mark.parametrize("divided", [",", ";", " ", " | "])
def test_lists_may_be_divided_by_what_lvm_conf_says(divided):
    pool = volume(lv_role=f"private{divided}x", lv_layout=f"thin{divided}pool", lv_tags=f"a/b=c:d{divided}foresight.ignore").entry
    assert (pool["role"], pool["tags"]) == ("pool", ["a/b=c:d", "foresight.ignore"])


def test_segments_of_several_types():
    assert volume(("linear", "striped", "linear")).entry["segment_type"] == "linear+striped"
    assert volume(()).entry["segment_type"] is None


@pytest.mark.parametrize(
    ("text", "active"), [("active", True), ("local exclusive", True), ("1", True), ("", False), ("0", False), ("unknown", False)]
)
def test_activation(text, active):
    assert volume(lv_active=text).entry["active"] is active


@pytest.mark.parametrize(
    ("columns", "role"),
    [
        ({"lv_name": "[p_tdata]", "lv_role": "private,thin,pool,data"}, "internal"),
        ({"lv_name": "p_tdata", "lv_role": "private,thin,pool,data", "lv_parent": "p"}, "internal"),  # brackets switched off in lvm.conf
        ({"lv_name": "p", "lv_role": "private", "lv_layout": "thin,pool"}, "pool"),
        ({"lv_name": "[c_cpool]", "lv_role": "private", "lv_layout": "cache,pool", "lv_parent": "c"}, "internal"),
        ({"lv_name": "v", "lv_role": "private", "lv_layout": "vdo,pool"}, "pool"),
        ({"lv_name": "s", "lv_role": "public,snapshot,thinsnapshot", "lv_layout": "thin,sparse"}, "snapshot"),
        ({"lv_name": "o", "lv_role": "public,origin,thickorigin"}, "plain"),
    ],
)
def test_roles(columns, role):
    assert volume(**columns).entry["role"] == role


def test_only_plain_volumes_and_snapshots_carry_file_systems():
    assert volume().carries_data
    assert not volume(lv_name="[p_tdata]", lv_role="private").carries_data


@pytest.mark.parametrize(
    ("segments", "columns", "progress"),
    [
        (("raid1",), {"sync_percent": "100.00", "raid_sync_action": "idle"}, None),
        (("raid1",), {"sync_percent": "100.00", "raid_sync_action": "check"}, "sync"),
        (("raid1",), {"sync_percent": "42.00", "raid_sync_action": "recover"}, "sync"),
        (("mirror",), {"sync_percent": "42.00"}, "sync"),
        (("mirror",), {"lv_converting": "converting"}, "sync"),
        (("cache",), {"sync_percent": "0.00"}, None),  # how clean a cache is
        (("linear",), {"lv_attr": "Owi-aos---"}, "merge"),
        (("linear",), {"move_pv": "/dev/sda"}, "pvmove"),
    ],
)
def test_operations_in_progress(segments, columns, progress):
    assert volume(segments, **columns).entry["in_progress"] == progress


@pytest.mark.parametrize(("devices", "progress"), [("/dev/vdb(0),[pvmove1](3)", "pvmove"), ("/dev/mapper/pvmove0-disk(0)", None)])
def test_a_pvmove_is_a_volume_of_lvm_and_not_a_device_of_that_name(devices, progress):
    group = parse_group({"vg": [VG], "lv": [dict(ROW)], "seg": [{"lv_uuid": ROW["lv_uuid"], "segtype": "linear", "devices": devices}]})
    assert group.lvs[0].entry["in_progress"] == progress


def test_what_moves_below_a_volume_moves_the_volume():
    rows = [
        dict(ROW, lv_uuid="u1", lv_name="pool", lv_layout="thin,pool", lv_role="private"),
        dict(ROW, lv_uuid="u2", lv_name="[pool_tdata]", lv_role="private,thin,pool,data", lv_parent="pool"),
        dict(ROW, lv_uuid="u3", lv_name="[pool_tdata_rimage_0]", lv_role="private,raid,image", lv_parent="[pool_tdata]"),
        dict(ROW, lv_uuid="u4", lv_name="other"),
    ]
    group = parse_group({"vg": [VG], "lv": rows, "seg": [{"lv_uuid": "u3", "segtype": "linear", "devices": "pvmove0(0)"}]})
    assert {lv.entry["name"]: lv.entry["in_progress"] for lv in group.lvs} == {
        "pool": "pvmove",
        "pool_tdata": "pvmove",
        "pool_tdata_rimage_0": "pvmove",
        "other": None,
    }


@pytest.mark.parametrize(
    ("columns", "lock_type"),
    [
        ({}, None),
        ({"vg_lock_type": "none"}, None),
        ({"vg_lock_type": "dlm"}, "dlm"),
        ({"vg_clustered": "clustered"}, "clvm"),
        ({"vg_shared": "1"}, "clvm"),
    ],
)
def test_shared_groups(columns, lock_type):
    assert parse_group({"vg": [dict(VG, **columns)]}).vgs[0]["lock_type"] == lock_type


def test_group_without_a_name_holds_loose_physical_volumes():
    group = parse_group(
        {"vg": [{"vg_name": "", "vg_uuid": ""}], "pv": [{"pv_name": "/dev/sdb", "pv_uuid": "p", "pv_size": "0", "dev_size": "1024"}]}
    )
    assert (group.vgs, group.pvs[0]["vg"], group.pvs[0]["size"], group.pvs[0]["free"]) == ([], None, 1024, 1024)


@given(st.floats(min_value=0, max_value=100).map("{:.2f}".format))
def test_percentages_become_fractions(text):
    value = fraction({"data_percent": text}, "data_percent")
    assert value is not None
    assert 0 <= value <= 1
    assert value == pytest.approx(float(text) / 100)


@given(st.text(max_size=6))
@example("²")  # a digit to str.isdigit, and not to int
def test_no_text_of_lvm_makes_an_error(text):
    row = {"column": text}
    assert number(row, "column") is None or number(row, "column") >= 0
    fraction(row, "column")
    is_set(row, "column")


@pytest.mark.parametrize("text", ["", "-1.00", "unknown"])
def test_percentages_that_lvm_does_not_know(text):
    assert fraction({"data_percent": text}, "data_percent") is None
