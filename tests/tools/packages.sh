#!/usr/bin/env bash
# The Debian packages of the full test: installed when this is root on a Debian, else named.
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
mapfile -t wanted < <(sed -E 's/#.*//' "$here/debian-packages.txt" | tr -s ' \n' '\n' | sed '/^$/d')
if ! command -v dpkg-query >/dev/null 2>&1; then
  echo "packages: this is no Debian or Ubuntu; parts of the test whose tools are missing are skipped. They come with: ${wanted[*]}"
  exit 0
fi
missing=()
for package in "${wanted[@]}"; do
  dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
done
if [ ${#missing[@]} -eq 0 ]; then
  echo "packages: all Debian packages of the full test are installed."
  exit 0
fi
if [ "$(id -u)" -ne 0 ]; then
  echo "packages: not root, so parts of the test are skipped. For the full test: sudo apt-get install --no-install-recommends ${missing[*]}"
  exit 0
fi
echo "packages: installing ${missing[*]} …"
log=$(mktemp)
if apt-get update -qq >"$log" 2>&1 && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >>"$log" 2>&1; then
  rm -f "$log"
else
  tail -n 15 "$log"
  echo "packages: apt could not install them; parts of the test are skipped. The whole log: $log"
fi
