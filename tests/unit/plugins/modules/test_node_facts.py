from __future__ import annotations

import json

import pytest

pytest.importorskip("ansible.module_utils.testing", reason="patch_module_args came with ansible-core 2.17")
from ansible.module_utils.testing import patch_module_args

from ansible_collections.foresight.capacity.plugins.modules import node_facts


@pytest.mark.parametrize("check", [False, True])
def test_facts(capsys, check):
    with patch_module_args({"interval": 0, "_ansible_check_mode": check}), pytest.raises(SystemExit) as ended:
        node_facts.main()
    result = json.loads(capsys.readouterr().out)
    assert (ended.value.code, result["changed"]) == (0, False)
    document = result["ansible_facts"]["foresight_node"]
    assert document["schema"] == "foresight.node/1"
    assert document["cores"] >= 1
    assert document["cpu_cores"] is None
