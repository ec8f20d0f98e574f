#!/usr/bin/env bash
# ansible-test sanity in the staged copy, with an empty ignore file.
# ansible-test makes venvs without pip and downloads a get-pip script for them; where that download is not to be had,
# get_pip.py (ensurepip) is put where ansible-test caches it.
set -eu
checkout=$(cd "$(dirname "$0")/../.." && pwd)
bin=$checkout/.venv/bin
cache=$HOME/.ansible/test/cache
mkdir -p "$cache"
for version in 24.2 25.2; do
  script=$cache/get_pip_${version/./_}.py
  [ -s "$script" ] && continue
  url=https://ci-files.testing.ansible.com/ansible-test/get-pip-$version.py
  fetch='import sys, urllib.request as u; open(sys.argv[2], "wb").write(u.urlopen(sys.argv[1], timeout=5).read())'
  if "$bin/python" -c "$fetch" "$url" "$script.part" 2>/dev/null; then
    mv "$script.part" "$script"
  else
    cp "$checkout/tests/tools/get_pip.py" "$script"
  fi
  rm -f "$script.part"
done
cd "$checkout/.cache/stage/ansible_collections/foresight/capacity"
if [ -n "$(cat tests/sanity/ignore-*.txt 2>/dev/null)" ]; then
  echo "sanity: the ignore files must be empty" >&2
  exit 1
fi
# A pyenv shim of a version that is not enabled answers "command not found" and fails ansible-test: only interpreters that work are shown to it.
pythons=$checkout/.cache/pythons
"$bin/python" "$checkout/tests/tools/target_pythons.py" --link "$pythons"
clean=$(printf '%s' "$PATH" | tr ':' '\n' | grep -v '/\.pyenv/shims' | paste -sd:)
sanity() {
  PATH="$bin:$pythons:$clean" "$bin/ansible-test" sanity --venv --color no "$@"
}
if [ $# -gt 0 ]; then
  sanity "$@"
  exit
fi
# Importing everything on every Python takes as long as the rest, and each of the two uses one core. The first call makes the venv of both.
sanity --test empty-init
log=$checkout/.cache/logs/sanity-import.log
mkdir -p "$(dirname "$log")"
sanity --test import >"$log" 2>&1 &
other=$!
trap 'kill "$other" 2>/dev/null || :' EXIT
failed=0
sanity --skip-test import --skip-test empty-init || failed=1
wait "$other" || failed=1
cat "$log"
exit "$failed"
