"""mc alias set NAME URL USER PASSWORD | mb [--ignore-existing] TARGET | ls [TARGET] | cp SOURCE TARGET | cat TARGET |
rm [--recursive] TARGET | ready NAME | anonymous set (download|none) TARGET

TARGET is ALIAS/BUCKET[/KEY]. Aliases are kept in MC_CONFIG_DIR or ~/.mc, or given as MC_HOST_<NAME>.
"""

from __future__ import annotations

import json
import os
import sys
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import quote, urlsplit
from xml.etree import ElementTree

from s3.signature import sign

_CONFIG = Path(os.environ.get("MC_CONFIG_DIR") or Path.home() / ".mc") / "config.json"
_NAMESPACE = "{http://s3.amazonaws.com/doc/2006-03-01/}"


class Failed(Exception):
    """What mc tells and ends with 1 for; `code` is S3's."""

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code


def alias(name: str) -> tuple[str, str, str]:
    """The URL, user and password of an alias."""
    if given := os.environ.get(f"MC_HOST_{name}"):
        parts = urlsplit(given)
        return f"{parts.scheme}://{parts.hostname}:{parts.port or 80}", parts.username or "", parts.password or ""
    known = json.loads(_CONFIG.read_text()) if _CONFIG.exists() else {}
    if name == "local" and name not in known:
        return "http://localhost:9000", "", ""
    if name not in known:
        raise Failed(f"No such alias: {name}")
    return tuple(known[name])  # type: ignore[return-value]


def request(method: str, target: str, query: str = "", body: bytes = b"") -> bytes:
    name, _, path = target.partition("/")
    url, user, password = alias(name)
    address = f"{url.rstrip('/')}/{quote(path)}{'?' + query if query else ''}"
    headers = sign(method, address, body, user, password)
    content = body if method in ("PUT", "POST") else None
    try:
        call = urllib.request.Request(address, content, headers, method=method)
        with urllib.request.urlopen(call, timeout=30) as answer:
            return bytes(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            text = error.read()
        code = ElementTree.fromstring(text).findtext("Code", "") if text else str(error.code)
        message = ElementTree.fromstring(text).findtext("Message", "") if text else error.reason
        raise Failed(f"Unable to reach `{target}`: {message} ({code})", code) from None
    except OSError as error:
        raise Failed(f"Unable to reach `{target}`: {error}") from None


def listed(target: str) -> list[tuple[str, int]]:
    """Keys and sizes under ALIAS/BUCKET[/PREFIX]."""
    name, bucket, prefix = [*target.split("/", 2), "", ""][:3]
    found: list[tuple[str, int]] = []
    token = ""
    while True:
        query = f"continuation-token={quote(token, safe='')}&" if token else ""
        query += f"list-type=2&prefix={quote(prefix, safe='')}"
        root = ElementTree.fromstring(request("GET", f"{name}/{bucket}", query))
        for entry in root.iter(f"{_NAMESPACE}Contents"):
            found.append((entry.findtext(f"{_NAMESPACE}Key", ""), int(entry.findtext(f"{_NAMESPACE}Size", "0"))))
        token = root.findtext(f"{_NAMESPACE}NextContinuationToken", "")
        if not token:
            return found


def set_alias(name: str, url: str, user: str, password: str) -> None:
    known = json.loads(_CONFIG.read_text()) if _CONFIG.exists() else {}
    known[name] = [url, user, password]
    _CONFIG.parent.mkdir(parents=True, exist_ok=True)
    _CONFIG.write_text(json.dumps(known))
    _CONFIG.chmod(0o600)
    request("GET", f"{name}/")
    print(f"Added `{name}` successfully.")


def make_bucket(options: set[str], *targets: str) -> None:
    for target in targets:
        try:
            request("PUT", target.rstrip("/"))
        except Failed as failed:
            if failed.code != "BucketAlreadyOwnedByYou" or not options & {"-p", "--ignore-existing"}:
                raise
        print(f"Bucket created successfully `{target}`.")


def show(target: str) -> None:
    name, _, path = target.rstrip("/").partition("/")
    if path:
        for key, size in listed(target):
            print(f"{size:>10} {key}")
        return
    root = ElementTree.fromstring(request("GET", f"{name}/"))
    for bucket in root.iter(f"{_NAMESPACE}Name"):
        print(f"{'':>10} {bucket.text}/")


def copy(source: str, target: str) -> None:
    body = Path(source).read_bytes() if Path(source).exists() else request("GET", source)
    if "/" in target and not target.startswith((".", "/")):
        if target.endswith("/") or target.count("/") == 1:
            target = f"{target.rstrip('/')}/{source.rpartition('/')[2]}"
        request("PUT", target, body=body)
    else:
        Path(target).write_bytes(body)
    print(f"`{source}` -> `{target}`")


def remove(options: set[str], *targets: str) -> None:
    for target in targets:
        names = [target]
        if options & {"-r", "--recursive"}:
            names = ["/".join([*target.split("/")[:2], key]) for key, _ in listed(target)]
        for name in names:
            request("DELETE", name)
            print(f"Removed `{name}`.")


def ready(name: str) -> None:
    url = alias(name)[0]
    try:
        with urllib.request.urlopen(f"{url}/minio/health/live", timeout=5):
            print("The cluster is ready")
    except OSError as error:
        raise Failed(f"The cluster is unreachable: {error}") from None


def open_bucket(access: str, target: str) -> None:
    bucket = target.rstrip("/").split("/")[1]
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": ["*"]},
        "Action": ["s3:GetObject"],
        "Resource": [f"arn:aws:s3:::{bucket}/*"],
    }
    if access == "none":
        request("DELETE", target.rstrip("/"), "policy=")
    else:
        policy = {"Version": "2012-10-17", "Statement": [statement]}
        request("PUT", target.rstrip("/"), "policy=", json.dumps(policy).encode())
    print(f"Access permission for `{target}` is set to `{access}`")


def main(arguments: list[str]) -> None:
    options = {word for word in arguments if word.startswith("-")}
    words = [word for word in arguments if not word.startswith("-")]
    match words:
        case ["alias", "set", name, url, user, password]:
            set_alias(name, url, user, password)
        case ["mb", _, *_]:
            make_bucket(options, *words[1:])
        case ["ls", target]:
            show(target)
        case ["cp", source, target]:
            copy(source, target)
        case ["cat", target]:
            sys.stdout.buffer.write(request("GET", target))
        case ["rm", _, *_]:
            remove(options, *words[1:])
        case ["ready", name]:
            ready(name)
        case ["anonymous", "set", ("download" | "none") as access, target]:
            open_bucket(access, target)
        case _:
            print(__doc__)
            sys.exit(0 if not words else 1)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except Failed as failed:
        sys.exit(f"mc: <ERROR> {failed}")
