"""`provision engine`: prepare an engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from provisioner.cli.command import TOOLS, Command
from provisioner.cli.group import Group
from provisioner.cli.options import json_option, target_argument

if TYPE_CHECKING:
    from provisioner.app.engine import Swarm
    from provisioner.cli.settings import Settings


@click.command(
    "init",
    cls=Command,
    purpose=TOOLS,
    short_help="Make the engine a Swarm of one node; done before is done.",
    examples=(
        ("provision engine init", "the engine of this machine; no other machine can join"),
        ("provision --host ssh://prod engine init --advertise-addr 10.0.0.5", "one that others can join later"),
    ),
    see="`docker swarm leave --force` takes it back, with every service, secret and config of that Swarm.",
)
@target_argument
@click.option("--advertise-addr", "advertise", metavar="ADDRESS", help="Where other machines reach this manager.")
@json_option
@click.pass_obj
def init(settings: Settings, target: str | None, advertise: str | None, as_json: bool) -> int:
    """Make the engine the manager of a new Swarm of one node, which services and Docker secrets need.

    Containers that run are not touched. Without --advertise-addr the Swarm listens on loopback only. An engine that is
    a manager already stays as it is. With TARGET it is the engine that the playbook names.
    """
    request = settings.optional_request(target, search=False)
    from provisioner.app.engine import init_swarm

    swarm = init_swarm(request, advertise)
    out = settings.out()
    if as_json:
        out.write_json(_json(swarm))
        return 0
    done = out.paint.green("is now the manager of a new Swarm") if swarm.made else "is a Swarm manager already"
    nodes = "1 node" if swarm.nodes == 1 else f"{swarm.nodes} nodes"
    out.write_folded(f"{swarm.engine} {done}: node {swarm.node}, {swarm.address}, {nodes}.\n")
    if swarm.ipvs is False:
        err = settings.err()
        err.write_folded(
            f"{err.paint.yellow('warning:')} this kernel has no IPVS: services with a virtual address, and ports "
            "published through ingress, hang\n  say `deploy: {endpoint_mode: dnsrr}`, and publish ports with "
            "`mode: host`\n"
        )
    return 0


command = Group(
    "engine",
    purpose=TOOLS,
    members=(init,),
    help="Prepare an engine for playbooks.",
    short_help="init: make the engine a Swarm of one node.",
    examples=(("provision engine init", "a Swarm of one node"),),
)


def _json(swarm: Swarm) -> dict[str, object]:
    return {
        "format_version": 1,
        "engine": swarm.engine,
        "made": swarm.made,
        "node": swarm.node,
        "address": swarm.address,
        "nodes": swarm.nodes,
        "ipvs": swarm.ipvs,
    }
