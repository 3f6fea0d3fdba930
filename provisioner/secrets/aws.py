"""The tier `aws`: AWS Secrets Manager, read through boto3's standard credential chain. The only importer of boto3.

Reads in batches, compares versions first, caches nothing, writes nothing. Knows nothing of the other tiers.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import time
from collections import defaultdict
from dataclasses import field
from typing import TYPE_CHECKING, Any

from provisioner.errors import SecretUnavailable, Unreachable
from provisioner.model.dataclass import dataclass
from provisioner.model.secret import Found, Held, Missing, Resolution, SecretRef, SecretValue
from provisioner.secrets import aws_reference
from provisioner.secrets.aws_errors import NOT_SET_UP, refusal, translated
from provisioner.secrets.aws_reference import CURRENT, AwsReference
from provisioner.secrets.deadline import within
from provisioner.secrets.tier_context import Tier

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

# AWS takes at most twenty ids in one request; more pages than ids means that a server repeats itself.
BATCH = 20
_PAGES = 2 * BATCH
# What these log at DEBUG holds the values themselves.
_TALKATIVE = ("boto3", "botocore", "urllib3")


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds to connect, to wait for each read, and for everything together; attempts per request."""

    connect: float = 5.0
    read: float = 10.0
    total: float = 30.0
    attempts: int = 4


@dataclass(frozen=True, slots=True)
class _Version:
    """One version of one secret as AWS sent it."""

    value: bytes | None = field(repr=False)
    text: str | None = field(repr=False)
    version: str
    created: float | None


@dataclass(slots=True)
class AwsTier:
    """Secrets by their `aws` reference. `held` has what the engine holds from an earlier apply: when AWS's current
    version is still that one, it is not fetched.

    Raises `Unreachable` when AWS does not answer, throttles or answers with something else, and `SecretUnavailable`
    when it denies; only its definite "no such secret" is `Missing`.
    """

    held: Mapping[str, Held] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    tier: str = field(default="aws", init=False)
    remote: bool = field(default=True, init=False)
    _warnings: tuple[str, ...] = field(default=(), init=False)

    def fetch(self, refs: Sequence[SecretRef]) -> Mapping[SecretRef, Resolution]:
        """Ask for all refs within the total deadline."""
        wanted = {ref: _parsed(ref) for ref in refs}
        self._warnings = tuple(
            f"secret {ref.key}: AWS may take {reference.id} for a part of an ARN; use the whole ARN"
            for ref, reference in wanted.items()
            if reference.is_ambiguous
        )
        deadline = time.monotonic() + self.limits.total
        try:
            return within(self.limits.total, lambda: self._answers(wanted, deadline))
        except TimeoutError:
            why = f"did not answer within {self.limits.total:g} s"
        raise Unreachable(f"{_names(refs)}: AWS Secrets Manager {why}", hint="check the network and try again")

    def warnings(self) -> Sequence[str]:
        return self._warnings

    def _answers(self, wanted: Mapping[SecretRef, AwsReference], deadline: float) -> Mapping[SecretRef, Resolution]:
        clients = _Clients(self.limits, deadline)
        regions: dict[str | None, list[SecretRef]] = defaultdict(list)
        for ref, reference in wanted.items():
            regions[reference.region].append(ref)
        answers: dict[SecretRef, Resolution] = {}
        refused: list[SecretUnavailable] = []
        for region, group in regions.items():
            client = clients.open(region, group)
            if isinstance(client, Missing):
                answers.update(dict.fromkeys(group, client))
                continue
            kept = dict(self._unchanged(client, {ref: wanted[ref] for ref in group}))
            answers.update(kept)
            with _collecting(refused):
                answers.update(_fetched(client, {ref: wanted[ref] for ref in group if ref not in kept}))
        if refused:
            raise _together(refused)
        return answers

    def _unchanged(
        self, client: _Client, wanted: Mapping[SecretRef, AwsReference]
    ) -> Iterator[tuple[SecretRef, Resolution]]:
        """What the engine already holds in the version that is current, without reading a value."""
        current: dict[str, str | None] = {}
        for ref, reference in wanted.items():
            held = self.held.get(ref.key)
            if held is None or held.tier != self.tier or not held.version or not reference.is_current:
                continue
            if reference.id not in current:
                described = client.ask((ref,), "describe_secret", SecretId=reference.id)
                stages = (described or {}).get("VersionIdsToStages") or {}
                current[reference.id] = next(
                    (version_id for version_id, names in stages.items() if CURRENT in names), None
                )
            version = current[reference.id]
            if version and reference.tag(version) == held.version:
                yield ref, held


@dataclass(frozen=True, slots=True)
class _Client:
    """A boto3 client that asks on behalf of some secrets, within the deadline."""

    boto: Any
    deadline: float

    def ask(self, refs: Sequence[SecretRef], operation: str, **arguments: Any) -> dict[str, Any] | None:
        """The answer, or None for a definite "no such secret"."""
        names = _names(refs)
        if time.monotonic() > self.deadline:
            raise Unreachable(f"{names}: no time was left to ask AWS Secrets Manager")
        call: Callable[..., Any] = getattr(self.boto, operation)
        answer, problem = _called(call, arguments)
        if problem is not None:
            translation = translated(problem, names)
            if translation is None:
                return None
            raise translation
        if not isinstance(answer, dict):
            raise _strange(names)
        return answer


@dataclass(slots=True)
class _Clients:
    limits: Limits
    deadline: float
    _session: Any = None

    def open(self, region: str | None, refs: Sequence[SecretRef]) -> _Client | Missing:
        """A client for a region (None: the configured one).

        An AWS that is not set up at all is `Missing`, unless the playbook itself asks for it.
        """
        client, problem = _called(self._client, {"region": region})
        if problem is None:
            return _Client(client, self.deadline)
        asking = [ref for ref in refs if ref.asks_aws]
        if not asking and type(problem).__name__ in NOT_SET_UP:
            return Missing((f"aws: not set up here ({NOT_SET_UP[type(problem).__name__]})",))
        names = _names(asking or refs)
        raise translated(problem, names) or _strange(names)

    def _client(self, region: str | None) -> Any:
        import boto3
        from botocore.config import Config
        from botocore.exceptions import NoCredentialsError, NoRegionError

        for name in _TALKATIVE:
            logging.getLogger(name).setLevel(logging.WARNING)
        if self._session is None:
            # boto3 itself reads AWS_DEFAULT_REGION only; everything else of AWS knows the shorter name too.
            self._session = boto3.session.Session(region_name=os.environ.get("AWS_REGION") or None)
        if self._session.get_credentials() is None:
            raise NoCredentialsError
        if region is None and self._session.region_name is None:
            raise NoRegionError
        config = Config(
            connect_timeout=self.limits.connect,
            read_timeout=self.limits.read,
            retries={"mode": "standard", "total_max_attempts": self.limits.attempts},
        )
        return self._session.client("secretsmanager", region_name=region, config=config)


def _called(call: Callable[..., Any], arguments: Mapping[str, Any]) -> tuple[Any, Exception | None]:
    """What a call returned or raised. Errors are told outside of `except`, so that none carries a response along."""
    try:
        return call(**arguments), None
    except Exception as error:
        return None, error.with_traceback(None)


def _fetched(client: _Client, wanted: Mapping[SecretRef, AwsReference]) -> Mapping[SecretRef, Resolution]:
    """Current versions in batches; a stage or a version by itself, since a batch can not name one."""
    current: dict[str, list[SecretRef]] = defaultdict(list)
    others: dict[AwsReference, list[SecretRef]] = defaultdict(list)
    for ref, reference in wanted.items():
        if reference.is_current:
            current[reference.id].append(ref)
        else:
            others[AwsReference(reference.id, reference.stage, reference.version)].append(ref)
    answers: dict[SecretRef, Resolution] = {}
    refused: list[SecretUnavailable] = []
    ids = sorted(current)
    for start in range(0, len(ids), BATCH):
        asked = {name: current[name] for name in ids[start : start + BATCH]}
        with _collecting(refused):
            for name, version in _batch(client, asked).items():
                answers.update((ref, _picked(ref, wanted[ref], version)) for ref in current[name])
    for reference, refs in others.items():
        which = {"VersionId": reference.version} if reference.version else {"VersionStage": reference.stage}
        with _collecting(refused):
            answer = client.ask(refs, "get_secret_value", SecretId=reference.id, **which)
            single = None if answer is None else _version(answer, _names(refs))
            answers.update((ref, _picked(ref, wanted[ref], single)) for ref in refs)
    if refused:
        raise _together(refused)
    return answers


@contextlib.contextmanager
def _collecting(refused: list[SecretUnavailable]) -> Iterator[None]:
    """Keep a refusal for later, so that all that are refused are told at once; what does not answer ends it."""
    try:
        yield
    except SecretUnavailable as problem:
        refused.append(problem)


def _batch(client: _Client, asked: Mapping[str, Sequence[SecretRef]]) -> Mapping[str, _Version | None]:
    """At most twenty ids in one request and its pages. Entries are matched by ARN or name, never by position."""
    refs = [ref for group in asked.values() for ref in group]
    versions: dict[str, _Version | None] = {}
    refused: list[SecretUnavailable | Unreachable] = []
    token: dict[str, str] = {}
    for _ in range(_PAGES):
        page = client.ask(refs, "batch_get_secret_value", SecretIdList=sorted(asked), **token)
        if page is None or not page.keys() & {"SecretValues", "Errors"}:
            raise _strange(_names(refs))
        if not isinstance(page.get("SecretValues", []), list):
            raise _strange(_names(refs))
        for entry in page.get("SecretValues", []):
            for name in {entry.get("ARN"), entry.get("Name")} & asked.keys():
                versions[name] = _version(entry, _names(asked[name]))
        for entry in page.get("Errors") or []:
            name = str(entry.get("SecretId"))
            problem = refusal(
                str(entry.get("ErrorCode")), str(entry.get("Message") or ""), _names(asked.get(name, refs))
            )
            if problem is not None:
                refused.append(problem)
            elif name in asked:
                versions[name] = None
        if not page.get("NextToken"):
            break
        token = {"NextToken": page["NextToken"]}
    if refused:
        raise _together(refused)
    unanswered = [ref for name, group in asked.items() if name not in versions for ref in group]
    if unanswered:
        raise Unreachable(f"{_names(unanswered)}: AWS Secrets Manager answered without saying anything of them")
    return versions


def _version(entry: Mapping[str, Any], names: str) -> _Version:
    text, binary = entry.get("SecretString"), entry.get("SecretBinary")
    if not isinstance(entry.get("VersionId"), str) or not (isinstance(text, str) or isinstance(binary, bytes)):
        raise _strange(names)
    moment = entry.get("CreatedDate")
    return _Version(binary, text, entry["VersionId"], moment.timestamp() if moment else None)


def _picked(ref: SecretRef, reference: AwsReference, version: _Version | None) -> Resolution:
    """The value that a reference means: the whole secret, or one key of its JSON."""
    if version is None:
        return Missing((f"aws: no secret {reference.id}",))
    tag = reference.tag(version.version)
    if reference.key is None:
        value = version.value if version.text is None else version.text.encode()
        return Found(SecretValue(value or b""), "", "aws", tag, version.created)
    where = f"secret {ref.key}: the key {reference.key} of {reference.id}"
    if version.text is None:
        raise SecretUnavailable(f"{where} can not be taken, since the secret is binary")
    document = _json(version.text)
    if not isinstance(document, dict):
        raise SecretUnavailable(f"{where} can not be taken, since the secret is not a JSON object")
    if reference.key not in document:
        return Missing((f"aws: {reference.id} has no key {reference.key}",))
    text = document[reference.key]
    if not isinstance(text, str):
        raise SecretUnavailable(f"{where} is not a JSON string", hint="store it as a string")
    return Found(SecretValue(text.encode()), "", "aws", tag, version.created)


def _json(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _parsed(ref: SecretRef) -> AwsReference:
    reference = aws_reference.parse(ref.aws)
    if reference is None:
        raise SecretUnavailable(f"secret {ref.key}: {ref.aws} is not an id or ARN of AWS Secrets Manager")
    return reference


def _names(refs: Sequence[SecretRef]) -> str:
    keys = sorted(ref.key for ref in refs)
    return f"secret{'s' if len(keys) > 1 else ''} {', '.join(keys)}"


def _strange(names: str) -> Unreachable:
    return Unreachable(f"{names}: what answered is not AWS Secrets Manager", hint="check AWS_ENDPOINT_URL and proxies")


def _together(refused: Sequence[SecretUnavailable | Unreachable]) -> SecretUnavailable | Unreachable:
    """All refusals of a batch as one error; a denied one needs a person, so its exit code wins."""
    kind = SecretUnavailable if any(isinstance(problem, SecretUnavailable) for problem in refused) else Unreachable
    hint = next((problem.hint for problem in refused if isinstance(problem, kind) and problem.hint), None)
    return kind("\n".join(problem.message for problem in refused), hint=hint)


SOURCE = Tier("aws", lambda context: AwsTier(context.held))
