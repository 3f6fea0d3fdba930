"""A health check: Compose's `healthcheck`, Engine API HealthConfig. Containers and Swarm services share it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from provisioner.kinds import values

if TYPE_CHECKING:
    from provisioner.kinds.fields import Raw


_DURATIONS = (
    ("interval", "Interval"),
    ("timeout", "Timeout"),
    ("start_period", "StartPeriod"),
    ("start_interval", "StartInterval"),
)


def parse(check: Any) -> Any:
    """The health check of a canonical body; None where there is none."""
    if not check:
        return None
    if check.get("disable"):
        return {"test": ["NONE"]}
    result: dict[str, Any] = {key: check[key] for key, _ in _DURATIONS if check.get(key) not in (None, "", "0s")}
    if check.get("test"):
        result["test"] = check["test"] if isinstance(check["test"], list) else ["CMD-SHELL", check["test"]]
    if check.get("retries"):
        result["retries"] = int(check["retries"])
    return result or None


def encode(check: dict[str, Any]) -> Raw:
    """The HealthConfig, durations in nanoseconds."""
    result: Raw = {"Test": check["test"]} if check.get("test") else {}
    for key, api in _DURATIONS:
        if key in check:
            result[api] = values.nanoseconds(check[key])
    if "retries" in check:
        result["Retries"] = check["retries"]
    return result


def decode(check: Any) -> Any:
    """The health check from a HealthConfig."""
    if not check:
        return None
    result: dict[str, Any] = {"test": check["Test"]} if check.get("Test") else {}
    for key, api in _DURATIONS:
        if check.get(api):
            result[key] = values.duration(check[api])
    if check.get("Retries"):
        result["retries"] = check["Retries"]
    return result or None
