#!/bin/sh
# Stands for a tool on a lab host's PATH: notes the call and, at the chosen one, holds it or kills its caller.
# Installed by tests/lab/wrappers.py; what to do lies in the rule file of the tool.
tool=${0##*/}
home=/run/foresight-lab/wrappers/$tool
# Sets these: action is none, kill or hold; when is before or after; victim is parent or tree.
real="" action=none pattern="*" nth=1 when=before victim=parent signal=9
. "$home/rule"

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

act() {
    case $action in
    hold)
        : > "$home/reached"
        read -r _ < "$home/gate"
        mv "$home/reached" "$home/passed"
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
# The pattern is meant as one, so it is not quoted.
# shellcheck disable=SC2254
case "$*" in
$pattern)
    number=$({
        flock 9
        read -r seen < "$home/count"
        echo $((seen + 1)) > "$home/count"
        echo $((seen + 1))
    } 9> "$home/lock")
    ;;
esac
printf '%s\t%s\t%s\n' "$tool" "$number" "$*" >> /run/foresight-lab/calls
if [ "$action" = none ] || [ "$number" != "$nth" ]; then
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
