#!/usr/bin/env bash
# Unit tests on Python 3.12 with the ansible-core of that Python, in a venv of its own (made once): those named, else of all that meets ansible-core.
set -eu
workers=$1
shift
if [ $# -eq 0 ]; then
  # What computes meets no ansible-core (plugin_utils/faces.py alone imports it) and is tested on the venv's Python.
  plugins=tests/unit/plugins
  set -- tests/unit/meta $plugins/action $plugins/filter $plugins/lookup $plugins/modules $plugins/plugin_utils/store $plugins/plugin_utils/test_*.py
fi
checkout=$(cd "$(dirname "$0")/../.." && pwd)
cd "$checkout"
python=
for candidate in python3.12 "$HOME"/.pyenv/versions/3.12.*/bin/python3.12; do
  if "$candidate" -c 'import sys, ensurepip; sys.exit(sys.version_info[:2] != (3, 12))' 2>/dev/null; then
    python=$candidate
    break
  fi
done
if [ -z "$python" ]; then
  echo "units on Python 3.12: skipped, no such interpreter here (PATH, ~/.pyenv/versions)"
  exit 0
fi
venv=$checkout/.cache/python-3.12
mark=$venv/.done-$(cat requirements-core.txt requirements-ml.txt requirements-test.txt | sha256sum | cut -c1-12)
if [ ! -e "$mark" ]; then
  echo "units on Python 3.12: making a venv (once) …"
  rm -rf "$venv"
  "$python" -m venv "$venv"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r requirements-core.txt -r requirements-ml.txt -r requirements-test.txt
  "$venv/bin/python" tests/tools/check_link.py >/dev/null
  touch "$mark"
fi
exec "$venv/bin/python" -m pytest -n "$workers" -q "$@"
