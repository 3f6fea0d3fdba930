"""The comment of a pull request that holds the plan of one environment: it is written, and its digest read again.

`comment.py put FILE` makes FILE the text of this environment's comment, the same one every time. `comment.py digest`
prints the digest in the comment of the pull request that the commit came with. The environment is PROVISION_TARGET, or
PROVISION_FILE; the rest is what GitHub gives every job. Needs Python and nothing else.
"""

from __future__ import annotations

import json
import os
import re
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

_DIGEST = re.compile(r"^Digest: `([0-9a-f]+(?:-[0-9a-f]+)+)`", re.MULTILINE)
# GitHub refuses a comment with more characters than 65,536.
_LONGEST = 65_000


def main(arguments: list[str]) -> int:
    """Do what the arguments say; return the exit code."""
    surroundings = os.environ
    environment = surroundings.get("PROVISION_TARGET") or surroundings.get("PROVISION_FILE") or "local"
    # A comment of HTML ends with `--`, so none may be within.
    mark = f"<!-- provision {environment.replace('--', '- -')} -->"
    if arguments[:1] == ["put"]:
        return put(mark, Path(arguments[1]).read_text(encoding="utf-8"))
    return digest(mark, environment, surroundings.get("COMMENT_AUTHOR") or "github-actions[bot]")


def put(mark: str, text: str) -> int:
    """Write the comment; where that is not allowed, as for a fork, say so: the plan is in the job's summary too."""
    number = _event().get("pull_request", {}).get("number")
    if number is None:
        print("::notice title=provision::this job is of no pull request: the plan is in its summary")
        return 0
    if len(text) > _LONGEST:
        text = "The plan is too long for a comment; the summary of the job has it.\n\n" + "\n".join(
            f"Digest: `{found}`" for found in _DIGEST.findall(text)[-1:]
        )
    body = {"body": f"{mark}\n{text}"}
    try:
        there = [one["id"] for one in _comments(number) if one["body"].startswith(mark)]
        if there:
            ask("PATCH", f"/issues/comments/{there[-1]}", body)
        else:
            ask("POST", f"/issues/{number}/comments", body)
    except urllib.error.HTTPError as error:
        with error:
            print(
                f"::warning title=provision::the plan could not be written as a comment: {error}. "
                "Does the job have the permission `pull-requests: write`? A pull request from a fork never has it"
            )
    return 0


def digest(mark: str, environment: str, author: str) -> int:
    """Print the approved digest. 1, and why, where there is none: what was never shown is never applied."""
    commit = os.environ["GITHUB_SHA"]
    merged = [one["number"] for one in ask("GET", f"/commits/{commit}/pulls") if one.get("merged_at")]
    for number in merged:
        # Whoever can comment could write a digest: only the job's own comment counts.
        for one in reversed(list(_comments(number))):
            if one["user"]["login"] == author and one["body"].startswith(mark):
                found = _DIGEST.findall(one["body"])
                if found:
                    print(found[-1])
                    return 0
    numbers = ", ".join(f"#{number}" for number in merged)
    why = (
        f"pull request {numbers} has no plan of {environment} by {author}"
        if merged
        else f"{commit} came with no pull request"
    )
    print(
        f"::error title=provision::{why}, so no plan was approved: "
        "look at `provision plan`, and give this action its `digest`",
        file=sys.stderr,
    )
    return 1


def _comments(number: int) -> Any:
    page = 1
    while found := ask("GET", f"/issues/{number}/comments?per_page=100&page={page}"):
        yield from found
        page += 1


def _event() -> Any:
    path = os.environ.get("GITHUB_EVENT_PATH")
    return json.loads(Path(path).read_text(encoding="utf-8")) if path else {}


def ask(method: str, path: str, document: Any = None) -> Any:
    """One request to GitHub about this repository; urllib.error.HTTPError where it is refused."""
    request = urllib.request.Request(
        f"{os.environ['GITHUB_API_URL']}/repos/{os.environ['GITHUB_REPOSITORY']}{path}",
        None if document is None else json.dumps(document).encode(),
        {
            "Accept": "application/vnd.github+json",
            "Authorization": f"Bearer {os.environ['GITHUB_TOKEN']}",
            "Content-Type": "application/json",
            "X-GitHub-Api-Version": "2022-11-28",
        },
        method=method,
    )
    with urllib.request.urlopen(request, timeout=30) as response:
        return json.loads(response.read() or b"null")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
