#!/usr/bin/env bash
# ansible-test integration in the staged copy: one target per plugin, all of them or those named.
# On this machine (--local), with this venv's packages; no target needs root, LVM or LXC, or changes the machine.
set -eu -o pipefail
checkout=$(cd "$(dirname "$0")/../.." && pwd)
cd "$checkout/.cache/stage/ansible_collections/foresight/capacity"
# What a user has set for their own runs must not decide about these.
unset ANSIBLE_CONFIG ANSIBLE_COLLECTIONS_PATH ANSIBLE_INVENTORY ANSIBLE_ROLES_PATH FORESIGHT_STORE FORESIGHT_LOG_LEVEL FORESIGHT_LOG_FILE
mkdir -p "$checkout/.cache/logs"
log=$checkout/.cache/logs/integration.log
# Most targets also provoke errors, which fill pages; they are shown only when something went wrong.
if PATH="$checkout/.venv/bin:$PATH" "$checkout/.venv/bin/ansible-test" integration --local --color no "$@" 2>&1 |
  tee "$log" | sed -un 's/^Running \(.*\) integration test role$/integration: \1/p'; then
  echo "integration: all targets ended well (log: .cache/logs/integration.log)."
else
  tail -n 60 "$log"
  exit 1
fi
