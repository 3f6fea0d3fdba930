"""AWS Signature Version 4, as S3 uses it: to check what was signed, and to sign."""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, quote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

_ALGORITHM = "AWS4-HMAC-SHA256"
_TIME = "%Y%m%dT%H%M%SZ"
UNSIGNED = "UNSIGNED-PAYLOAD"


class Refused(Exception):
    """The request is not signed as it should be; `code` is S3's name for it."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def check(method: str, target: str, headers: Mapping[str, str], keys: Mapping[str, str]) -> None:
    """Raise Refused unless one of `keys` (access key → secret key) signed the request, not long ago.

    `headers` has names in lower case. The signature is in the Authorization header or, presigned, in the query.
    """
    path, query = _split(target)
    parameters = dict(query)
    if "X-Amz-Signature" in parameters:
        credential, signed = parameters["X-Amz-Credential"], parameters["X-Amz-SignedHeaders"]
        given, payload, date = parameters["X-Amz-Signature"], UNSIGNED, parameters["X-Amz-Date"]
        query = [pair for pair in query if pair[0] != "X-Amz-Signature"]
        lifetime = timedelta(seconds=int(parameters["X-Amz-Expires"]))
        if datetime.now(UTC) > _time(date) + lifetime:
            raise Refused("AccessDenied", "Request has expired")
    else:
        authorization = headers.get("authorization", "")
        if not authorization.startswith(_ALGORITHM):
            raise Refused("AccessDenied", "Access Denied.")
        fields = dict(part.strip().split("=", 1) for part in authorization[len(_ALGORITHM) :].split(","))
        credential, signed, given = fields["Credential"], fields["SignedHeaders"], fields["Signature"]
        payload, date = headers.get("x-amz-content-sha256", UNSIGNED), headers.get("x-amz-date", "")
        if abs(datetime.now(UTC) - _time(date)) > timedelta(minutes=15):
            raise Refused("RequestTimeTooSkewed", "The request was made too long ago, or in the future.")
    access_key, scope = credential.split("/", 1)
    if access_key not in keys:
        raise Refused("InvalidAccessKeyId", "The Access Key Id you provided does not exist in our records.")
    chosen = {name: headers.get(name, "") for name in signed.split(";")}
    expected = _signature(method, path, query, chosen, payload, date, scope, keys[access_key])
    if not hmac.compare_digest(expected, given):
        raise Refused("SignatureDoesNotMatch", "The signature does not match the request.")


def sign(method: str, url: str, body: bytes, access_key: str, secret_key: str) -> dict[str, str]:
    """The headers that make a request to `url` a signed one."""
    parts = urlsplit(url)
    date = datetime.now(UTC).strftime(_TIME)
    headers = {"host": parts.netloc, "x-amz-content-sha256": hashlib.sha256(body).hexdigest(), "x-amz-date": date}
    scope = f"{date[:8]}/us-east-1/s3/aws4_request"
    path, query = _split(url)
    signature = _signature(method, path, query, headers, headers["x-amz-content-sha256"], date, scope, secret_key)
    headers["authorization"] = (
        f"{_ALGORITHM} Credential={access_key}/{scope}, SignedHeaders={';'.join(headers)}, Signature={signature}"
    )
    return headers


def _signature(
    method: str,
    path: str,
    query: list[tuple[str, str]],
    headers: Mapping[str, str],
    payload: str,
    date: str,
    scope: str,
    secret_key: str,
) -> str:
    encoded = sorted((quote(name, safe="-_.~"), quote(value, safe="-_.~")) for name, value in query)
    canonical_query = "&".join(f"{name}={value}" for name, value in encoded)
    canonical_headers = "".join(f"{name}:{' '.join(value.split())}\n" for name, value in sorted(headers.items()))
    request = "\n".join([method, path, canonical_query, canonical_headers, ";".join(sorted(headers)), payload])
    text = "\n".join([_ALGORITHM, date, scope, hashlib.sha256(request.encode()).hexdigest()])
    key = f"AWS4{secret_key}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.new(key, text.encode(), "sha256").hexdigest()


def _split(target: str) -> tuple[str, list[tuple[str, str]]]:
    parts = urlsplit(target)
    return parts.path or "/", parse_qsl(parts.query, keep_blank_values=True)


def _time(date: str) -> datetime:
    try:
        return datetime.strptime(date, _TIME).replace(tzinfo=UTC)
    except ValueError:
        raise Refused("AccessDenied", "The request has no valid date.") from None
