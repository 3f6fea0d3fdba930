"""What went wrong with AWS, in one table: error to what a person reads and what the command exits with.

Pure. An error's own text is passed on only where it names a permission, a role or an account, never a body.
"""

from __future__ import annotations

from typing import Any

from provisioner.errors import SecretUnavailable, Unreachable

# Raised before a request is sent; by the error's class name, so that boto3 need not be imported here.
NOT_SET_UP = {"NoCredentialsError": "no credentials were found", "NoRegionError": "no region is configured"}
_LOCAL = {
    **NOT_SET_UP,
    "PartialCredentialsError": "the credentials are incomplete",
    "ProfileNotFound": "the profile does not exist",
    "ConfigParseError": "the AWS configuration can not be read",
    "ConfigNotFound": "the AWS configuration can not be read",
    "InvalidRegionError": "the region is not a region's name",
    "CredentialRetrievalError": "the credentials could not be had",
    "TokenRetrievalError": "the SSO session has expired",
    "SSOTokenLoadError": "the SSO session has expired",
    "UnauthorizedSSOTokenError": "the SSO session has expired",
    "RefreshWithMFAUnsupportedError": "the role needs MFA, which can not be asked for here",
}
_NETWORK = {
    "EndpointConnectionError": "can not be reached",
    "ConnectTimeoutError": "did not accept a connection in time",
    "ReadTimeoutError": "did not answer in time",
    "ConnectionClosedError": "closed the connection",
    "ProxyConnectionError": "can not be reached through the proxy",
    "SSLError": "was not trusted (TLS)",
    "HTTPClientError": "can not be reached",
}
_CREDENTIALS = (
    "UnrecognizedClientException",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "SignatureDoesNotMatch",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
    "IncompleteSignature",
    "AuthFailure",
)
_EXPIRED = ("ExpiredToken", "ExpiredTokenException", "RequestExpired")
_DENIED = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "NotAuthorized")
_KEY = ("DecryptionFailure", "EncryptionFailure", "KMSAccessDeniedException")
_THROTTLED = (
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "RequestThrottled",
    "RequestLimitExceeded",
    "TooManyRequestsException",
    "LimitExceededException",
    "SlowDown",
)
_SETUP_HINT = "run `aws sts get-caller-identity`, or set AWS_PROFILE and AWS_REGION"


def translated(error: Exception, names: str) -> SecretUnavailable | Unreachable | None:
    """An error of boto3 for what `names` says ("secret a"); None for a definite "no such secret"."""
    kind = type(error).__name__
    response: Any = getattr(error, "response", None)
    if isinstance(response, dict):
        body = response.get("Error")
        body = body if isinstance(body, dict) else {}
        status = (response.get("ResponseMetadata") or {}).get("HTTPStatusCode")
        return refusal(str(body.get("Code") or ""), str(body.get("Message") or ""), names, status=status)
    if kind in _LOCAL:
        return SecretUnavailable(f"{names}: AWS can not be asked: {_LOCAL[kind]}", hint=_SETUP_HINT)
    why = _NETWORK.get(kind, f"could not be asked ({kind})")
    return Unreachable(f"{names}: AWS Secrets Manager {why}", hint="check the network and try again")


def refusal(
    code: str, message: str, names: str, *, status: int | None = None
) -> SecretUnavailable | Unreachable | None:
    """An error that AWS itself sent, as a whole answer or for one id of a batch; None for "no such secret"."""
    denied = None
    if code == "ResourceNotFoundException":
        return None
    if code in _DENIED:
        denied = f"AWS denied it: {_printable_reason(message)}"
    elif code in _KEY:
        denied = "AWS can not decrypt it with its KMS key; the role needs kms:Decrypt"
    elif code in _EXPIRED:
        denied = "the AWS credentials have expired"
    elif code in _CREDENTIALS:
        denied = f"AWS does not accept the credentials ({code})"
    elif code == "InvalidRequestException" and "delet" in message.lower():
        denied = "it is scheduled for deletion in AWS; restore it or change the source"
    elif code in ("InvalidRequestException", "InvalidParameterException", "ValidationException"):
        denied = f"AWS refused the request ({code})"
    if denied:
        return SecretUnavailable(f"{names}: {denied}", hint=_hint(code))
    if code in _THROTTLED:
        return Unreachable(f"{names}: AWS Secrets Manager throttled the requests", hint="try again later")
    answer = code if code.isalnum() and not code.isdecimal() else f"status {status}"
    return Unreachable(f"{names}: AWS Secrets Manager failed ({answer})", hint="try again later")


def _hint(code: str) -> str | None:
    if code in _DENIED or code in _KEY:
        return "give the role the policy in docs/secrets.md"
    return _SETUP_HINT if code in _EXPIRED or code in _CREDENTIALS else None


def _printable_reason(message: str) -> str:
    """One printable line of AWS's own text, which names the role and the action."""
    line = "".join(character if character.isprintable() else " " for character in message).strip()
    return line[:300] or "no reason was given"
