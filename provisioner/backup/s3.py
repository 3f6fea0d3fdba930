"""Archives as objects below a prefix of an S3 bucket. An archive is there once its manifest is, which comes last."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from provisioner.backup.manifest import FILE
from provisioner.backup.streams import ANOTHER
from provisioner.errors import ProvisionError, Unreachable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_CHUNK = 1 << 18
# Parts of 8 MiB at first, doubled every 1000 parts: 10,000 parts, which S3 allows, are then more than 5 TB.
_PART = 8 << 20
_DOUBLED = 1000
_CONNECT_TIMEOUT = 10
_READ_TIMEOUT = 60
_ATTEMPTS = 5
_KEY = "see AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and which server they are for"
_FULL = (
    "free space there, or name another place (backup.to); `provision backup prune` removes what `keep` does not keep"
)


class S3Place:
    """Implements `Place` on S3 through boto3's own configuration (AWS_ENDPOINT_URL_S3, AWS_PROFILE, roles, …)."""

    def __init__(self, url: str, environment: Mapping[str, str]) -> None:
        parts = urlsplit(url)
        self._url = url
        self.bucket = parts.netloc
        self._prefix = f"{parts.path.strip('/')}/".lstrip("/")
        self._environment = environment
        self._made: Any = None

    @property
    def url(self) -> str:
        return self._url

    def archives(self) -> Sequence[str]:
        archives = []
        with self.errors_explained():
            pages = self.client().get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=self._prefix)
            for page in pages:
                for entry in page.get("Contents") or ():
                    archive, _, name = str(entry["Key"]).removeprefix(self._prefix).partition("/")
                    if name == FILE:
                        archives.append(archive)
        return sorted(archives)

    def sizes(self, archive: str) -> Mapping[str, int]:
        with self.errors_explained():
            return {key.rpartition("/")[2]: size for key, size in self._objects(archive).items()}

    def read(self, archive: str, name: str) -> Iterator[bytes]:
        with self.errors_explained():
            body = self.client().get_object(Bucket=self.bucket, Key=self.key(archive, name))["Body"]
            yield from body.iter_chunks(_CHUNK)

    def begin(self, archive: str) -> S3Draft:
        return S3Draft(self, archive)

    def remove(self, archive: str) -> None:
        with self.errors_explained():
            client = self.client()
            client.delete_object(Bucket=self.bucket, Key=self.key(archive, FILE))
            for key in self._objects(archive):
                client.delete_object(Bucket=self.bucket, Key=key)

    def _objects(self, archive: str) -> dict[str, int]:
        """The keys of an archive's objects, with their sizes."""
        pages = (
            self.client()
            .get_paginator("list_objects_v2")
            .paginate(Bucket=self.bucket, Prefix=f"{self._prefix}{archive}/")
        )
        return {str(entry["Key"]): int(entry["Size"]) for page in pages for entry in page.get("Contents") or ()}

    def key(self, archive: str, name: str) -> str:
        return f"{self._prefix}{archive}/{name}"

    def client(self) -> Any:
        if self._made is None:
            import boto3
            from botocore.config import Config

            config = Config(
                connect_timeout=_CONNECT_TIMEOUT, read_timeout=_READ_TIMEOUT,
                retries={"max_attempts": _ATTEMPTS, "mode": "standard"},
            )  # fmt: skip
            profile = self._environment.get("AWS_PROFILE")
            region = self._environment.get("AWS_REGION") or self._environment.get("AWS_DEFAULT_REGION")
            session = boto3.Session(profile_name=profile, region_name=region or "us-east-1")
            self._made = session.client("s3", config=config)
        return self._made

    @contextlib.contextmanager
    def errors_explained(self) -> Iterator[None]:
        """What goes wrong with S3 as an error that says where, what and what to do."""
        from botocore.exceptions import (
            BotoCoreError,
            ClientError,
            ConnectionError,
            HTTPClientError,
            IncompleteReadError,
            NoCredentialsError,
        )

        try:
            yield
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            said = str(error.response.get("Error", {}).get("Message", "")) or code
            hints = {
                "NoSuchBucket": f"make the bucket {self.bucket}, or name another",
                "NoSuchKey": ANOTHER,
                "InvalidAccessKeyId": _KEY,
                "SignatureDoesNotMatch": _KEY,
                "ExpiredToken": "log in again: the credentials are over",
                "InsufficientStorage": _FULL,
                "QuotaExceeded": _FULL,
                "XMinioStorageFull": _FULL,
                "AccessDenied": f"the credentials may not do that with {self.bucket}: let them list, get, put and "
                "delete objects below the prefix",
            }
            raise ProvisionError(f"{self._url}: S3 refused: {said} ({code})", hint=hints.get(code)) from error
        except NoCredentialsError as error:
            hint = "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
            raise ProvisionError(f"{self._url}: there are no credentials for S3", hint=hint) from error
        except (ConnectionError, HTTPClientError) as error:
            server = str(self.client().meta.endpoint_url)
            hint = f"is {server} reached from here? AWS_ENDPOINT_URL_S3 names another server"
            raise Unreachable(f"{self._url}: S3 does not answer", hint=hint, detail=str(error)) from error
        except IncompleteReadError as error:
            raise Unreachable(f"{self._url}: S3 broke off in the middle", detail=str(error)) from error
        except BotoCoreError as error:
            raise ProvisionError(f"{self._url}: {error}") from error


class S3Draft:
    """Implements `Draft`: multipart uploads, each completed when its file is closed; the manifest comes last."""

    def __init__(self, place: S3Place, archive: str) -> None:
        self._place = place
        self._archive = archive
        self._open: _Upload | None = None
        self._written: list[str] = []

    def open(self, name: str) -> _Upload:
        if self._open is not None:
            self._open.close()
        key = self._place.key(self._archive, name)
        self._open = _Upload(self._place, key)
        self._written.append(key)
        return self._open

    def finish(self, manifest: bytes) -> None:
        file = self.open(FILE)
        file.write(manifest)
        file.close()

    def abandon(self) -> None:
        if self._open is not None:
            self._open.abort()
        with contextlib.suppress(ProvisionError), self._place.errors_explained():
            for key in self._written:
                self._place.client().delete_object(Bucket=self._place.bucket, Key=key)


class _Upload:
    """One object. What is small is put at once."""

    def __init__(self, place: S3Place, key: str) -> None:
        self._place = place
        self._target = {"Bucket": place.bucket, "Key": key}
        self._buffer = bytearray()
        self._parts: list[dict[str, Any]] = []
        self._upload = ""
        self._closed = False

    def write(self, data: bytes) -> None:
        self._buffer += data
        while len(self._buffer) >= (size := _PART << (len(self._parts) // _DOUBLED)):
            self._send(bytes(self._buffer[:size]))
            del self._buffer[:size]

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        with self._place.errors_explained():
            client = self._place.client()
            if not self._upload:
                client.put_object(**self._target, Body=bytes(self._buffer))
                return
            if self._buffer:
                self._send(bytes(self._buffer))
            client.complete_multipart_upload(
                **self._target, UploadId=self._upload, MultipartUpload={"Parts": self._parts}
            )

    def abort(self) -> None:
        if not self._upload or self._closed:
            return
        self._closed = True
        with contextlib.suppress(ProvisionError), self._place.errors_explained():
            self._place.client().abort_multipart_upload(**self._target, UploadId=self._upload)

    def _send(self, data: bytes) -> None:
        with self._place.errors_explained():
            client = self._place.client()
            if not self._upload:
                self._upload = str(client.create_multipart_upload(**self._target)["UploadId"])
            number = len(self._parts) + 1
            answer = client.upload_part(**self._target, UploadId=self._upload, PartNumber=number, Body=data)
            self._parts.append({"PartNumber": number, "ETag": answer["ETag"]})
