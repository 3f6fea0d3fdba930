"""A health check: Compose's `healthcheck`, Engine API HealthConfig. Containers and Swarm services share it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from provisioner.kinds import values

if TYPE_CHECKING:
    from collections.abc import Mapping

    from provisioner.kinds.fields import Raw


_DURATIONS = (
    ("interval", "Interval"),
    ("timeout", "Timeout"),
    ("start_period", "StartPeriod"),
    ("start_interval", "StartInterval"),
)


_NO_CHECK = ["NONE"]


class CheckTimes(NamedTuple):
    """How a health check is run: seconds, and how many bad results in a row make it fail."""

    start_period: float
    interval: float
    timeout: float
    retries: int


def check_times(check: Mapping[str, Any] | None) -> CheckTimes:
    """The times of a parsed check, the Engine's defaults for what it leaves open (HealthConfig, API 1.41)."""
    check = check or {}
    defaults = (("start_period", "0s"), ("interval", "30s"), ("timeout", "30s"))
    start, interval, timeout = (values.nanoseconds(check.get(key, default)) / 1e9 for key, default in defaults)
    return CheckTimes(start, interval, timeout, int(check.get("retries", 3)))


def parse(check: Any) -> Any:
    """The health check of a canonical body; None where there is none. An option of zero is the image's."""
    if not check:
        return None
    if check.get("disable"):
        return {"test": _NO_CHECK}
    result: dict[str, Any] = {
        key: values.same_duration(check[key]) for key, _ in _DURATIONS if check.get(key) and _lasts(check[key])
    }
    if check.get("test"):
        result["test"] = check["test"] if isinstance(check["test"], list) else ["CMD-SHELL", check["test"]]
    if check.get("retries"):
        result["retries"] = int(check["retries"])
    return _complete(result)


def is_off(check: dict[str, Any]) -> bool:
    """Whether a check says that there is none, whatever the image has."""
    return bool(check.get("test") == _NO_CHECK)


def _lasts(duration: str) -> bool:
    return values.nanoseconds(duration) != 0


def _complete(check: dict[str, Any]) -> Any:
    """A check in its one form: one that is switched off has no options, whatever an engine keeps of the image's."""
    return {"test": _NO_CHECK} if is_off(check) else check or None


def beyond_image(check: Any, image: Any) -> Any:
    """A check completed with its image's, as the engine does it; None where that gives just the image's.

    `check` and `image` are decoded checks, or None.
    """
    completed = _complete({**image, **check}) if check and image and not is_off(check) else check
    return None if completed == image else completed


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
    return _complete(result)
