"""One environment on a Swarm: its files, the command as a user runs it, and what the Swarm holds of it."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.engine.environment import Environment, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# A service that starts at once, stops at once, and whose updates are watched for a tenth of a second.
QUICK: dict[str, Any] = {
    "image": "busybox:1.36",
    "command": ["sleep", "infinity"],
    "stop_signal": "SIGKILL",
    "deploy": {"endpoint_mode": "dnsrr", "update_config": {"monitor": "100ms"}},
}
FOLLOW = "another version now"


def service(deploy: Mapping[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """A quick service with further keys; what is said under `deploy` is added to its own."""
    return {**QUICK, **more, "deploy": {**QUICK["deploy"], **(deploy or {})}}


@dataclass
class SwarmEnvironment(Environment):
    """The engine is a manager, and every playbook asks for Swarm."""

    def write(self, playbook: Mapping[str, Any] | str, name: str = "compose.yaml") -> None:
        if not isinstance(playbook, str):
            playbook = {"engine": {"mode": "swarm"}, **playbook}
        super().write(playbook, name)

    def run(self, *arguments: str, timeout: float = 400, **variables: str) -> Outcome:
        return super().run(*arguments, timeout=timeout, **variables)

    def service(self, name: str) -> dict[str, Any]:
        """The inspection of one service by its key."""
        found: dict[str, Any] = self.engine.api.inspect_service(f"{self.project}_{name}")
        return found

    def tasks(self, name: str, state: str = "running") -> list[dict[str, Any]]:
        """Its tasks in a state."""
        services = self.engine.api.services(filters={"name": f"{self.project}_{name}"})
        found = self.engine.api.tasks(filters={"service": [one["ID"] for one in services]}) if services else []
        return [one for one in found if one["Status"]["State"] == state]

    def unsettled(self, name: str) -> bool:
        """Whether an update of a service is under way."""
        state = (self.service(name).get("UpdateStatus") or {}).get("State")
        return state in ("updating", "rollback_started")

    def files(self, kind: str, key: str) -> list[str]:
        """The names of the versions of a config or secret, oldest first."""
        listed = self.engine.api.configs() if kind == "config" else self.engine.api.secrets()
        mine = [one for one in listed if one["Spec"]["Name"].startswith(f"{self.project}_{key}.")]
        return [one["Spec"]["Name"] for one in sorted(mine, key=lambda one: str(one["CreatedAt"]))]

    def output(self, name: str, *command: str) -> bytes:
        """What a command in the one running task of a service says."""
        [task] = self.tasks(name)
        container = self.engine.containers.get(task["Status"]["ContainerStatus"]["ContainerID"])
        result = container.exec_run(list(command))
        assert result.exit_code == 0, result.output
        return bytes(result.output)

    def update_by_hand(self, name: str, change: Callable[[dict[str, Any]], object]) -> None:
        """What `docker service update` does: send the spec back with something changed."""
        raw = self.service(name)
        spec = raw["Spec"]
        change(spec)
        api = self.engine.api
        answer = api._post_json(
            api._url("/services/{0}/update", raw["ID"]), data=spec, params={"version": raw["Version"]["Index"]}
        )
        answer.raise_for_status()

    def roll_back_by_hand(self, name: str) -> None:
        """What `docker service rollback` does."""
        raw = self.service(name)
        api = self.engine.api
        url = api._url("/services/{0}/update", raw["ID"])
        parameters = {"version": raw["Version"]["Index"], "rollback": "previous"}
        api._post_json(url, data=raw["Spec"], params=parameters).raise_for_status()

    def inventory(self) -> dict[str, tuple[str, ...]]:
        found = super().inventory()
        api = self.engine.api
        for kind, listed in (("service", api.services()), ("config", api.configs()), ("secret", api.secrets())):
            for one in listed:
                name = one["Spec"]["Name"]
                if self._ours(name, one["Spec"].get("Labels")) and not name.endswith(".lease"):
                    found[f"{kind} {name}"] = (one["ID"], str(one["Version"]["Index"]))
        return found

    def wait_until(self, holds: Callable[[], bool], within: float = 30.0) -> None:
        deadline = time.monotonic() + within
        while not holds():
            assert time.monotonic() < deadline
            time.sleep(0.1)


def paths(plan: Mapping[str, Any]) -> dict[str, list[str]]:
    """The fields that differ, by address."""
    return {
        change["address"]: [one["path"] for one in change["differences"]]
        for change in plan["changes"]
        if change["differences"]
    }


def plan_of(text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text)
    return found
