# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Options of every plugin that runs heavy work (the spec is engine_arguments in module_utils/arguments.py)."""

    DOCUMENTATION = r"""
options:
  engine:
    description:
      - Where heavy work runs. V(local) starts processes on the controller, V(dask) uses the workers of the scheduler at O(dask_address).
      - The results are the same. Default is V(dask) when O(dask_address) is given, else V(local).
    type: str
    choices: [local, dask]
  workers:
    description:
      - How many processes O(engine=local) starts at most. Default is as many as there are cores.
    type: int
  dask_address:
    description:
      - Address of a dask.distributed scheduler, such as V(tcp://10.0.0.5:8786). Its workers need the same Python, NumPy and statsforecast as the controller,
        and the same torch and safetensors where a model needs them.
        Where they do not have this collection its code is sent to them.
    type: str
"""
