"""`export`: a plain Compose file from a playbook. What Compose has no word for is translated, or named."""

from __future__ import annotations

import copy
import json
import posixpath
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from provisioner.app.load import load_document
from provisioner.app.output_file import write_output
from provisioner.document import canonical
from provisioner.document.writing import Draft, Edit, apply
from provisioner.errors import PlaybookInvalid
from provisioner.model.dataclass import dataclass
from provisioner.model.secret import REFERENCE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from provisioner.app.request import Request
    from provisioner.model.address import Address
    from provisioner.model.edges import ComposeBody

# Of the document, of a service, of a volume and of a secret: what Compose does not know.
_TOP = ("environment", "engine", "moved", "verify", "lint", "backup")
_SECRET = ("env", "aws", "sources", "generate", "allow_env", "readers", "rotate", "template")
_NAMED = r"<\1>"
_SOURCES = ("file", "environment", "external")


@dataclass(frozen=True, slots=True)
class Exported:
    """`text` is the Compose file, `notes` say what was left out or translated and what has to be provided."""

    text: str
    notes: tuple[str, ...]


def export(request: Request, *, output: str | None, names: Mapping[Address, str] | None = None) -> Exported:
    """The Compose file of a playbook, with the services of all profiles; written to `output` where that is given.

    `names` are those that networks and volumes have on the engine, where they are not the file's. Variables are filled
    in. Paths below the working directory are relative to the file's folder. PlaybookInvalid for an invalid playbook;
    values of secrets are never in it.
    """
    try:
        document = load_document(replace(request, profiles=request.profiles or ("*",)))
    except PlaybookInvalid:
        # Profiles may exclude each other.
        document = load_document(request)
    notes: list[str] = []
    swarm = _value(document.root.plain(), "engine", "mode") == "swarm"
    tree = as_compose(_with_names(canonical(document), document.project, names or {}), swarm=swarm, notes=notes)
    title = f"{document.name}/{document.environment}" if document.environment else document.project
    folder = posixpath.join(request.directory, posixpath.dirname(output or ""))
    text = _written(_brief(relative(tree, request.directory, posixpath.normpath(folder))), title, notes, swarm=swarm)
    if output:
        write_output(request.directory, output, text, [request])
    return Exported(text, tuple(notes))


def _with_names(document: Any, project: str, names: Mapping[Address, str]) -> Any:
    """A canonical document in which what was adopted or moved has the name that it has, so that its data are found."""
    tree = copy.deepcopy(document)
    for address, name in names.items():
        item = tree.get(f"{address.kind}s", {}).get(address.name)
        if item is not None and not item.get("external") and item.get("name") == f"{project}_{address.name}":
            item["name"] = name
    return tree


def as_compose(document: Any, *, swarm: bool, notes: list[str]) -> ComposeBody:
    """A canonical document without the playbook language's own keys; what that changes is added to `notes`."""
    tree: ComposeBody = copy.deepcopy(document)
    if tree.get("environment"):
        # Names of objects are written out, so the project is called what it is called now.
        tree["name"] = f"{tree['name']}-{tree['environment']}"
    engine = tree.get("engine") or {}
    for key in ("context", "host"):
        if engine.get(key):
            option = "--context" if key == "context" else "--host"
            notes.append(f"the engine is not named in a Compose file: docker {option} {engine[key]} compose up")
    for key in ("verify", "lint", "backup"):
        if tree.get(key):
            notes.append(f"`{key}` is left out: Compose has no word for it")
    for key in _TOP:
        tree.pop(key, None)
    for name, service in tree.get("services", {}).items():
        _service(name, service, tree.get("secrets", {}), notes)
    for name, volume in tree.get("volumes", {}).items():
        if volume.pop("backup", None):
            notes.append(f"what is said of the backup of volume {name} is left out")
        if volume.pop("protect", None):
            notes.append(f"volume {name} is not protected from `docker compose down --volumes`")
    _secrets(tree, swarm, notes)
    if not swarm:
        _owners(tree, notes)
    return tree


def relative(tree: ComposeBody, root: str, folder: str) -> ComposeBody:
    """The document with its paths below `root` as they are seen from `folder`; both absolute."""

    def near(path: Any) -> Any:
        if not isinstance(path, str) or root == "/" or not (path == root or path.startswith(f"{root}/")):
            return path
        seen = posixpath.relpath(path, folder)
        return seen if seen.startswith("..") or seen == "." else f"./{seen}"

    result = copy.deepcopy(tree)
    for holder, key in _paths(result):
        holder[key] = near(holder[key])
    return result


def _paths(tree: ComposeBody) -> Iterator[tuple[ComposeBody, str]]:
    """Where the paths of this machine stand in a document."""
    for service in tree.get("services", {}).values():
        build = service.get("build") or {}
        yield from ((build, key) for key in ("context",) if key in build)
        yield from ((build["additional_contexts"], key) for key in build.get("additional_contexts") or {})
        yield from ((mount, "source") for mount in service.get("volumes") or () if mount.get("type") == "bind")
        yield from ((watch, "path") for watch in (service.get("develop") or {}).get("watch") or ())
    for section in ("configs", "secrets"):
        yield from ((item, "file") for item in tree.get(section, {}).values() if "file" in item)
    for volume in tree.get("volumes", {}).values():
        options = volume.get("driver_opts") or {}
        if volume.get("driver") == "local" and options.get("o") == "bind" and "device" in options:
            yield options, "device"


def _service(name: str, service: ComposeBody, secrets: ComposeBody, notes: list[str]) -> None:
    job = service.pop("job", None)
    if job is not None:
        service["restart"] = "no"
        run = (job or {}).get("run", "on_change")
        if run != "always":
            notes.append(f"service {name} runs at every `docker compose up`, not only {run.replace('_', ' ')}")
    for use in (*(service.get("secrets") or ()), *(service.get("configs") or ())):
        use.pop("override", None)
    if service.pop("backup", None):
        notes.append(f"the backup of service {name} is left out")
    for variable, value in (service.get("environment") or {}).items():
        if isinstance(value, dict) and "secret" in value:
            key = value["secret"]
            source = _variable(key, secrets.get(key, {}))
            service["environment"][variable] = f"${{{source}:?the secret {key}}}"
            notes.append(f"service {name} takes {variable} from the variable {source}: it holds the secret {key}")


def _secrets(tree: ComposeBody, swarm: bool, notes: list[str]) -> None:
    mounted = {use.get("source") for service in tree.get("services", {}).values() for use in _uses(service)}
    for name, secret in list(tree.get("secrets", {}).items()):
        own = {key: secret.pop(key) for key in _SECRET if key in secret}
        if any(secret.get(key) for key in _SOURCES):
            continue
        if name not in mounted:
            # It was only part of a template, or of an environment.
            del tree["secrets"][name]
            continue
        if swarm:
            secret["external"] = True
        else:
            secret["file"] = f"./secrets/{name}"
        notes.append(f"secret {name}: {_provide(name, own, secret['name'] if swarm else '')}")
    if not tree.get("secrets"):
        tree.pop("secrets", None)


def _owners(tree: ComposeBody, notes: list[str]) -> None:
    """Compose mounts a file of this machine as it is: what the uses say of its user and mode has no effect there.

    Compose says so itself at every start, where one of the three is given.
    """
    for section in ("secrets", "configs"):
        files = {name for name, item in tree.get(section, {}).items() if "file" in item}
        uses = [use for service in tree.get("services", {}).values() for use in service.get(section) or ()]
        if any(use.get("source") in files and use.keys() & {"uid", "gid", "mode"} for use in uses):
            made = any(str(tree[section][name]["file"]).startswith("./secrets/") for name in files)
            notes.append(
                f"Compose mounts files of {section} as they are here: uid, gid and mode have no effect, so the "
                "containers' users have to be allowed to read them"
                + (": chmod 700 secrets; chmod 644 secrets/*" if made else "")
            )


def _uses(service: ComposeBody) -> list[ComposeBody]:
    return [*(service.get("secrets") or ()), *((service.get("build") or {}).get("secrets") or ())]


def _provide(name: str, own: ComposeBody, swarm_name: str) -> str:
    """What a person has to do so that the secret is there."""
    where = f"create it with: docker secret create {swarm_name} -" if swarm_name else f"put it into ./secrets/{name}"
    if "template" in own:
        return f"{where}; it is built as {_on_one_line(REFERENCE.sub(_NAMED, own['template']))}"
    if "aws" in own:
        return f"{where}; it lies in AWS Secrets Manager as {own['aws']}"
    if "generate" in own:
        return f"{where}; any random text will do"
    return f"{where}; .env.local may have it as {_variable(name, own)}"


def _on_one_line(text: str) -> str:
    """The text as it is, or quoted where it has several lines: they are part of it."""
    return f"{json.dumps(text, ensure_ascii=False)}, where \\n begins a new line" if "\n" in text else text


def _variable(key: str, secret: ComposeBody) -> str:
    return str(secret.get("env") or re.sub(r"[^A-Z0-9_]", "_", key.upper()))


def _brief(tree: ComposeBody) -> ComposeBody:
    """The document without what Compose fills in by itself."""
    result = copy.deepcopy(tree)
    used = [_brief_service(service) for service in result.get("services", {}).values()]
    project = result["name"]
    for section in ("networks", "volumes", "configs", "secrets"):
        for key, item in result.get(section, {}).items():
            if item.get("name") == f"{project}_{key}" and not item.get("external"):
                del item["name"]
            if section == "networks" and item.get("ipam") == {}:
                del item["ipam"]
    if any(used) and result.get("networks", {}).get("default") == {}:
        del result["networks"]["default"]
    return {key: value for key, value in result.items() if value != {} or key == "services"}


def _brief_service(service: ComposeBody) -> bool:
    """Takes out of a service what Compose fills in; whether that was its being on the default network."""
    for key in ("command", "entrypoint"):
        if service.get(key, ()) is None:
            del service[key]
    deploy = service.get("deploy") or {}
    for key in ("resources", "placement"):
        if deploy.get(key) == {}:
            del deploy[key]
    for watch in (service.get("develop") or {}).get("watch") or ():
        if watch.get("exec") == {"command": None}:
            del watch["exec"]
    for item in _blkio(service):
        # Compose prints these with capitals and reads them without.
        for key in list(item):
            item[key.lower()] = item.pop(key)
    if service.get("networks") != {"default": None}:
        return False
    del service["networks"]
    return True


def _blkio(service: ComposeBody) -> list[ComposeBody]:
    lists = [items for items in (service.get("blkio_config") or {}).values() if isinstance(items, list)]
    return [item for items in lists for item in items]


def _written(tree: ComposeBody, title: str, notes: list[str], *, swarm: bool) -> str:
    """The file's text: what it is, what has to be done, and each secret's note above it."""
    from provisioner.render.config_yaml import config_yaml

    text = config_yaml(tree)
    draft = Draft(text)
    edits = []
    secret: Callable[[str], str] = "secret {}: ".format
    for name in tree.get("secrets", {}):
        known = next((note for note in notes if note.startswith(secret(name))), None)
        if known is not None:
            holder = draft.find(("secrets",))
            entry = holder.entry(name)
            if entry is not None:
                indentation = " " * entry[0].column
                edits.append(Edit(entry[0].start, entry[0].start, f"# {_line(known)}\n{indentation}"))
    head = [f"Made from the playbook {title} by provision export; variables are filled in."]
    head += [note for note in notes if not note.startswith("secret ")]
    kind = "docker stack deploy" if swarm else "docker compose up"
    head.append(f"It is for {kind}.")
    return "".join(f"# {_line(line)}\n" for line in head) + apply(text, edits)


def _line(text: str) -> str:
    return re.sub(r"\s+", " ", text)


def _value(tree: Any, *path: str) -> Any:
    for key in path:
        tree = tree.get(key) if isinstance(tree, dict) else None
    return tree
