"""What each exit code says, for `provision explain` and the page on exit codes."""

from __future__ import annotations

# code: (meaning, what to do)
EXIT_CODES: dict[int, tuple[str, str]] = {
    0: ("done, or nothing to do", ""),
    1: (
        "something failed: a step, a check, a lint error; or a plan is refused, or you answered no",
        "read what was and was not done; the same command continues where it ended",
    ),
    2: (
        "changes are pending (`plan --detailed-exitcode`, `apply --check --detailed-exitcode`), or the engine differs "
        "from what was last applied (`drift`)",
        "`provision apply`; after `drift` look first who changed it, and whether that is to stay: then write it into "
        "the playbook",
    ),
    3: (
        "applied, but rolled back (what was replaced serves again), or not converged: a second look at the engine "
        "still found a difference; with `status --exit-code`: something is not well",
        "read why the new one failed and mend it; or which field differs: somebody or something else changes it",
    ),
    64: ("wrong usage", "read the message; `--help`"),
    65: ("the playbook is invalid", "every problem is listed with file, line and column"),
    69: (
        "the engine, or a service that is needed, can not be reached",
        "the message says which one and how it was chosen",
    ),
    75: (
        "another apply holds the lease, or took it over while this one was suspended",
        "the message says who and since when; `--lock-timeout SECONDS` waits for it",
    ),
    76: (
        "the saved plan is stale, or something that the plan depends on changed before it was carried out",
        "look at a new plan",
    ),
    77: ("a secret is missing, not allowed, or can not be compared", "the message says where it was looked for"),
    130: ("interrupted", "the same command continues where it ended"),
}


def exit_code_table() -> str:
    """The table of the page, in Markdown."""
    lines = [f"| {code} | {meaning} | {advice} |" for code, (meaning, advice) in EXIT_CODES.items()]
    return "\n".join(["| code | meaning | what to do |", "| --- | --- | --- |", *lines]).replace("|  |", "| |") + "\n"
