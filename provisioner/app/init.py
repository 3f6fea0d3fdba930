"""`init`: the files with which a system begins. Nothing that is there is written over."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import yaml

from provisioner.app.output_file import write_output
from provisioner.app.written_files import write_together
from provisioner.document.names import normalised
from provisioner.errors import UsageError
from provisioner.model.dataclass import dataclass
from provisioner.playbook.image_name import problem_of

# With the environment and a service beside it, a Swarm's 63 are enough.
LONGEST = 40
IMAGE = "nginx:1.27-alpine"
_IGNORE = ".gitignore"
# What Git is not to keep: values of secrets, and archives of data.
_UNKEPT = (".env.local", ".env.*.local", "archives/")

_BASE = """\
# {name}: what is the same in every environment. The others extend it.
name: {name}
{head}
services:
  {service}:
    image: {image}
{body}    deploy:
      resources:
        limits: {{cpus: "0.50", memory: 128M}}
    logging:
      driver: json-file
      options: {{max-size: 10m, max-file: "3"}}
    restart: unless-stopped
{foot}"""
# Of an image that is known the port and a health check are known too.
_NGINX = {
    "service": "web",
    "head": """
vars:
  WEB_PORT: "8080"
""",
    "body": """\
    ports: ["127.0.0.1:${WEB_PORT}:80"]
    healthcheck:
      test: ["CMD-SHELL", "wget -q -O /dev/null http://127.0.0.1/"]
      interval: 5s
      start_period: 10s
""",
    "foot": """
# What has to hold after every apply: `provision verify`.
verify:
  - name: the page is there
    http: {url: "http://localhost:${WEB_PORT}/", status: 200}
    within: 20s
""",
    "prod": """
vars:
  WEB_PORT: "8081"
""",
}
_OTHER = {
    "head": "",
    "body": """\
    # ports: ["127.0.0.1:8080:80"]
    # volumes: ["data:/data"]
    # healthcheck: {test: ["CMD", "..."], interval: 5s}
""",
    "foot": "",
    "prod": "",
}
_LOCAL = """\
# This machine: `provision apply {name}/local`.
extends: base.yml
environment: local
"""
_PROD = """\
# Production: `provision plan {name}/prod`. Say here what is other than in base.yml, and no more.
extends: base.yml
environment: prod
{prod}"""


@dataclass(frozen=True, slots=True)
class Started:
    """The files that were written, those to which lines were added, and the TARGET to go on with."""

    files: tuple[str, ...]
    added_to: tuple[str, ...]
    target: str


def initialise(directory: str, name: str, image: str = IMAGE) -> Started:
    """Write playbooks/NAME/ with an environment for this machine and one for production.

    UsageError for a name or an image that is none, and where one of the files is there already, ProvisionError where
    one can not be written: then nothing is.
    """
    if why := problem_of(image):
        raise UsageError(
            f"'{image}' is no name of an image: {why}", hint="write it like registry.example.com/team/app:1.2"
        )
    require_name(name)
    last = image.rpartition("/")[2].partition("@")[0].partition(":")[0]
    own = _NGINX if last == "nginx" else {**_OTHER, "service": _scalar(normalised(last) or "web")}
    texts = {
        "base": _BASE.format(name=_scalar(name), image=_scalar(image), **own),
        "local": _LOCAL.format(name=name),
        "prod": _PROD.format(name=name, **own),
    }
    files = {f"playbooks/{name}/{stem}.yml": text for stem, text in texts.items()}
    existing = [file for file in files if Path(directory, file).exists()]
    if existing:
        raise UsageError(
            f"{', '.join(existing)} {'is' if len(existing) == 1 else 'are'} there already",
            hint="init writes over nothing: choose another --name, or change the file by hand",
        )
    gitignore = _gitignore(directory)
    write_together(directory, files | ({_IGNORE: gitignore} if gitignore else {}))
    return Started(tuple(files), (_IGNORE,) if gitignore else (), f"{name}/local")


def require_name(name: str) -> None:
    """UsageError for what can not be the name of a system."""
    if not name or normalised(name) != name:
        raise UsageError(
            f"'{name}' is no name for a system: it is of a-z, 0-9, - and _, and begins with a letter or a digit",
            hint=f"for example {suggested(name)}",
        )
    if len(name) > LONGEST:
        raise UsageError(
            f"the name has {len(name)} characters, and can have {LONGEST}",
            hint="it is a part of the names of all objects, and those of a Swarm have 63 at most",
        )


def _scalar(text: str) -> str:
    """A text as YAML has it: in quotes where it would be read as something else, such as a number or a date."""
    is_text = text[:1].isalpha() and text not in ("y", "n") and yaml.safe_load(text) == text
    return text if is_text else f'"{text}"'


def suggested(text: str) -> str:
    """A name for a system from one for people, such as that of a folder: `Büro 2` becomes `buro-2`."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return normalised("-".join(plain.split()))[:LONGEST] or "shop"


def keep_out_of_git(directory: str) -> tuple[str, ...]:
    """Add to .gitignore what Git is not to keep, as far as it is missing; the files that were changed.

    UsageError where it can not be read.
    """
    text = _gitignore(directory)
    if text:
        write_output(directory, _IGNORE, text)
    return (_IGNORE,) if text else ()


def _gitignore(directory: str) -> str:
    """What .gitignore is to be; empty where nothing is missing."""
    file = Path(directory, _IGNORE)
    try:
        text = file.read_bytes().decode() if file.exists() else ""
    except (OSError, UnicodeError) as error:
        raise UsageError(f"{file} can not be read as text: {error}", hint="make it a text file in UTF-8") from error
    missing = [line for line in _UNKEPT if line not in text.splitlines()]
    newline = "\r\n" if "\r\n" in text else "\n"
    start = text if text.endswith("\n") or not text else text + newline
    return start + "".join(f"{line}{newline}" for line in missing) if missing else ""
