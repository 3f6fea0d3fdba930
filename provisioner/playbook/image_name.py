"""The grammar of image names: [HOST[:PORT]/]PATH[:TAG][@DIGEST], as every registry and engine has it
(github.com/distribution/reference)."""

from __future__ import annotations

import re

_LABEL = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_HOST = rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9a-fA-F:]+\])(?::[0-9]+)?"
_PART = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_NAME = re.compile(rf"(?:{_HOST}/)?{_PART}(?:/{_PART})*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_DIGEST = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}")
_ID = re.compile(r"sha256:[0-9a-f]{64}")
_LONGEST = 255


def problem_of(text: str) -> str:
    """What makes `text` no image's name, as the end of a sentence; empty where it is one."""
    if _ID.fullmatch(text):
        return ""
    rest, at, digest = text.partition("@")
    if at and not _DIGEST.fullmatch(digest):
        return "what follows '@' is no digest such as sha256: and 64 digits"
    # A colon before the last slash belongs to the port of a registry.
    slash = rest.rfind("/")
    colon = rest.find(":", slash + 1)
    name, tag = (rest, None) if colon < 0 else (rest[:colon], rest[colon + 1 :])
    if tag is not None and not _TAG.fullmatch(tag):
        return "its tag is not 1 to 128 letters, digits, '_', '.' and '-'"
    if len(name) > _LONGEST:
        return f"it has {len(name)} letters before the tag, and {_LONGEST} are the most"
    if _NAME.fullmatch(name):
        return ""
    if any(letter.isspace() for letter in name):
        return "it has a space in it"
    return "it has capital letters" if _NAME.fullmatch(name.lower()) else "registries and engines know no such name"
