"""`up` that stays until a service ends: its options, and what it prints meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.errors import UsageError
from provisioner.model.dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from provisioner.app.request import Request
    from provisioner.app.up import UpOptions
    from provisioner.cli.settings import Settings
    from provisioner.model.address import Address
    from provisioner.model.plan import Policy, Verb


@dataclass(frozen=True, slots=True)
class Staying:
    """`abort` is `exit` or `failure`, None where `up` returns; `attached` and `muted` say whose lines are shown."""

    abort: str | None
    code_of: str
    attached: tuple[str, ...]
    muted: tuple[str, ...]
    no_log_prefix: bool
    timestamps: bool

    @property
    def until_end(self) -> bool:
        """Whether it stays until something ends."""
        return bool(self.abort or self.code_of)

    def require_sense(self, *, detached: bool, as_json: bool) -> None:
        """UsageError for options that say nothing together."""
        shows = self.attached or self.muted or self.no_log_prefix or self.timestamps
        if shows and not self.until_end:
            raise UsageError(
                "--attach, --no-attach, --no-log-prefix, --timestamps are of an `up` that stays, and this one returns",
                hint="provision logs -f SERVICE follows what it says; --abort-on-container-exit stays",
            )
        if self.until_end and (detached or as_json):
            what = "--detach and --wait say" if detached else "--json says"
            raise UsageError(f"{what} otherwise than --abort-on-container-exit and its like: give one of them")

    def up(
        self,
        settings: Settings,
        request: Request,
        permitted: Policy,
        replicas: Mapping[str, int],
        options: UpOptions,
        hushed: Collection[Verb],
    ) -> int:
        """Start services, print what they say until one ends, stop them; the exit code."""
        from provisioner.app.up_until_end import UntilEnd, up_until_end
        from provisioner.cli.cmd_logs import prefixes
        from provisioner.cli.interrupt import interruptible
        from provisioner.cli.progress_listener import progress_listener

        out, err = settings.out(), settings.err()
        prefix = prefixes(out.paint)

        def write(address: Address, line: bytes) -> None:
            text = line.decode(errors="replace").rstrip("\r\n")
            out.write(f"{'' if self.no_log_prefix else prefix(str(address))}{text}\n", verbatim=True)

        until = UntilEnd(self.code_of, self.abort == "failure" and not self.code_of, self._shown(request, options),
                         self.timestamps)  # fmt: skip
        with interruptible() as interrupt:
            return up_until_end(
                request, permitted, replicas, options, until,
                open_listener=lambda: progress_listener(settings, as_json=False, hushed=hushed), write=write,
                tell=lambda text: None if settings.quiet else err.write(f"{text}\n"), interrupt=interrupt,
            )  # fmt: skip

    def _shown(self, request: Request, options: UpOptions) -> tuple[str, ...]:
        """Whose lines are shown; nobody's name where it is everybody."""
        if not self.attached and not self.muted:
            return ()
        from provisioner.app.service_work import load_with

        playbook = load_with(request, (*self.attached, *self.muted))
        known = self.attached or options.services or tuple(playbook.services)
        return tuple(name for name in known if name not in self.muted)
