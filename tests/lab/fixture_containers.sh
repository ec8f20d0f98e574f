#!/bin/sh
# Containers in the states that lxc_facts must tell apart. Runs on a fresh lab host.
set -eux
for name in run1 frozen1 off1; do
    lxc-create -n "$name" -t busybox
done
if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
    cat >> /var/lib/lxc/run1/config <<'C'
lxc.cgroup2.memory.max = 134217728
lxc.cgroup2.memory.swap.max = 67108864
lxc.cgroup2.cpu.max = 50000 100000
lxc.cgroup2.pids.max = 200
C
else
    cat >> /var/lib/lxc/run1/config <<'C'
lxc.cgroup.memory.limit_in_bytes = 134217728
lxc.cgroup.cpu.cfs_period_us = 100000
lxc.cgroup.cpu.cfs_quota_us = 50000
lxc.cgroup.pids.max = 200
C
fi
for name in run1 frozen1; do
    lxc-start -n "$name"
    lxc-wait -n "$name" -s RUNNING -t 60
done
# Some work, more memory than allowed once, and some bytes through the network and the disk.
lxc-attach -n run1 -- sh -c "i=0; while [ \$i -lt 200000 ]; do i=\$((i+1)); done"
lxc-attach -n run1 -- sh -c 'dd if=/dev/zero of=/dev/shm/big bs=1M count=300; rm -f /dev/shm/big' || true
lxc-attach -n run1 -- sh -c 'dd if=/dev/zero of=/root/file bs=1M count=8; sync'
lxc-attach -n run1 -- ping -c 2 10.0.3.1 || true
lxc-freeze -n frozen1
