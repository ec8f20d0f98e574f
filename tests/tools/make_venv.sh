#!/usr/bin/env bash
# Makes the virtual environment with the first Python that is new enough.
set -eu
venv=$1
found=
for python in "${PYTHON:-}" python3 python3.11 python3.12 python3.13 python3.14; do
  if [ -n "$python" ] && "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    found=$python
    break
  fi
done
if [ -z "$found" ]; then
  echo "Needed is Python 3.11 or newer; none was found (python3 is $(python3 --version 2>&1 || true))." >&2
  echo "On Debian or Ubuntu: apt-get install python3 python3-venv; or name one: make PYTHON=/path/to/python3.12 …" >&2
  exit 1
fi
if ! "$found" -c 'import ensurepip, venv' 2>/dev/null; then
  echo "$found has no venv module. On Debian or Ubuntu: apt-get install python3-venv" >&2
  exit 1
fi
echo "Making $venv with $("$found" --version) …"
"$found" -m venv "$venv"
