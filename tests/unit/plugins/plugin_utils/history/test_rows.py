# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import bz2
import gzip
import lzma

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError
from ansible_collections.foresight.capacity.plugins.plugin_utils.history.files import open_text
from ansible_collections.foresight.capacity.plugins.plugin_utils.history.rows import TableReader
from ansible_collections.foresight.capacity.plugins.plugin_utils.history.table import TableOptions

NOW = 1_763_700_000
WIDE = {"time_column": "time", "entity": "lv:{host}/{vg}/{lv}", "columns": {"used": {"metric": "used_bytes", "unit": "KiB"}}}


def read(path, size=100_000, **options):
    with open_text(str(path), encoding=options.get("encoding", "utf-8-sig")) as file:
        reader = TableReader(file, TableOptions(**options), now=NOW, max_skew=300)
        rows = []
        for chunk in reader.chunks(size):
            for series, time, value, flag in zip(*chunk, strict=True):
                key, rule = reader.series[series]
                rows.append((key, rule.metric, time, value, flag))
        return rows, reader


@pytest.fixture
def write(tmp_path):
    def write(text, name="data.csv"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def test_wide(write):
    path = write("time,host,vg,lv,used\n1763600000,web1,vg0,data,10\n1763600600,web1,vg0,data,11\n1763600000,web2,vg0,data,\n")
    rows, reader = read(path, **WIDE)
    assert rows == [
        ("lv:web1/vg0/data", "used_bytes", 1_763_600_000, 10_240.0, None),
        ("lv:web1/vg0/data", "used_bytes", 1_763_600_600, 11_264.0, None),
    ]
    assert reader.tally.rows == 3
    assert reader.tally.empty == 1


def test_wide_with_an_entity_per_column(write):
    path = write("time;web1 cpu;web2 cpu\n1763600000;1,5;2\n")
    columns = {
        "web1 cpu": {"metric": "cpu_cores", "entity": "host:web1"},
        "web2 cpu": {"metric": "cpu_cores", "entity": "host:web2"},
    }
    rows, _reader = read(path, time_column="time", columns=columns, decimal=",")
    assert [(row[0], row[3]) for row in rows] == [("host:web1", 1.5), ("host:web2", 2.0)]


def test_long(write):
    path = write("t\tm\tv\th\n1763600000\tCPU\t150\tweb1\n1763600000\tRAM\t2\tweb1\n1763600000\tDISK\t2\tweb1\n")
    rows, reader = read(
        path,
        time_column="t",
        entity="host:{h}",
        metric_column="m",
        value_column="v",
        metrics={"CPU": {"metric": "cpu_cores", "unit": "percent_of_core"}, "RAM": {"metric": "memory_bytes", "unit": "GiB"}},
    )
    assert [row[1:4] for row in rows] == [("cpu_cores", 1_763_600_000, 1.5), ("memory_bytes", 1_763_600_000, 2.0 * 2**30)]
    assert reader.tally.bad == ["line 4 has the metric 'DISK'; O(metrics) names CPU, RAM"]


def test_the_hour_that_occurs_twice_in_a_long_table(write):
    """The second metric of a moment is no second time."""
    lines = [f"2026-10-25 02:{minute}:00,web1,{metric},{turn}" for turn in (1, 2) for minute in ("00", "30") for metric in ("CPU", "RAM")]
    rows, reader = read(
        write("t,h,m,v\n" + "\n".join(lines) + "\n"),
        time_column="t",
        time_zone="Europe/Berlin",
        entity="host:{h}",
        metric_column="m",
        value_column="v",
        metrics={"CPU": "cpu_cores", "RAM": "memory_bytes"},
    )
    first = 1_792_886_400
    for metric in ("cpu_cores", "memory_bytes"):
        assert [(time - first, value) for _key, name, time, value, _flag in rows if name == metric] == [
            (0, 1.0),
            (1800, 1.0),
            (3600, 2.0),
            (5400, 2.0),
        ]
    assert reader.tally.out_of_order == 0


def test_bad_rows_are_counted_with_their_lines(write):
    path = write('time,host,vg,lv,used\n1763600000,web1,vg0,data,1\n\n1763600000,"we\nb1",vg0,data,1\nx,web1,vg0,data,1\n1763600000,web1\n')
    rows, reader = read(path, **WIDE)
    assert len(rows) == 1
    assert reader.tally.bad_rows == 3
    assert [line.split()[1] for line in reader.tally.bad] == ["4", "6", "7"]


@pytest.mark.parametrize(("value", "flag"), [("-1", "negative"), ("nan", "nan"), ("inf", "impossible"), ("1e300", "impossible")])
def test_values_that_cannot_be_are_flagged(write, value, flag):
    rows, _reader = read(write(f"time,host,vg,lv,used\n1763600000,web1,vg0,data,{value}\n"), **WIDE)
    assert rows[0][4] == flag


@pytest.mark.parametrize("value", ["1.7e308", "-1.7e308", "inf", "-inf", "1e200"])
def test_values_of_which_no_mean_can_be_taken_are_flagged(write, value):
    rows, _reader = read(write(f"time,v\n1763600000,{value}\n"), time_column="time", entity="kpi:shop/profit", columns={"v": "profit"})
    assert rows[0][4] == "impossible"


def test_a_time_in_the_future_is_flagged(write):
    rows, _reader = read(write(f"time,host,vg,lv,used\n{NOW + 300},web1,vg0,data,1\n{NOW + 301},web1,vg0,data,1\n"), **WIDE)
    assert [row[4] for row in rows] == [None, "clock"]


def test_a_thousands_point_is_not_read_as_a_decimal_point(write):
    path = write("time;host;vg;lv;used\n1763600000;web1;vg0;data;1.234\n1763600000;web1;vg0;data;1,5\n")
    rows, reader = read(path, **WIDE, decimal=",")
    assert [row[3] for row in rows] == [1536.0]
    assert reader.tally.bad_rows == 1


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress, bz2.compress, lambda data: data, lambda data: b"\xef\xbb\xbf" + data])
def test_packed_files_and_byte_order_marks(write, pack):
    path = write(pack(b"time,host,vg,lv,used\r\n1763600000,web1,vg0,data,1\r\n"), "data.bin")
    assert len(read(path, **WIDE)[0]) == 1


def test_other_encodings(write):
    path = write("time,host,vg,lv,bel\xe9gt\n1763600000,b\xfcro,vg0,data,1\n".encode("latin-1"))
    options = {**WIDE, "columns": {"bel\xe9gt": "used_bytes"}}
    assert read(path, **options, encoding="latin-1")[0][0][0] == "lv:b\xfcro/vg0/data"
    with pytest.raises(InputError, match=r"no utf-8 text.*O\(encoding\)"):
        read(path, **options)


def test_no_header_line(write):
    path = write("1763600000,web1,vg0,data,1\n")
    assert len(read(path, **WIDE, header=["time", "host", "vg", "lv", "used"])[0]) == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"time_column": "when"}, r"no column 'when'; its columns are 'time', 'host', 'vg', 'lv', 'used' \(O\(time_column\)\)"),
        ({"columns": {"free": "used_bytes"}}, "no column 'free'"),
        ({"entity": "lv:{host}/{group}/{lv}"}, "no column 'group'"),
        ({"entity": None}, "whose values"),
        ({"entity": "lv:{host"}, "no entity template"),
        ({"columns": {"used": 5}}, "needed is a metric"),
        ({"columns": {"used": {"metric": "used_bytes", "unit": "percent"}}}, "does not fit"),
        ({"columns": {"used": {"metric": "used_bytes", "units": "B"}}}, "needed is a metric"),
        ({"columns": None}, "Nothing says which columns"),
        ({"delimiter": ";"}, "no column 'time'"),
        ({"time_zone": "Nowhere/At_All"}, "Unknown time zone"),
        ({"delimiter": "\\t"}, r"is no delimiter; needed is .*O\(delimiter\)"),
        ({"delimiter": ""}, "is no delimiter"),
        ({"delimiter": '"'}, "is no delimiter"),
        ({"encoding": "klingon"}, "Unknown encoding"),
        ({"encoding": "rot13"}, "Unknown encoding"),
    ],
)
def test_wrong_options(write, change, message):
    path = write("time,host,vg,lv,used\n1763600000,web1,vg0,data,1\n")
    with pytest.raises(InputError, match=message):
        read(path, **{**WIDE, **change})


def test_wrong_files(write, tmp_path):
    with pytest.raises(InputError, match="No such file"):
        read(tmp_path / "missing.csv", **WIDE)
    with pytest.raises(InputError, match="is empty"):
        read(write(""), **WIDE)
    with pytest.raises(InputError, match="Is a directory"):
        read(tmp_path, **WIDE)
    with pytest.raises(InputError, match="no row"):
        read(write("time,host,vg,lv,used\n"), **WIDE)
    with pytest.raises(InputError, match=r"no row.*line 2"):
        read(write("time,host,vg,lv,used\nx,y,z,a,b\n"), **WIDE)
    with pytest.raises(InputError, match="divides its first lines"):
        read(write("one column\n1\n2\n"), **WIDE)
    with pytest.raises(InputError, match="damaged or cut off"):
        read(write(gzip.compress(b"time,host,vg,lv,used\n" + b"1763600000,web1,vg0,data,1\n" * 1000)[:-20]), **WIDE)
    with pytest.raises(InputError, match="2 columns 'used'"):
        read(write("time,host,vg,lv,used,used\n1,a,b,c,1,1\n"), **WIDE)


@pytest.mark.parametrize("delimiter", [",", "auto"])
def test_a_first_line_without_an_end(write, delimiter):
    """A binary file, or JSON on one line."""
    with pytest.raises(InputError, match="does not begin as a table does"):
        read(write("time," + "x" * 200_000 + "\n1763600000,1\n"), **WIDE, delimiter=delimiter)


def test_errors_of_the_reader_of_a_file_stay_what_they_are(write):
    with pytest.raises(KeyError), open_text(str(write("x"))):
        raise KeyError("of something else")


def test_too_many_bad_rows(write):
    path = write("time,host,vg,lv,used\n1763600000,web1,vg0,data,1\n" + "x,web1,vg0,data,1\n" * 5)
    assert read(path, **WIDE, max_bad_rows=5)[1].tally.bad_rows == 5
    with pytest.raises(InputError, match=r"more than 4 rows.*nothing was imported"):
        read(path, **WIDE, max_bad_rows=4)


def test_chunks_do_not_change_what_is_read(write):
    lines = [f"{1_763_600_000 + 60 * index},web{index % 3},vg0,data,{index}" for index in range(100)]
    path = write("time,host,vg,lv,used\n" + "\n".join(lines) + "\n")
    assert read(path, size=7, **WIDE)[0] == read(path, **WIDE)[0]


@settings(max_examples=60, deadline=None)
@given(text=st.text(st.characters(codec="utf-8"), max_size=200))
def test_any_text_is_read_or_refused(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("any") / "any.csv"
    path.write_bytes(("time,host,vg,lv,used\n1763600000,web1,vg0,data,1\n" + text).encode())
    try:
        rows, _reader = read(path, **WIDE)
    except InputError:
        return
    for _key, _metric, time, value, flag in rows:
        assert time > 0
        assert flag is not None or 0 <= value < 2**63
