#!/bin/sh
# Stands for a tool on a lab host's PATH: notes the call and, at the chosen one, holds it, makes it fail or kills its caller.
# Installed by tests/lab/wrappers.py; what to do lies in the rule files of the tool, one folder for each rule.
tool=${0##*/}
base=/run/foresight-lab/wrappers/$tool
read -r real < "$base/real"

parent_of() {
    read -r stat < "/proc/$1/stat"
    stat=${stat##*) }
    stat=${stat#* }
    echo "${stat%% *}"
}

# The nearest Python above this call is the process that runs the Ansible module.
python_above() {
    pid=$(parent_of $$)
    while [ "$pid" -gt 1 ]; do
        read -r comm < "/proc/$pid/comm"
        case $comm in python*) echo "$pid"; return ;; esac
        pid=$(parent_of "$pid")
    done
}

# One more call that this rule counts.
counted() {
    flock 9
    read -r seen < "$1/count"
    echo $((seen + 1)) > "$1/count"
    echo $((seen + 1))
}

act() {
    case $action in
    hold)
        : > "$home/reached"
        read -r _ < "$home/gate"
        mv "$home/reached" "$home/passed"
        ;;
    fail)
        echo "lab wrapper of $tool: made to fail $when its work" >&2
        : > "$home/reached"
        exit "$failure"
        ;;
    kill)
        module=$(python_above)
        if [ -z "$module" ]; then
            echo "lab wrapper of $tool: no Python process above this call, nobody was killed" >&2
            echo nobody > "$home/reached"
            exit 97
        fi
        echo "$module" > "$home/reached"
        kill "-$signal" "$module"
        # Each ssh command is a session of its own: its shell, the module and whatever runs below it.
        if [ "$victim" = tree ]; then
            pkill "-$signal" -s 0
            kill "-$signal" $$
        fi
        ;;
    esac
}

number=0
chosen=
for rule in "$base"/*/rule; do
    home=${rule%/rule}
    # Sets these: action is none, kill, hold or fail; when is before or after; victim is parent or tree; failure is an exit status;
    # sequence, if any, names the rules that take turns, and turn the one of this rule.
    action=none pattern="*" nth=1 when=before victim=parent signal=9 failure=5 sequence='' turn=0
    # shellcheck source=/dev/null
    . "$rule"
    # The pattern is meant as one, so it is not quoted.
    # shellcheck disable=SC2254
    case "$*" in
    $pattern) ;;
    *) continue ;;
    esac
    if [ -n "$sequence" ]; then
        progress=/run/foresight-lab/progress/$sequence
        turns=0
        [ ! -e "$progress" ] || read -r turns < "$progress"
        [ "$turns" = "$turn" ] || continue
        echo $((turn + 1)) > "$progress"
    fi
    number=$(counted "$home" 9> "$home/lock")
    if [ "$action" != none ] && [ "$number" = "$nth" ]; then
        chosen=$home
    fi
    # The next rule of a sequence has its turn at the next call.
    [ -z "$chosen$sequence" ] || break
done
printf '%s\t%s\t%s\n' "$tool" "$number" "$*" >> /run/foresight-lab/calls
if [ -z "$chosen" ]; then
    exec "$real" "$@"
fi

if [ "$when" = before ]; then
    act
    # A killed caller never sees this command run; a held one goes on.
    [ "$action" = kill ] && exit 137
    exec "$real" "$@"
fi
"$real" "$@"
status=$?
act
exit $status
