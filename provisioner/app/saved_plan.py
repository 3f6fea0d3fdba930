"""A plan kept in a file, to be applied later exactly as it was looked at: what was asked, what was seen, what differs.

No secret's value is in it, and no value of `-e`. Digests are keyed with a random text of the file's own, and the
file can only be read by its owner.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from provisioner import __version__
from provisioner.app.plan_digest import PlanDigest, digest_plan
from provisioner.app.secret_inputs import pending
from provisioner.errors import PlanStale, PlaybookInvalid, UsageError, not_written
from provisioner.model.address import Address
from provisioner.model.dataclass import dataclass
from provisioner.model.plan import Policy
from provisioner.model.span import Problem, Span
from provisioner.render.plan_json import plan_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from provisioner.app.prepared import Prepared
    from provisioner.app.request import Request

KIND = "provisioner plan"
FORMAT_VERSION = 2
_MARK = '"kind": "' + KIND + '"'


@dataclass(frozen=True, slots=True)
class SavedPlan:
    """The content of a plan file, as it was written. `path` is for messages."""

    path: str
    content: Mapping[str, Any] = field(repr=False)

    @property
    def policy(self) -> Policy:
        """What the user permitted when the plan was made."""
        saved = self.content["policy"]
        targets, made_anew, rerun = (
            tuple(
                address for text in saved.get(key, ()) if (address := Address.parse(text) or Address.parse_name(text))
            )
            for key in ("targets", "made_anew", "rerun")
        )
        return Policy(
            made_anew=made_anew, rerun=rerun,
            prune=saved["prune"], allow_empty=saved.get("allow_empty", False), targets=targets,
            accept_new_key=saved.get("accept_new_key", False),
        )  # fmt: skip

    @property
    def scale(self) -> dict[str, int]:
        return dict(self.content["policy"]["scale"])

    @property
    def request(self) -> Mapping[str, Any]:
        """What the plan was asked for: the fields of a Request, without values."""
        asked: Mapping[str, Any] = self.content["request"]
        return asked

    @property
    def _digest(self) -> PlanDigest:
        saved = self.content["digests"]
        return PlanDigest(
            self.content["engine"]["id"], saved["playbook"], saved["observed"], saved["changes"],
            frozenset(saved["pending"]),
        )  # fmt: skip

    def require_current(self, prepared: Prepared) -> None:
        """PlanStale, naming what moved, unless playbook, engine and changes are those of the file.

        PlaybookInvalid where the environment's key shows that the file was changed after it was written.
        """
        sealed, signer = self.content.get("keyed_seal"), prepared.materials.signer
        if (
            isinstance(sealed, dict)
            and signer is not None
            and sealed.get("key") == signer.id
            and not hmac.compare_digest(str(sealed.get("code")), signer.seal(_bytes(_own(self.content))))
        ):
            raise unusable(Path(self.path), "was changed after it was written")
        moved = self._digest.differences(digest_plan(prepared, str(self.content["salt"])))
        if moved:
            raise PlanStale(
                f"the plan {self.path} is stale: {'; '.join(moved)}",
                hint="make a new one with `provision plan -o FILE`, look at it, and apply that",
            )

    def remarks(self, prepared: Prepared) -> tuple[str, ...]:
        """What a person should know of the file: that others can write it, or that nobody can tell who wrote it."""
        remarks = []
        if can_be_written_by_others(Path(self.path)):
            remarks.append(f"{self.path} can be written by others: what was agreed to may not be what is in it")
        sealed, signer = self.content.get("keyed_seal"), prepared.materials.signer
        if isinstance(sealed, dict) and (signer is None or sealed.get("key") != signer.id):
            remarks.append(
                f"{self.path} is sealed with a fingerprint key that is not here, so only the playbook and the engine "
                "are compared with it, not who wrote it"
            )
        elif not sealed and signer is not None:
            remarks.append(
                f"{self.path} was written where the fingerprint key was not, or its keyed seal was taken off"
            )
        return tuple(remarks)


def can_be_written_by_others(path: Path) -> bool:
    """Whether the group or everybody may write a file; False where nothing can be told."""
    try:
        return bool(path.stat().st_mode & 0o022)
    except OSError:
        return False


def save(path: Path, request: Request, policy: Policy, scale: Mapping[str, int], prepared: Prepared) -> None:
    """Write the plan. The old file or the new one survives a power cut.

    ProvisionError when it can not be written, UsageError where something else than a plan is there.
    """
    write(path, content_of(request, policy, scale, prepared))


def content_of(request: Request, policy: Policy, scale: Mapping[str, int], prepared: Prepared) -> dict[str, Any]:
    """What a file keeps of one environment's plan."""
    salt = secrets.token_hex(16)
    digest = digest_plan(prepared, salt)
    content = {
        "target": prepared.plan.title,
        "engine": plan_json(prepared.plan)["engine"],
        "request": request_of(request),
        "policy": {
            "prune": policy.prune,
            "accept_new_key": policy.accept_new_key,
            "allow_empty": policy.allow_empty,
            "targets": [str(target) for target in policy.targets],
            "scale": dict(scale),
            "made_anew": [str(address) for address in policy.made_anew],
            "rerun": [str(address) for address in policy.rerun],
        },
        "known_after_apply": sorted(pending(prepared.materials.declarations, prepared.materials.resolutions)),
        "salt": salt,
        "digests": {
            "playbook": digest.playbook,
            "observed": digest.observed,
            "changes": digest.changes,
            "pending": sorted(digest.pending),
        },
        "plan": plan_json(prepared.plan),
    }
    signer = prepared.materials.signer
    keyed = {"key": signer.id, "code": signer.seal(_bytes(content))} if signer is not None else None
    return {**content, "keyed_seal": keyed}


def _own(content: Mapping[str, Any]) -> dict[str, Any]:
    """What of a plan file `content_of` gave, without its seal."""
    return {
        key: value for key, value in content.items() if key not in ("kind", "format_version", "made_by", "keyed_seal")
    }


def request_of(request: Request) -> dict[str, Any]:
    """What a file keeps of what was asked: no values, only the names of `-e`."""
    return {
        "directory": request.directory,
        "files": list(request.files),
        "target": request.target,
        "in_playbooks": request.in_playbooks,
        "env_files": list(request.env_files),
        "profiles": list(request.profiles),
        "project_name": request.project_name,
        "project_directory": request.project_directory,
        "ambient_env_file": request.ambient_env_file,
        "context": request.context,
        "host": request.host,
        "overrides": sorted(request.overrides),
    }


def write(path: Path, body: Mapping[str, Any]) -> None:
    """Write a plan file with its seal, for its owner only; folders on the way are made. Raises as `save` does."""
    from provisioner.secrets import private_file

    content = {"kind": KIND, "format_version": FORMAT_VERSION, "made_by": f"provision {__version__}", **body}
    text = json.dumps({**content, "seal": _seal(content)}, indent=2, ensure_ascii=False) + "\n"
    target = path.absolute()
    if target.exists() and not _may_be_replaced(target):
        raise UsageError(f"{path} is there already, and is no plan", hint="name another file: it would be lost")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with private_file.locked(target.parent):
            private_file.replace(target, text.encode())
    except OSError as error:
        raise not_written(f"the plan {path}", error) from error


def _may_be_replaced(file: Path) -> bool:
    """Whether a file that is there holds a plan, or nothing."""
    return file.is_file() and (file.stat().st_size == 0 or is_plan(file))


def is_plan(path: Path) -> bool:
    """Whether a file is, or was before it was cut, a plan: by its first lines."""
    try:
        with path.open("rb") as stream:
            head = stream.read(200)
    except OSError:
        return False
    return _MARK.encode() in head


def load(path: Path) -> SavedPlan:
    """Read the plan of one environment. PlaybookInvalid for a torn or edited file, UsageError for another version."""
    content = read(path)
    require_form(path, content)
    return SavedPlan(str(path), content)


def require_form(path: Path, content: Mapping[str, Any]) -> None:
    """PlaybookInvalid for a content that no plan has, whatever its seal says."""
    policy, digests, engine = content.get("policy"), content.get("digests"), content.get("engine")
    right = (
        isinstance(policy, dict)
        and all(isinstance(policy.get(key), bool) for key in ("prune", "accept_new_key", "allow_empty"))
        and isinstance(policy.get("targets"), list)
        and all(isinstance(target, str) for target in policy["targets"])
        and isinstance(policy.get("scale"), dict)
        and all(isinstance(count, int) for count in policy["scale"].values())
        and isinstance(digests, dict)
        and all(isinstance(digests.get(key), dict) for key in ("playbook", "observed", "changes"))
        and isinstance(digests.get("pending"), list)
        and all(isinstance(name, str) for name in digests["pending"])
        and isinstance(engine, dict)
        and isinstance(engine.get("id"), str)
        and isinstance(content.get("salt"), str)
        and _is_request(content.get("request"))
    )
    if not right:
        raise unusable(path, "has not the form of a plan")


def _is_request(asked: Any) -> bool:
    texts = ("files", "env_files", "profiles", "overrides")
    return (
        isinstance(asked, dict)
        and isinstance(asked.get("directory"), str)
        and all(isinstance(asked.get(key), list) and all(isinstance(text, str) for text in asked[key]) for key in texts)
        and all(isinstance(asked.get(key), str | None) for key in ("target", "context", "host", "project_name"))
    )


def read(path: Path) -> dict[str, Any]:
    """The content of a plan file. Raises as `load` does."""
    try:
        content = json.loads(path.read_bytes())
    except OSError as error:
        raise UsageError(f"the plan {path} can not be read: {error.strerror}") from error
    except ValueError:
        raise unusable(path, "is cut off or damaged") from None
    version = content.get("format_version") if isinstance(content, dict) else None
    if version != FORMAT_VERSION:
        raise UsageError(
            f"{path} is a plan of format {version}, and this is provision {__version__}, which reads {FORMAT_VERSION}",
            hint="make the plan with this version",
        )
    seal = content.pop("seal", None)
    if seal != _seal(content):
        raise unusable(path, "was changed after it was written")
    return dict(content)


def unusable(path: Path, why: str) -> PlaybookInvalid:
    """The error of a plan file that can not be carried out; `why` goes on after `the plan file`."""
    hint = "make the plan again with `provision plan -o FILE`"
    return PlaybookInvalid([Problem(f"the plan file {why}", Span(str(path)), hint=hint)])


def _seal(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(_bytes(content)).hexdigest()


def _bytes(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=str).encode()
