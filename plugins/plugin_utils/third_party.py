# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The only place that imports third-party packages: lazily, at the first use of an attribute.

ansible-test, ansible-doc and plugin loading work without any of them. A missing package is
reported by its pip name when it is first needed.
"""

from __future__ import annotations

import importlib
import typing as t

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import ForesightError


class MissingPackage(ForesightError):
    """A Python package is not installed where the controller code runs."""

    def __init__(self, module: str, pip_name: str, requirements: str) -> None:
        self._needed = (module, pip_name, requirements)
        super().__init__(
            f"The Python package {pip_name!r} (module {module}) is not installed for this Python. "
            f"Install it with: pip install {pip_name!r}, or all of the collection's with: pip install -r {requirements}"
        )

    def __reduce__(self) -> tuple[type[MissingPackage], tuple[str, str, str]]:
        """Let it come back whole from a worker process."""
        return type(self), self._needed


class LazyModule:
    """Stands for a module and imports it when one of its attributes is first asked for."""

    def __init__(self, module: str, pip_name: str, requirements: str = "requirements-core.txt") -> None:
        self._module = module
        self._pip_name = pip_name
        self._requirements = requirements

    def __getattr__(self, name: str) -> t.Any:
        if name.startswith("__"):
            raise AttributeError(name)
        try:
            module = importlib.import_module(self._module)
        except ModuleNotFoundError as error:
            if error.name and error.name.split(".")[0] != self._module.split(".")[0]:
                raise
            raise MissingPackage(self._module, self._pip_name, self._requirements) from error
        value = getattr(module, name)
        setattr(self, name, value)
        return value


if t.TYPE_CHECKING:
    import alembic
    import alembic.command as alembic_command
    import alembic.config as alembic_config
    import distributed
    import jinja2
    import jmespath
    import joblib
    import jsonschema
    import matplotlib.backends.backend_agg as matplotlib_backend
    import matplotlib.collections as matplotlib_collections
    import matplotlib.dates as matplotlib_dates
    import matplotlib.figure as matplotlib_figure
    import matplotlib.lines as matplotlib_lines
    import matplotlib.patches as matplotlib_patches
    import networkx
    import numpy as np
    import pandas as pd
    import plotly.offline as plotly_offline
    import psycopg
    import safetensors
    import safetensors.numpy as safetensors_numpy
    import scipy.optimize as scipy_optimize
    import scipy.sparse as scipy_sparse
    import sqlalchemy as sa
    import sqlalchemy.dialects.postgresql as sa_postgresql
    import sqlalchemy.dialects.sqlite as sa_sqlite
    import statsforecast.models as statsforecast_models
    import torch
    import yaml
    from joblib.externals import loky
else:
    _ML = "requirements-ml.txt"
    alembic = LazyModule("alembic", "alembic")
    alembic_command = LazyModule("alembic.command", "alembic")
    alembic_config = LazyModule("alembic.config", "alembic")
    distributed = LazyModule("distributed", "distributed", _ML)
    jinja2 = LazyModule("jinja2", "jinja2")
    jmespath = LazyModule("jmespath", "jmespath")
    joblib = LazyModule("joblib", "joblib")
    jsonschema = LazyModule("jsonschema", "jsonschema")
    loky = LazyModule("joblib.externals.loky", "joblib")
    matplotlib_backend = LazyModule("matplotlib.backends.backend_agg", "matplotlib")
    matplotlib_collections = LazyModule("matplotlib.collections", "matplotlib")
    matplotlib_dates = LazyModule("matplotlib.dates", "matplotlib")
    matplotlib_figure = LazyModule("matplotlib.figure", "matplotlib")
    matplotlib_lines = LazyModule("matplotlib.lines", "matplotlib")
    matplotlib_patches = LazyModule("matplotlib.patches", "matplotlib")
    networkx = LazyModule("networkx", "networkx", _ML)
    np = LazyModule("numpy", "numpy")
    pd = LazyModule("pandas", "pandas")
    plotly_offline = LazyModule("plotly.offline", "plotly")
    psycopg = LazyModule("psycopg", "psycopg[binary]")
    safetensors = LazyModule("safetensors", "safetensors", _ML)
    safetensors_numpy = LazyModule("safetensors.numpy", "safetensors", _ML)
    scipy_optimize = LazyModule("scipy.optimize", "scipy", _ML)
    scipy_sparse = LazyModule("scipy.sparse", "scipy", _ML)
    sa = LazyModule("sqlalchemy", "sqlalchemy")
    sa_postgresql = LazyModule("sqlalchemy.dialects.postgresql", "sqlalchemy")
    sa_sqlite = LazyModule("sqlalchemy.dialects.sqlite", "sqlalchemy")
    statsforecast_models = LazyModule("statsforecast.models", "statsforecast", _ML)
    torch = LazyModule("torch", "torch", _ML)
    yaml = LazyModule("yaml", "pyyaml")
