"""minio server FOLDER [--address :9000] [--console-address :9001]

The S3 operations that applications use, over HTTP; every request must be signed, except reads that a bucket's
policy opens to everybody. Keys are MINIO_ROOT_USER and MINIO_ROOT_PASSWORD, or the files that *_FILE name.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import sys
import threading
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from s3.console import Console
from s3.signature import Refused, check
from s3.store import Store, StoredObject
from s3.words import BUCKET, date

_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
_KEPT = re.compile(r"(content-(type|disposition|encoding|language)|cache-control|expires|x-amz-meta-.*)$")
_STATUS = {
    "BucketAlreadyOwnedByYou": 409, "BucketNotEmpty": 409, "InvalidBucketName": 400, "InvalidPart": 400,
    "InvalidRange": 416, "MalformedXML": 400, "MethodNotAllowed": 405, "NoSuchBucket": 404, "NoSuchBucketPolicy": 404,
    "NoSuchKey": 404, "NoSuchUpload": 404, "NotImplemented": 501, "XAmzContentSHA256Mismatch": 400,
}  # fmt: skip


class Fault(Exception):
    """An answer that is one of S3's errors."""

    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(message or code)
        self.code = code


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "MinIO-stand-in"
    store: Store
    keys: dict[str, str]

    def handle_request(self) -> None:
        parts = urlsplit(self.path)
        self.query = dict(parse_qsl(parts.query, keep_blank_values=True))
        self.bucket, _, self.key = unquote(parts.path).lstrip("/").partition("/")
        self.headers_in = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(self.headers_in.get("content-length", "0")))
        if parts.path.startswith("/minio/health/"):
            self.answer(200)
            return
        try:
            self.admit(body)
            if self.headers_in.get("x-amz-content-sha256", "").startswith("STREAMING-"):
                body = _without_chunks(body)
            self.dispatch(body)
        except (Fault, Refused) as fault:
            self.refuse(fault.code, str(fault))

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = handle_request  # noqa: N815

    def admit(self, body: bytes) -> None:
        anonymous = "authorization" not in self.headers_in and "X-Amz-Signature" not in self.query
        if anonymous and self.command in ("GET", "HEAD") and self.key and _is_public(self.store.policy(self.bucket)):
            return
        check(self.command, self.path, self.headers_in, self.keys)
        promised = self.headers_in.get("x-amz-content-sha256", "")
        if len(promised) == 64 and promised != hashlib.sha256(body).hexdigest():
            raise Fault("XAmzContentSHA256Mismatch")

    def dispatch(self, body: bytes) -> None:
        if not self.bucket:
            self.list_buckets()
            return
        creating = self.command == "PUT" and not self.key and not self.query
        if not creating and not self.store.has_bucket(self.bucket):
            raise Fault("NoSuchBucket", "The specified bucket does not exist")
        if self.key:
            self.on_object(body)
        else:
            self.on_bucket(body)

    def list_buckets(self) -> None:
        if self.command != "GET":
            raise Fault("MethodNotAllowed")
        rows = "".join(
            f"<Bucket><Name>{name}</Name><CreationDate>{date(created)}</CreationDate></Bucket>"
            for name, created in self.store.buckets()
        )
        self.xml("ListAllMyBucketsResult", f"<Owner><ID>minio</ID></Owner><Buckets>{rows}</Buckets>")

    def on_bucket(self, body: bytes) -> None:
        command, query, store, bucket = self.command, self.query, self.store, self.bucket
        if "policy" in query:
            self.on_policy(body)
        elif command == "PUT" and not query:
            if not BUCKET.match(bucket):
                raise Fault("InvalidBucketName", "The specified bucket is not valid.")
            if not store.create_bucket(bucket):
                raise Fault("BucketAlreadyOwnedByYou", "Your previous request to create the named bucket succeeded.")
            self.answer(200, headers={"Location": f"/{bucket}"})
        elif command == "HEAD":
            self.answer(200)
        elif command == "DELETE" and not query:
            if not store.delete_bucket(bucket):
                raise Fault("BucketNotEmpty", "The bucket you tried to delete is not empty")
            self.answer(204)
        elif command == "POST" and "delete" in query:
            names = [element.text or "" for element in _parse(body).iter() if element.tag.endswith("}Key")]
            for name in names:
                store.delete(bucket, name)
            self.xml("DeleteResult", "".join(f"<Deleted><Key>{escape(name)}</Key></Deleted>" for name in names))
        elif command == "GET" and "location" in query:
            self.xml("LocationConstraint", "")
        elif command == "GET" and "versioning" in query:
            self.xml("VersioningConfiguration", "")
        elif command == "GET" and set(query) <= _LISTING:
            self.list_objects()
        else:
            raise Fault("NotImplemented", "The stand-in does not have this operation.")

    def on_policy(self, body: bytes) -> None:
        if self.command == "GET":
            policy = self.store.policy(self.bucket)
            if policy is None:
                raise Fault("NoSuchBucketPolicy", "The bucket policy does not exist")
            self.answer(200, policy.encode(), {"Content-Type": "application/json"})
            return
        self.store.set_policy(self.bucket, body.decode() if self.command == "PUT" else None)
        self.answer(204)

    def list_objects(self) -> None:
        query = self.query
        prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
        limit = int(query.get("max-keys", "1000"))
        after = query.get("continuation-token") or query.get("start-after") or query.get("marker") or ""
        entries: list[StoredObject] = []
        prefixes: list[str] = []
        last, truncated = "", False
        for stored in self.store.keys(self.bucket, prefix, after):
            head, found, _ = stored.key[len(prefix) :].partition(delimiter) if delimiter else ("", "", "")
            common = prefix + head + delimiter if found else ""
            if common and (common in prefixes or after.startswith(common)):
                last = stored.key
                continue
            if len(entries) + len(prefixes) == limit:
                truncated = True
                break
            if common:
                prefixes.append(common)
            else:
                entries.append(stored)
            last = stored.key
        rows = "".join(
            f"<Contents><Key>{escape(one.key)}</Key><LastModified>{date(one.modified)}</LastModified>"
            f"<ETag>&quot;{one.etag}&quot;</ETag><Size>{one.size}</Size><StorageClass>STANDARD</StorageClass></Contents>"
            for one in entries
        )
        rows += "".join(f"<CommonPrefixes><Prefix>{escape(one)}</Prefix></CommonPrefixes>" for one in prefixes)
        following = (
            f"<NextContinuationToken>{escape(last)}</NextContinuationToken><NextMarker>{escape(last)}</NextMarker>"
        )
        self.xml(
            "ListBucketResult",
            f"<Name>{self.bucket}</Name><Prefix>{escape(prefix)}</Prefix><MaxKeys>{limit}</MaxKeys>"
            f"<KeyCount>{len(entries) + len(prefixes)}</KeyCount><IsTruncated>{str(truncated).lower()}</IsTruncated>"
            + (following if truncated else "")
            + rows,
        )

    def on_object(self, body: bytes) -> None:
        command, query, store = self.command, self.query, self.store
        if "uploadId" in query or "uploads" in query:
            self.on_upload(body)
        elif command in ("GET", "HEAD"):
            self.send_object()
        elif command == "PUT":
            headers = {name: value for name, value in self.headers_in.items() if _KEPT.match(name)}
            source = self.headers_in.get("x-amz-copy-source")
            if source is None:
                self.answer(200, headers={"ETag": f'"{store.put(self.bucket, self.key, body, headers)}"'})
                return
            stored = self.find(*unquote(source).lstrip("/").split("?")[0].split("/", 1))
            replaced = self.headers_in.get("x-amz-metadata-directive") == "REPLACE"
            etag = store.put(self.bucket, self.key, store.read(stored), headers if replaced else stored.headers)
            modified = date(store.get(self.bucket, self.key).modified)
            self.xml("CopyObjectResult", f"<ETag>&quot;{etag}&quot;</ETag><LastModified>{modified}</LastModified>")
        elif command == "DELETE":
            store.delete(self.bucket, self.key)
            self.answer(204)
        else:
            raise Fault("NotImplemented")

    def send_object(self) -> None:
        stored = self.find(self.bucket, self.key)
        headers = {"ETag": f'"{stored.etag}"', "Last-Modified": formatdate(stored.modified, usegmt=True)}
        headers |= {"Accept-Ranges": "bytes", "content-type": "binary/octet-stream"}
        headers |= {name: value for name, value in stored.headers.items() if value != "aws-chunked"}
        if self.headers_in.get("if-none-match", "").strip('"') == stored.etag:
            self.answer(304, headers=headers)
            return
        body, status = self.store.read(stored), 200
        if wanted := re.match(r"bytes=(\d*)-(\d*)$", self.headers_in.get("range", "")):
            first, last = wanted.groups()
            start = int(first) if first else max(0, stored.size - int(last or 0))
            end = min(int(last), stored.size - 1) if first and last else stored.size - 1
            if start > end:
                raise Fault("InvalidRange", "The requested range is not satisfiable")
            headers["Content-Range"] = f"bytes {start}-{end}/{stored.size}"
            body, status = body[start : end + 1], 206
        self.answer(status, body, headers)

    def on_upload(self, body: bytes) -> None:
        command, query, store = self.command, self.query, self.store
        names = f"<Bucket>{self.bucket}</Bucket><Key>{escape(self.key)}</Key>"
        try:
            if command == "POST" and "uploads" in query:
                headers = {name: value for name, value in self.headers_in.items() if _KEPT.match(name)}
                upload = store.begin_upload(self.bucket, self.key, headers)
                self.xml("InitiateMultipartUploadResult", f"{names}<UploadId>{upload}</UploadId>")
            elif command == "PUT":
                etag = store.put_part(query["uploadId"], int(query["partNumber"]), body)
                self.answer(200, headers={"ETag": f'"{etag}"'})
            elif command == "POST":
                numbers = [int(one.text or 0) for one in _parse(body).iter() if one.tag.endswith("PartNumber")]
                etag = store.complete_upload(query["uploadId"], numbers)
                self.xml("CompleteMultipartUploadResult", f"{names}<ETag>&quot;{etag}&quot;</ETag>")
            elif command == "DELETE":
                store.abort_upload(query["uploadId"])
                self.answer(204)
            else:
                raise Fault("NotImplemented")
        except KeyError as missing:
            raise Fault("InvalidPart" if isinstance(missing.args[0], int) else "NoSuchUpload") from None

    def find(self, bucket: str, key: str) -> StoredObject:
        try:
            return self.store.get(bucket, key)
        except KeyError:
            raise Fault("NoSuchKey", "The specified key does not exist.") from None

    def refuse(self, code: str, message: str) -> None:
        content = f"<Code>{code}</Code><Message>{escape(message)}</Message><Resource>{escape(self.path)}</Resource>"
        body = f"<Error>{content}</Error>"
        self.answer(_STATUS.get(code, 403), body.encode(), {"Content-Type": "application/xml"})

    def xml(self, element: str, content: str) -> None:
        text = f'<?xml version="1.0" encoding="UTF-8"?>\n<{element} xmlns="{_NAMESPACE}">{content}</{element}>'
        self.answer(200, text.encode(), {"Content-Type": "application/xml"})

    def answer(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if status not in (204, 304):
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD" and status not in (204, 304):
            self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        """Quiet, as minio is."""


_LISTING = {
    "list-type", "prefix", "delimiter", "max-keys", "continuation-token", "start-after", "marker", "encoding-type",
    "fetch-owner",
}  # fmt: skip


def _is_public(policy: str | None) -> bool:
    for statement in json.loads(policy or "{}").get("Statement", []):
        actions, principal = statement.get("Action", []), statement.get("Principal")
        everybody = principal == "*" or "*" in (principal or {}).get("AWS", [])
        readable = {"s3:GetObject", "s3:*", "*"} & set([actions] if isinstance(actions, str) else actions)
        if statement.get("Effect") == "Allow" and everybody and readable:
            return True
    return False


def _without_chunks(body: bytes) -> bytes:
    """The payload of a body in aws-chunked encoding: size lines, data, and perhaps checksums at the end."""
    payload = b""
    while True:
        line, _, body = body.partition(b"\r\n")
        size = int(line.split(b";")[0] or b"0", 16)
        if size == 0:
            return payload
        payload, body = payload + body[:size], body[size + 2 :]


def _parse(body: bytes) -> ElementTree.Element:
    try:
        return ElementTree.fromstring(body)
    except ElementTree.ParseError:
        raise Fault("MalformedXML", "The XML you provided was not well-formed.") from None


def _variable(name: str, default: str) -> str:
    """From the variable, or from the file that NAME_FILE names; a relative one is a secret's, as minio has it."""
    if file := os.environ.get(f"{name}_FILE"):
        return (Path("/run/secrets") / file).read_text().strip()
    return os.environ.get(name) or default


def _port(address: str) -> int:
    return int(address.rpartition(":")[2])


def main(arguments: list[str]) -> None:
    if arguments[:1] != ["server"]:
        print(__doc__.splitlines()[0])
        sys.exit(0 if not arguments or arguments[0] in ("--help", "help") else 1)
    options = {"--address": ":9000", "--console-address": ":9001"}
    folders = []
    rest = iter(arguments[1:])
    for word in rest:
        name, equals, value = word.partition("=")
        if name in options:
            options[name] = value if equals else next(rest)
        elif not word.startswith("-"):
            folders.append(word)
    user, password = _variable("MINIO_ROOT_USER", "minioadmin"), _variable("MINIO_ROOT_PASSWORD", "minioadmin")
    if len(user) < 3 or len(password) < 8:
        sys.exit("ERROR Invalid credentials: MINIO_ROOT_USER needs 3 characters, MINIO_ROOT_PASSWORD 8, at least")
    Handler.store, Handler.keys = Store(Path((folders or ["/data"])[0])), {user: password}
    Console.store, Console.keys, Console.sessions = Handler.store, Handler.keys, set()
    servers = [
        ThreadingHTTPServer(("", _port(options["--address"])), Handler),
        ThreadingHTTPServer(("", _port(options["--console-address"])), Console),
    ]
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"MinIO stand-in\nAPI: {options['--address']}\nWebUI: {options['--console-address']}", flush=True)
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    stopped.wait()


if __name__ == "__main__":
    main(sys.argv[1:])
