"""The cluster document, field by field against what the state file says."""

from __future__ import annotations

import re

import pytest

from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.failures import Failure
from support.proxmox import Asking, options, read

GIB = 1 << 30
TAGS = {101: "foresight.apart.web;prod", 102: "foresight.apart.web", 103: "foresight.on.pve2;foresight.on.pve3", 105: "foresight.ignore"}


def tagged(state, tags):
    for guest in state["guests"]:
        if guest["vmid"] in tags:
            guest["config"]["tags"] = tags[guest["vmid"]]
    return state


def by_name(document):
    return {node["name"]: node for node in document["nodes"]}


def by_id(document):
    return {guest["id"]: guest for guest in document["guests"]}


def test_cluster_is_what_the_state_says(serve, recorded):
    sandbox = serve(recorded)
    client = Asking(sandbox)
    document = read(sandbox, client=client, host="prod-api")
    now = int(sandbox.world.now())
    assert {key: document[key] for key in document if key not in ("nodes", "guests")} == {
        "schema": "foresight.cluster/1",
        "observed_at": now,
        "machine_id": None,
        "boot_id": None,
        "api_skew": 0,
        "cluster": "lab",
        "host": "prod-api",
        "version": "9.2.11",
        "quorate": True,
        "balancers": [],
        "demand": {"basis": "current"},
        "rules": [],
        "problems": [],
    }
    # version, privileges, resources, status, options, pools, rules; the clock of one node; metrics and one storage of each; one shared storage.
    assert client.calls == 7 + 1 + 3 + 3 + 1
    for node in recorded["nodes"]:
        assert by_name(document)[node["node"]] == {
            "name": node["node"],
            "cpu": 2.0,
            "memory": node["memory"],
            "online": True,
            "maintenance": False,
            "ha_state": "online",
            "reserve": {"cpu": 0.0, "memory": 0},
            "overhead": {"cpu": pytest.approx(0.02), "memory": pytest.approx(GIB, rel=0.1)},
            "arc_bytes": 0,
            "tags": [],
            "storages": {
                "local": {"bytes": 270582939648, "used": 0, "shared": False},
                "shared": {"bytes": 270582939648, "used": 24159191040, "shared": True},
            },
        }
    assert len(document["guests"]) == len(recorded["guests"])
    pooled = recorded["pools"][0]["members"]["vms"]
    for guest in recorded["guests"]:
        config, running = guest["config"], guest["running"]
        cores = float(config.get("cores", 1))
        load = guest.get("load", {"cpu": 0.05, "mem": 64 << 20}) if running else {"cpu": 0, "mem": 0}
        seen = by_id(document)[f"{guest['type']}/{guest['vmid']}"]
        size = next((int(found[1]) for key in ("rootfs", "scsi0") if (found := re.search(r"size=(\d+)G", config.get(key, "")))), 0)
        expected = {
            "name": config.get("hostname", config.get("name")),
            "node": guest["node"],
            "running": running,
            "status": "running" if running else "stopped",
            "cpu": pytest.approx(min(load["cpu"], config.get("cpulimit", cores)), abs=1e-6),
            "memory": pytest.approx(load["mem"], rel=0.01),
            "cpu_max": cores,
            "memory_max": config["memory"] << 20,
            "disks": [{"storage": "shared", "bytes": size * GIB}] if size else [],
            "tags": config["tags"].split(";") if "tags" in config else [],
            "pool": "lab" if guest["vmid"] in pooled else None,
            "ha": guest["vmid"] == 109,
            "movable": "lock" not in config,
            "unmovable_because": ["is locked (backup)"] if "lock" in config else [],
        }
        assert {key: seen[key] for key in expected} == expected, guest["vmid"]
        assert seen["now"] == {"cpu": seen["cpu"], "memory": seen["memory"]}


def test_load_of_a_node_is_what_the_api_says_it_uses(serve, recorded):
    sandbox = serve(recorded)
    document = read(sandbox)
    entries = {entry["node"]: entry for entry in Asking(sandbox).get("/cluster/resources") if entry["type"] == "node"}
    for name, node in by_name(document).items():
        guests = [guest for guest in document["guests"] if guest["node"] == name]
        assert node["overhead"]["memory"] + sum(guest["memory"] for guest in guests) == entries[name]["mem"]
        assert node["overhead"]["cpu"] + sum(guest["cpu"] for guest in guests) == pytest.approx(entries[name]["cpu"] * 2)


def test_zfs_cache_is_not_used_memory(serve, recorded):
    plain = by_name(read(serve(recorded)))["pve1"]
    recorded["nodes"][0]["arcsize"] = 5 * GIB
    cached = by_name(read(serve(recorded)))
    assert cached["pve1"]["arc_bytes"] == 5 * GIB
    assert cached["pve1"]["overhead"]["memory"] == plain["overhead"]["memory"]
    assert cached["pve2"]["arc_bytes"] == 0


def test_maintenance_offline_and_reserve(serve, recorded):
    recorded["nodes"][1]["maintenance"] = True
    recorded["nodes"][2]["online"] = False
    sandbox = serve(recorded)
    document = read(sandbox, reserve={"cpu": 0.5}, reserves={"pve2": {"memory": GIB}})
    nodes = by_name(document)
    assert [(nodes[name]["online"], nodes[name]["maintenance"]) for name in ("pve1", "pve2", "pve3")] == [
        (True, False),
        (True, True),
        (False, False),
    ]
    assert nodes["pve1"]["reserve"] == {"cpu": 0.5, "memory": 0}
    assert nodes["pve2"]["reserve"] == {"cpu": 0.5, "memory": GIB}
    # An offline node keeps its size, and nobody asks it anything.
    assert (nodes["pve3"]["cpu"], nodes["pve3"]["memory"]) == (2.0, 25769803776)
    assert document["problems"] == []


def test_links_that_the_caller_knows(serve, recorded):
    sandbox = serve(recorded)
    assert not any("link_bytes_per_second" in node for node in read(sandbox)["nodes"])
    some = by_name(read(sandbox, links={"pve2": "125000000"}))
    assert [some[name].get("link_bytes_per_second") for name in ("pve1", "pve2", "pve3")] == [None, 125e6, None]
    nodes = by_name(read(sandbox, link_bytes_per_second=1.25e9, links={"pve2": 125e6}))
    assert [nodes[name]["link_bytes_per_second"] for name in ("pve1", "pve2", "pve3")] == [1.25e9, 125e6, 1.25e9]


def test_node_that_the_ha_manager_gave_up_is_no_target(serve, recorded):
    sandbox = serve(recorded)
    sandbox.world.ha.node_states["pve2"] = "fence"
    node = by_name(read(sandbox))["pve2"]
    assert (node["online"], node["ha_state"]) == (False, "fence")


def test_rules_of_the_ha_manager(serve, recorded):
    recorded["ha"]["resources"] += [{"sid": "ct:104", "state": "started"}, {"sid": "vm:202", "state": "started"}]
    recorded["ha"]["rules"] = [
        {"rule": "pair", "type": "resource-affinity", "resources": "ct:104,vm:202", "affinity": "positive"},
        {"rule": "split", "type": "resource-affinity", "resources": "ct:104,ct:109", "affinity": "negative"},
        {"rule": "here", "type": "node-affinity", "resources": "ct:109", "nodes": "pve1:1,pve3:2", "strict": 1},
        {"rule": "wish", "type": "node-affinity", "resources": "vm:202", "nodes": "pve2"},
        {"rule": "off", "type": "node-affinity", "resources": "vm:202", "nodes": "pve1", "disable": 1},
    ]
    more = {"weight": 1.0, "source": "ha"}
    assert read(serve(recorded))["rules"] == [
        {"kind": "together", "guests": ["lxc/104", "qemu/202"], "nodes": [], "strict": True, "name": "pair", **more},
        {"kind": "apart", "guests": ["lxc/104", "lxc/109"], "nodes": [], "strict": True, "name": "split", **more},
        {"kind": "on_nodes", "guests": ["lxc/109"], "nodes": ["pve1", "pve3"], "strict": True, "name": "here", **more},
        {"kind": "on_nodes", "guests": ["lxc/109"], "nodes": ["pve3"], "strict": False, "name": "here", **more},
        {"kind": "on_nodes", "guests": ["qemu/202"], "nodes": ["pve2"], "strict": False, "name": "wish", **more},
    ]


def test_rules_of_tags(serve, recorded):
    document = read(serve(tagged(recorded, {**TAGS, 106: "foresight.on.pve9", 107: "foresight.together", 108: "plb_affinity_x"})))
    more = {"strict": True, "weight": 1.0, "source": "tag"}
    assert document["rules"] == [
        {"kind": "apart", "guests": ["lxc/101", "lxc/102"], "nodes": [], "name": "web", **more},
        {"kind": "on_nodes", "guests": ["lxc/103"], "nodes": ["pve2", "pve3"], "name": "pve2.pve3", **more},
        {"kind": "on_nodes", "guests": ["lxc/106"], "nodes": ["pve9"], "name": "pve9", **more},
    ]
    ignored = by_id(document)["lxc/105"]
    assert (ignored["movable"], ignored["unmovable_because"]) == (False, ["foresight.ignore (tag)"])
    assert [text.split(" ")[0] for text in document["problems"]] == ["lxc/107", "lxc/106"]
    assert document["balancers"] == ["ProxLB (tags plb_…)"]


def test_rules_of_pools_are_in_their_comments(serve, recorded):
    recorded["pools"][0]["comment"] = "Web servers, foresight.apart foresight.on.pve1"
    recorded["pools"].append({"poolid": "still", "comment": "foresight.ignore", "members": {"vms": [101]}})
    document = read(serve(recorded))
    assert [(rule["kind"], rule["guests"], rule["nodes"], rule["name"]) for rule in document["rules"]] == [
        ("apart", ["lxc/104", "qemu/202"], [], "lab"),
        ("on_nodes", ["lxc/104", "qemu/202"], ["pve1"], "pve1"),
    ]
    assert by_id(document)["lxc/101"]["unmovable_because"] == ["foresight.ignore (pool)"]


@pytest.mark.parametrize(
    ("crs", "found"),
    [
        ("ha=static", []),
        ("ha=dynamic,ha-auto-rebalance=1", ["crs ha-auto-rebalance"]),
        ("ha=static,ha-rebalance-on-start=1", ["crs ha-rebalance-on-start"]),
    ],
)
def test_the_clusters_own_balancer(serve, recorded, crs, found):
    recorded["datacenter"]["crs"] = crs
    assert read(serve(recorded))["balancers"] == found


def test_limited_to_nodes(serve, recorded):
    sandbox = serve(tagged(recorded, {104: "foresight.together.a", 105: "foresight.together.a"}))
    client = Asking(sandbox)
    document = read(sandbox, client=client, nodes=["pve1"])
    assert list(by_name(document)) == ["pve1"]
    assert {guest["node"] for guest in document["guests"]} == {"pve1"}
    assert client.calls == 7 + 1 + 1 + 1 + 1
    # Where one goes the other must go, and that one is not ours to move.
    assert by_id(document)["lxc/104"]["unmovable_because"] == ["belongs to lxc/105, which is not in the document (a)"]
    with pytest.raises(Failure, match=r"no node pve9; it has pve1, pve2, pve3\..*O\(nodes\)"):
        read(sandbox, nodes=["pve1", "pve9"])


def test_cluster_without_guests_and_without_a_name(serve, recorded):
    recorded.update(guests=[], pools=[], ha={"resources": [], "rules": []}, nodes=recorded["nodes"][:1])
    recorded["cluster"] = {"name": None}
    document = read(serve(recorded))
    assert (document["cluster"], document["guests"], document["quorate"]) == ("pve1", [], True)
    assert document["nodes"][0]["ha_state"] is None
    assert document["problems"] == []


def test_cluster_without_quorum_is_read_and_says_so(serve, recorded):
    sandbox = serve(recorded)
    sandbox.command(["node_down", "pve1"])
    document = read(sandbox, client=Asking(sandbox, api_host=options(sandbox)["api_host"][:1], max_retries=0))
    assert document["quorate"] is False


def test_disks_on_storage_of_the_nodes_own(serve, recorded):
    recorded["storages"].append(
        {"storage": "thin", "type": "lvmthin", "content": "images,rootdir", "vgname": "v", "thinpool": "t", "total": 100 * GIB}
    )
    recorded["guests"][0]["config"]["rootfs"] = "thin:vm-101-disk-0,size=6G"
    document = read(serve(recorded))
    assert by_id(document)["lxc/101"]["disks"] == [{"storage": "thin", "bytes": 6 * GIB}]
    assert by_name(document)["pve1"]["storages"]["thin"]["shared"] is False


def test_guests_whose_disks_are_not_known_stay(serve, recorded):
    sandbox = serve(recorded)
    with sandbox.world.lock:
        sandbox.faults.set([{"fault": "error", "path": "/nodes/pve2/storage/local/content", "reason": "got timeout"}])
    document = read(sandbox, client=Asking(sandbox, max_retries=1))
    assert "Disks on local of pve2 are not known" in document["problems"][0]
    assert by_id(document)["lxc/103"]["unmovable_because"] == ["may have disks on local (not read)"]
    assert by_id(document)["lxc/101"]["movable"] is True


def test_never_more_than_four_calls_per_node(serve, recorded):
    for number in range(6):
        recorded["storages"].append(
            {"storage": f"thin{number}", "type": "lvmthin", "content": "images", "vgname": "v", "thinpool": "t", "total": GIB}
        )
    sandbox = serve(recorded)
    asked = []
    client = Asking(sandbox)
    once = client._once
    client._once = lambda connection, method, path, params: asked.append(path) or once(connection, method, path, params)
    document = read(sandbox, client=client)
    for node in ("pve1", "pve2", "pve3"):
        assert len([path for path in asked if path.startswith(f"/nodes/{node}/")]) == 4
    assert not any("lxc/" in path or "qemu/" in path for path in asked)
    reasons = by_id(document)["lxc/101"]["unmovable_because"]
    assert reasons
    assert all("more than 3 storages" in reason for reason in reasons)


def test_node_that_dies_meanwhile_is_a_problem_and_no_failure(serve, recorded):
    sandbox = serve(recorded)
    with sandbox.world.lock:
        sandbox.faults.set([{"fault": "error", "path": "/nodes/pve3/.*", "status": 595, "reason": "No route to host"}])
    document = read(sandbox, client=Asking(sandbox, max_retries=0))
    assert len([text for text in document["problems"] if "pve3" in text]) == 2
    assert by_id(document)["lxc/107"]["movable"] is False


def test_api_that_goes_away_meanwhile_ends_the_reading(serve, recorded):
    sandbox = serve(recorded)
    client = Asking(sandbox, max_retries=0)
    once = client._once

    def going(connection, method, path, params):
        if path.endswith("/rrddata"):
            for node in sandbox.bases:
                sandbox.command(["api_down", node])
        return once(connection, method, path, params)

    client._once = going
    with pytest.raises(Failure) as raised:
        read(sandbox, client=client, parallel=1)
    assert raised.value.kind in ("unreachable",)


def test_difference_of_clocks_is_told(serve, recorded):
    sandbox = serve(recorded)
    document = read(sandbox, clock=lambda: sandbox.world.now() - 90)
    assert document["api_skew"] in (90, 91)
    assert document["observed_at"] == int(sandbox.world.now() - 90)


@pytest.mark.parametrize(
    ("more", "option"),
    [
        ({"reserve": {"cpu": -1}}, "O(reserve)"),
        ({"reserves": {"pve1": {"disk": 1}}}, "O(reserves.pve1)"),
        ({"reserves": {"pve1": 3}}, "O(reserves.pve1)"),
        ({"link_bytes_per_second": 0.0}, "O(link_bytes_per_second)"),
        ({"link_bytes_per_second": float("nan")}, "O(link_bytes_per_second)"),
        ({"links": {"pve1": "fast"}}, "O(links.pve1)"),
        ({"parallel": 0}, "O(parallel)"),
        ({"parallel": 11}, "O(parallel)"),
    ],
)
def test_options_that_make_no_sense(serve, recorded, more, option):
    with pytest.raises(Failure) as raised:
        read(serve(recorded), **more)
    assert option in str(raised.value)
