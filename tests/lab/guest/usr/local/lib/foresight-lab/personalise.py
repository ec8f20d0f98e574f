"""Make a restored copy of the snapshot a machine of its own: personalise NAME SEED_HEX.

Every copy starts with the same memory: same clock, names, boot id, and the same state of the kernel's random
generator, so that two hosts would give their volumes the same UUIDs. All of it is replaced here.
The time comes last, on standard input, when this side has said that it listens: a login may take seconds.
"""

import fcntl
import os
import socket
import struct
import subprocess
import sys
import time
import uuid

RNDADDENTROPY = 0x40085203
RNDRESEEDCRNG = 0x5207

name, seed = sys.argv[1], bytes.fromhex(sys.argv[2])

print("ready", flush=True)
time.clock_settime(time.CLOCK_REALTIME, float(sys.stdin.readline()))
# A reboot reads the clock chip, which went on from the snapshot; hwclock waits for a full second, nobody waits for hwclock.
subprocess.Popen(
    ["hwclock", "--systohc", "--utc", "--noadjfile"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
)
with open("/dev/random", "wb", buffering=0) as random:
    fcntl.ioctl(random, RNDADDENTROPY, struct.pack("ii", len(seed) * 8, len(seed)) + seed)
    fcntl.ioctl(random, RNDRESEEDCRNG)

socket.sethostname(name)
with open("/etc/hostname", "w") as file:
    file.write(name + "\n")
with open("/etc/hosts", "w") as file:
    file.write(f"127.0.0.1 localhost\n127.0.1.1 {name}\n::1 localhost ip6-localhost ip6-loopback\n")
with open("/etc/machine-id", "w") as file:
    file.write(uuid.uuid4().hex + "\n")

# The kernel draws its boot id once; a restored copy counts as a boot of its own, so readers get a new one.
os.makedirs("/run/foresight-lab", exist_ok=True)
with open("/run/foresight-lab/boot_id", "w") as file:
    file.write(f"{uuid.uuid4()}\n")
subprocess.run(["mount", "--bind", "/run/foresight-lab/boot_id", "/proc/sys/kernel/random/boot_id"], check=True)
