"""A health check: Compose's `healthcheck`, Engine API HealthConfig. Containers and Swarm services share it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, cast

from provisioner.kinds import values

if TYPE_CHECKING:
    from provisioner.model.edges import EngineBody
    from provisioner.model.specs import Healthcheck


_DURATIONS = {
    "interval": "Interval", "timeout": "Timeout", "start_period": "StartPeriod", "start_interval": "StartInterval",
}  # fmt: skip


_NO_CHECK = ["NONE"]


class CheckTimes(NamedTuple):
    """How a health check is run: seconds, and how many bad results in a row make it fail."""

    start_period: float
    interval: float
    timeout: float
    retries: int


def check_times(check: Healthcheck | None) -> CheckTimes:
    """The times of a parsed check, the Engine's defaults for what it leaves open (HealthConfig, API 1.41)."""
    check = check or {}
    said = check.get("start_period", "0s"), check.get("interval", "30s"), check.get("timeout", "30s")
    start, interval, timeout = (values.nanoseconds(duration) / 1e9 for duration in said)
    return CheckTimes(start, interval, timeout, check.get("retries", 3))


def parse(check: Any) -> Healthcheck | None:
    """The health check of a canonical body; None where there is none. An option of zero is the image's."""
    if not check:
        return None
    if check.get("disable"):
        return {"test": _NO_CHECK}
    result: dict[str, str | int | list[str]] = {
        key: values.same_duration(check[key]) for key in _DURATIONS if check.get(key) and _lasts(check[key])
    }
    if check.get("test"):
        result["test"] = check["test"] if isinstance(check["test"], list) else ["CMD-SHELL", check["test"]]
    if check.get("retries"):
        result["retries"] = int(check["retries"])
    return _complete(cast("Healthcheck", result))


def is_off(check: Healthcheck) -> bool:
    """Whether a check says that there is none, whatever the image has."""
    return bool(check.get("test") == _NO_CHECK)


def _lasts(duration: str) -> bool:
    return values.nanoseconds(duration) != 0


def _complete(check: Healthcheck) -> Healthcheck | None:
    """A check in its one form: one that is switched off has no options, whatever an engine keeps of the image's."""
    return {"test": _NO_CHECK} if is_off(check) else check or None


def beyond_image(check: Healthcheck | None, image: Healthcheck | None) -> Healthcheck | None:
    """A check completed with its image's, as the engine does it; None where that gives just the image's.

    `check` and `image` are decoded checks, or None.
    """
    completed = _complete({**image, **check}) if check and image and not is_off(check) else check
    return None if completed == image else completed


def encode(check: Healthcheck) -> EngineBody:
    """The HealthConfig, durations in nanoseconds."""
    result: EngineBody = {"Test": check["test"]} if check.get("test") else {}
    for key, duration in check.items():
        if key in _DURATIONS:
            result[_DURATIONS[key]] = values.nanoseconds(str(duration))
    if "retries" in check:
        result["Retries"] = check["retries"]
    return result


def decode(check: Any) -> Healthcheck | None:
    """The health check from a HealthConfig."""
    if not check:
        return None
    result: dict[str, str | int | list[str]] = {"test": check["Test"]} if check.get("Test") else {}
    for key, api in _DURATIONS.items():
        if check.get(api):
            result[key] = values.duration(check[api])
    if check.get("Retries"):
        result["retries"] = check["Retries"]
    return _complete(cast("Healthcheck", result))
