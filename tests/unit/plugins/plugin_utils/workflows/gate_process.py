# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Opens the gate in a process of its own, tells the result as one line of JSON, and closes it when told so by a line on its input."""

from __future__ import annotations

import json
import sys

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import ForesightError
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.close_gate import close_gate
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.host_gate import host_gate
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.open_gate import open_gate


def main():
    arguments = json.loads(sys.argv[1])
    handed = arguments.pop("hand_to", None)
    sys.stdin.readline()
    try:
        result = open_gate(**arguments)
        if handed:
            result["handed"] = host_gate(store=arguments["store"], now=arguments["now"], host=handed, failed=[])["actions"]
    except ForesightError as error:
        result = {"error": str(error)}
    print(json.dumps(result), flush=True)
    if sys.stdin.readline().strip() == "close":
        print(json.dumps(close_gate(store=arguments["store"], now=arguments["now"])), flush=True)


main()
