"""An imitation of a Proxmox VE 9.2 cluster: an HTTPS server on loopback that judges, answers, keeps state and takes time as the real one
does.

Design. One process and one state (world.py) that the servers of all nodes share under one lock; forwarding between nodes happens
inside, so only the first N nodes need an address. https.py speaks HTTP, api.py brings a request to its method in the real order of
checks: access.py and permissions.py say who may, schema.py (facts in schema.json) whether its parameters fit; handlers are the modules
routes_*. Time is one clock that can be scaled and held; work that takes time is generators run by one thread (scheduler.py), tasks
(tasks.py) add UPID, log and end. Loads are functions of the time (load.py), so use (usage.py) and metrics of any moment are computed,
not stored; lists of the cluster show the last broadcast and lag. Migrations (migration*.py) get their times and numbers from
physics.py; ha_manager.py acts later, as the real manager does; power.py and faults.py break things on request; seed.py reads the state
file and restores from it; control.py is the channel of ``ctl``. docs/sandbox.md is the manual.
"""
