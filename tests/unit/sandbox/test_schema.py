"""Parameters are judged as the real server judges them: the order of checks, and its sentences."""

from __future__ import annotations

import pytest
import requests

from sandbox import api, routes, schema
from sandbox.errors import BadParameters
from sandbox.properties import PropertyError, join_properties, parse_properties, split_properties
from support.sandbox_client import ROOT, Client

VM = ("PUT", "/nodes/{node}/qemu/{vmid}/config")
CT = ("PUT", "/nodes/{node}/lxc/{vmid}/config")
PLACE = {"node": "pve1", "vmid": "100"}


def errors(method: tuple[str, str], **given: str) -> dict[str, str]:
    facts = schema.load()
    values = {name.replace("__", "-"): value for name, value in given.items()}
    try:
        facts.verify(facts.methods[method], PLACE | values if "{vmid}" in method[1] else values)
    except BadParameters as error:
        return error.errors or {}
    return {}


@pytest.mark.parametrize(
    ("method", "name", "value", "text"),
    [
        (VM, "cores", "0", "value must have a minimum value of 1"),
        (VM, "cores", "1.0", "type check ('integer') failed - got '1.0'"),
        (VM, "cpulimit", "129", "value must have a maximum value of 128"),
        (VM, "memory", "8", "invalid format - format error\nmemory.current: value must have a minimum value of 16\n"),
        (VM, "memory", "current=x", "invalid format - format error\nmemory.current: type check ('integer') failed - got 'x'\n"),
        (VM, "memory", "512,512", "invalid format - duplicate key in comma-separated list property: current\n"),
        (VM, "agent", "1,bogus=1", "invalid format - invalid key in comma-separated list property: bogus\n"),
        (VM, "agent", "=1", "invalid format - missing key in comma-separated list property\n"),
        (VM, "onboot", "yes", "type check ('boolean') failed - got 'yes'"),
        (VM, "name", "a_b", "invalid format - value does not look like a valid DNS name\n"),
        (VM, "hotplug", "disk,fire", "invalid format - invalid hotplug feature 'fire'\n"),
        (VM, "scsi0", "nonsense", "invalid format - format error\nscsi0.file: invalid format - unable to parse volume ID 'nonsense'\n\n"),
        (VM, "scsi31", "local:1", "property is not defined in schema and the schema does not allow additional properties"),
        (VM, "scsi01", "local:1", "property is not defined in schema and the schema does not allow additional properties"),
        (VM, "boot", "xyz", "invalid format - format error\nboot.legacy: value does not match the regex pattern\n"),
        (VM, "boot", "order=scsi0;floppy", "invalid format - format error\nboot.order: invalid format - invalid boot device 'floppy'\n\n"),
        (VM, "ipconfig0", "gw=10.0.0.1", "invalid format - format error\nipconfig0.ip: missing property required by 'gw'\n"),
        (VM, "digest", "x" * 41, "value may only be 40 characters long"),
        (VM, "vmgenid", "x", "value does not match the regex pattern"),
        (VM, "affinity", "0-", "invalid format - unable to parse cpuset option\n"),
        (VM, "bootdisk", "net0", "invalid format - invalid boot disk 'net0'\n"),
        (VM, "nameserver", "10.0.0.1 a_b", "invalid format - value does not look like a valid address: a_b\n"),
        (
            VM,
            "watchdog",
            "dog",
            "invalid format - format error\nwatchdog.model: value 'dog' does not have a value in the enumeration 'i6300esb, ib700'\n",
        ),
        (VM, "rng0", "max_bytes=1", "invalid format - format error\nrng0.source: property is missing and it is not optional\n"),
        (VM, "smbios1", "uuid=1", "invalid format - format error\nsmbios1.uuid: value does not match the regex pattern\n"),
        (VM, "agent", "freeze-fs=1,guest-fsfreeze=0", "invalid format - key 'freeze-fs' is already defined (via alias)\n"),
        (CT, "nameserver", "10.0.0.256", "invalid format - value does not look like a valid IP address\n"),
        (CT, "timezone", "Mars/Olympus", "invalid format - invalid time zone 'Mars/Olympus'\n"),
        (
            CT,
            "mp0",
            "local:1,mp=/a/../b",
            "invalid format - format error\nmp0.mp: invalid format - /a/../b contains illegal character sequences\n\n",
        ),
        (
            CT,
            "net0",
            "name=eth0,ip=10.0.0.1/7",
            "invalid format - format error\nnet0.ip: invalid format - value does not look like a valid ipv4 network configuration\n\n",
        ),
        (
            ("POST", "/nodes/{node}/lxc/{vmid}/migrate"),
            "target-storage",
            "x",
            "invalid format - entry 'x' contains invalid ID - storage ID 'x' cannot be shorter than 2 characters\n\n\n",
        ),
        (("PUT", "/cluster/options"), "mac_prefix", "01:24:11", "invalid format - value is not a valid unicast MAC address prefix\n"),
        (("PUT", "/cluster/options"), "email_from", "nobody", "invalid format - value does not look like a valid email address\n"),
        (
            CT,
            "net0",
            "name=eth0,hwaddr=01:00:00:00:00:00",
            "invalid format - format error\nnet0.hwaddr: invalid format - value does not look like a valid unicast MAC address\n\n",
        ),
        (CT, "net0", "bridge=vmbr0", "invalid format - format error\nnet0.name: property is missing and it is not optional\n"),
        (
            CT,
            "net0",
            "name=eth0,ip=10.0.0.1",
            "invalid format - format error\nnet0.ip: invalid format - value does not look like a valid ipv4 network configuration\n\n",
        ),
        (
            CT,
            "features",
            "nesting=perhaps",
            "invalid format - format error\nfeatures.nesting: type check ('boolean') failed - got 'perhaps'\n",
        ),
        (CT, "swap", "-1", "value must have a minimum value of 0"),
        (CT, "tags", "ok;-bad", "invalid format - invalid characters in tag\n"),
        (CT, "startup", "order=x", "invalid format - unable to parse startup options\n"),
        (("GET", "/nodes/{node}/storage"), "storage", "x", "invalid format - storage ID 'x' cannot be shorter than 2 characters\n"),
        (("GET", "/nodes/{node}/storage"), "storage", "9x", "invalid format - storage ID '9x' contains illegal characters\n"),
        (("POST", "/nodes/{node}/lxc"), "password", "1234", "value must be at least 5 characters long"),
        (
            ("POST", "/nodes/{node}/qemu/{vmid}/migrate"),
            "migration_network",
            "10.0.0.0",
            "invalid format - value does not look like a valid CIDR network\n",
        ),
    ],
)
def test_refused_values(method: tuple[str, str], name: str, value: str, text: str) -> None:
    assert errors(method, **{name.replace("-", "__"): value})[name] == text


@pytest.mark.parametrize(
    ("method", "given"),
    [
        (VM, {"net0": "virtio=BC:24:11:00:00:01,bridge=vmbr0,firewall=1"}),
        (VM, {"net0": "model=e1000,bridge=vmbr0"}),
        (VM, {"scsi0": "local:8,ssd=on,discard=on"}),
        (VM, {"ide2": "none,media=cdrom"}),
        (VM, {"tags": ""}),
        (VM, {"boot": "order=scsi0;net0"}),
        (VM, {"boot": "cdn"}),
        (VM, {"ipconfig0": "ip=10.0.0.2/24,gw=10.0.0.1"}),
        (VM, {"hotplug": "0"}),
        (VM, {"agent": "yes"}),
        (VM, {"affinity": "0-2,5"}),
        (CT, {"nameserver": "fe80::1%eth0 10.0.0.1", "timezone": "Europe/Vienna"}),
        (CT, {"net0": "name=eth0,bridge=vmbr0,ip=dhcp,ip6=auto"}),
        (CT, {"mp0": "local:4,mp=/data,backup=1"}),
        (CT, {"cpulimit": "0.5", "cores": "+4"}),
    ],
)
def test_good_values(method: tuple[str, str], given: dict[str, str]) -> None:
    assert errors(method, **given) == {}


def test_all_parameters_are_judged_and_what_is_missing_is_told() -> None:
    assert errors(("POST", "/access/ticket"), username="x" * 65, path="/") == {
        "username": "value may only be 64 characters long",
        "password": "property is missing and it is not optional",
        "privs": "missing property required by 'path'",
    }


def test_a_rules_own_options_are_named_with_its_type() -> None:
    method = ("POST", "/cluster/ha/rules")
    assert errors(method, type="resource-affinity", rule="apart", resources="ct:1,ct:2") == {
        "oneOf[resource-affinity].affinity": "property is missing and it is not optional"
    }
    assert errors(method, type="resource-affinity", rule="apart", resources="ct:1,ct:2", affinity="negative") == {}


def test_every_method_of_the_schema_has_a_handler_and_no_other() -> None:
    routes.register()
    assert set(api.HANDLERS) == set(schema.load().methods)


def test_property_strings() -> None:
    form = {"volume": {"type": "string", "default_key": 1}, "size": {"type": "string"}, "ro": {"type": "boolean"}}
    assert parse_properties(form, "a:b,size=8G,ro=yes") == {"volume": "a:b", "size": "8G", "ro": "1"}
    assert join_properties({"size": "8G", "volume": "a:b"}, "volume") == "a:b,size=8G"
    assert split_properties("a:b,size=8G", "volume") == {"volume": "a:b", "size": "8G"}
    with pytest.raises(PropertyError, match="invalid key"):
        parse_properties(form, "a:b,other=1")


def test_a_path_parameter_may_be_repeated_only_with_its_value(client: Client) -> None:
    assert client.ask("GET", "/nodes/pve1/lxc/101/config", vmid=101).status == 200
    answer = client.ask("GET", "/nodes/pve1/lxc/101/config", vmid=102)
    assert answer.status == 400
    assert answer.errors == {"vmid": "duplicate parameter (already defined in URI) with conflicting values!"}
    assert (
        client.ask("PUT", "/nodes/pve1/lxc/101/config", body={"node": "pve2", "cores": 1}).errors["node"].startswith("duplicate parameter")
    )


def test_the_query_wins_over_the_body(client: Client) -> None:
    assert client.ask("PUT", "/nodes/pve1/lxc/101/config", body={"cores": 3}, cores=4).status == 200
    assert client.get("/nodes/pve1/lxc/101/config")["cores"] == 4


def test_a_parameter_sent_several_times_is_a_list_only_where_words_are_listed(client: Client) -> None:
    assert client.ask("PUT", "/nodes/pve1/lxc/101/config", body={"tags": ["web", "b"]}).status == 200
    assert client.get("/nodes/pve1/lxc/101/config")["tags"] == "b;web"
    answer = client.ask("PUT", "/nodes/pve1/lxc/101/config", body={"hostname": ["a", "b"]})
    assert answer.errors == {"hostname": "type check ('string') failed - got ARRAY"}


def test_the_order_of_checks(client: Client) -> None:
    def reason(method: str, path: str, token: str, **query: str) -> tuple[int, str]:
        answer = Client(client.sandbox, token=token).ask(method, path, **query)
        return answer.status, answer.reason

    one = "one@pve!tok=66666666-6666-6666-6666-666666666666"
    client.sandbox.command(["api_down", "pve3"])
    assert reason("GET", "/nope", "one@pve!tok=wrong") == (401, "Authentication failed!")
    assert reason("GET", "/nope", one) == (501, "Method 'GET /nope' not implemented")
    assert reason("GET", "/nodes/pve3/status", one) == (403, "Permission check failed (/nodes/pve3, Sys.Audit)")
    assert reason("GET", "/nodes/pve3/lxc", one, bogus="1") == (595, "Connection refused")
    assert reason("GET", "/nodes/nope/lxc", one, bogus="1")[0] == 500
    assert reason("GET", "/nodes/pve2/lxc", one, bogus="1")[0] == 400


def test_bodies_are_read_late_and_only_where_they_count(client: Client) -> None:
    url = client.sandbox.bases["pve1"] + "/api2/json/nodes/pve1/lxc/101/config"
    token = {"Authorization": f"PVEAPIToken={ROOT}", "Content-Type": "application/json"}

    def send(method: str, headers: dict[str, str], data: str) -> requests.Response:
        return requests.request(method, url, data=data, headers=headers, verify=client.sandbox.ca, timeout=20)

    assert send("PUT", {"Content-Type": "application/json"}, "{broken").status_code == 401
    broken = send("PUT", token, "{broken")
    assert (broken.status_code, broken.headers.get("Content-Type"), broken.text[:21]) == (500, None, "malformed JSON string")
    assert send("PUT", token, '{"cores": 3, "onboot": true, "tags": null}').status_code == 200
    assert send("PUT", token, '{"tags": {"a": 1}}').json()["errors"] == {"tags": "type check ('string') failed - got HASH"}
    assert send("PUT", token, '{"cores": true}').json()["errors"] == {"cores": "type check ('integer') failed - got JSON::PP::Boolean"}
    for method in ("GET", "DELETE"):
        refused = send(method, token, '{"bogus": 1}')
        assert (refused.status_code, refused.reason) == (501, f"Unexpected content for method '{method}'")
    media = send("PUT", token | {"Content-Type": "text/plain"}, "cores=1")
    assert (media.status_code, media.reason) == (506, "upload 'Content-Type 'text/plain' not implemented")
    assert (send("PATCH", token, "").status_code, send("OPTIONS", token, "").reason) == (501, "method 'OPTIONS' not available")
    config = client.get("/nodes/pve1/lxc/101/config")
    assert (config["cores"], config["onboot"], config["tags"]) == (3, 1, "prod;web")


def test_doubled_slashes_count_for_nothing(client: Client) -> None:
    assert client.ask("GET", "//nodes//pve1/lxc/").status == 200
    assert client.ask("GET", "/").status == 501


def test_a_parameter_against_caches_counts_for_nothing(client: Client) -> None:
    assert client.ask("GET", "/version", _dc=1).status == 200


def test_a_token_makes_no_tickets(client: Client) -> None:
    answer = client.ask("POST", "/access/ticket", body={"username": "ops@pve", "password": "secret12"})
    assert answer.status == 403
    assert answer.reason == "Permission check failed (URI '/access/ticket' not available with API token, need proper ticket."
