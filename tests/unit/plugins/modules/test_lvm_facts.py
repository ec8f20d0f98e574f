from __future__ import annotations

import json
import os
import pathlib
import stat

import pytest

pytest.importorskip("ansible.module_utils.testing", reason="patch_module_args came with ansible-core 2.17")
from ansible.module_utils.testing import patch_module_args

from ansible_collections.foresight.capacity.plugins.modules import lvm_facts

RECORDINGS = pathlib.Path(__file__).parents[2] / "fixtures" / "lvm" / "recordings"


def run(capsys, **arguments):
    with patch_module_args(arguments), pytest.raises(SystemExit) as ended:
        lvm_facts.main()
    assert ended.value.code == 0
    return json.loads(capsys.readouterr().out)


@pytest.fixture
def lvm(tmp_path):
    """A search path with an lvm that answers as a recorded host did."""
    recording = json.loads((RECORDINGS / "every_kind.json").read_text(encoding="utf-8"))
    for number, entry in enumerate(recording["commands"]):
        (tmp_path / f"answer{number}").write_text(entry["out"], encoding="utf-8")
    numbers = {entry["command"][1]: number for number, entry in enumerate(recording["commands"])}
    tool = tmp_path / "lvm"
    tool.write_text(
        "#!/bin/sh\n"
        + "".join(f'[ "$1" = {name} ] && cat "{tmp_path}/answer{numbers[name]}"\n' for name in ("fullreport", "version", "systemid")),
        encoding="utf-8",
    )
    tool.chmod(tool.stat().st_mode | stat.S_IXUSR)
    return [str(tmp_path)]


@pytest.mark.skipif(os.geteuid() != 0, reason="LVM is asked as root")
def test_facts(capsys, lvm):
    result = run(capsys, search_path=lvm)
    document = result["ansible_facts"]["foresight_lvm"]
    assert (result["changed"], document["schema"], document["available"]) == (False, "foresight.lvm/1", True)
    assert {vg["name"] for vg in document["vgs"]} == {"vg0", "vgexp", "vgforeign", "vgpart", "vgshared"}


def test_check_mode_is_the_same(capsys, lvm):
    documents = [run(capsys, search_path=lvm, _ansible_check_mode=mode)["ansible_facts"]["foresight_lvm"] for mode in (False, True)]
    for document in documents:
        document.pop("observed_at")
    assert documents[0] == documents[1]
