"""The protocols through which the core touches the world, owned by the core."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from provisioner.model.builder import Builders, Choice
    from provisioner.model.edges import BuildRecipe, EngineJson
    from provisioner.model.event import Event
    from provisioner.model.secret import Resolution, SecretRef, SecretValue
    from provisioner.model.state import Facts


class EngineReader(Protocol):
    """Looks at an engine and can not change it.

    `kind` is network, volume, container or image. Objects are the Engine API's own JSON. Every call raises
    `Unreachable` when there is no answer, `EngineRefused` for an answer that is an error other than 404.
    """

    def facts(self) -> Facts:
        """The engine's own facts, without any image (GET /info, /version)."""

    def list(self, kind: str, labels: Mapping[str, str]) -> Sequence[EngineJson]:
        """Full inspections of all objects, running or not, that carry all the labels; of a Swarm's tasks, whose labels
        are their service's, only those that are to run with its present spec."""

    def containers(self) -> Sequence[EngineJson]:
        """Every container, whosever it is and whether it runs or not, as the engine lists it in one answer."""

    def bound_ports(self) -> Collection[tuple[str, int, str]] | None:
        """The ports that any process has where the engine publishes them: address, port, protocol.

        None where that can not be told from here.
        """

    def inspect(self, kind: str, name: str) -> EngineJson | None:
        """One object by its id or exact name; None when there is none."""

    def logs(
        self,
        container_id: str,
        *,
        tail: int | None,
        since: str | None = None,
        until: str | None = None,
        follow: bool = False,
        timestamps: bool = False,
        kind: str = "container",
    ) -> Iterator[bytes]:
        """Lines of what a container, service or task wrote, with their newline, oldest first; `tail` None for all.

        `since` and `until` are times in Unix seconds.
        """

    def tasks(self, service_id: str, *, current: bool = False) -> Sequence[EngineJson]:
        """The tasks of a Swarm service, past ones too; with `current` only those of its present spec."""

    def read_files(self, container_id: str, path: str) -> Mapping[str, bytes]:
        """The regular files at or below a path in a container, running or not, by their own names."""

    def is_folder(self, container_id: str, path: str) -> bool:
        """Whether a path in a container, running or not, is a folder; links are followed. False where nothing is."""

    def distribution(self, reference: str) -> str | None:
        """The digest that the registry has for an image reference; None when it can not be told."""

    def builders(self) -> Builders:
        """What can build images for this engine, best first. Looked for at the first call."""

    def builder_for(self, build: BuildRecipe) -> Choice | None:
        """Which builder a canonical Compose `build` gets, and what that lacks; None, without a look, where any does."""


class EngineWriter(EngineReader, Protocol):
    """Changes an engine. Objects are addressed by full id. A missing object raises `EngineRefused` (404)."""

    def create(self, kind: str, name: str, body: EngineJson) -> str:
        """Create a network, volume or container and return its full id (a volume's name)."""

    def remove(self, kind: str, object_id: str, *, volumes: bool = False) -> None:
        """Remove it; already gone is fine. `volumes` takes a container's anonymous volumes along."""

    def start(self, container_id: str) -> None: ...

    def stop(self, container_id: str, *, grace: float | None = None) -> None:
        """Stop it with its own signal and grace time (seconds); already stopped is fine."""

    def restart(self, container_id: str, *, grace: float | None = None) -> None: ...

    def unpause(self, container_id: str) -> None: ...

    def rename(self, container_id: str, name: str) -> None: ...

    def update(self, container_id: str, body: EngineJson) -> None:
        """Change limits or the restart policy of a live container (POST /containers/{id}/update)."""

    def update_spec(self, kind: str, object_id: str, version: int, body: EngineJson) -> None:
        """Replace the spec of a Swarm's service, or the labels in that of a config or secret.

        EngineConflict when its version index is another one by now.
        """

    def roll_back_service(self, service_id: str, version: int) -> None:
        """Give a Swarm service the spec that it had before the last update. EngineConflict as with `update_spec`."""

    def connect(self, network_id: str, container_id: str, endpoint: EngineJson) -> None: ...

    def disconnect(self, network_id: str, container_id: str) -> None: ...

    def put_archive(self, container_id: str, path: str, tar: bytes) -> None: ...

    def pull(self, reference: str, platform: str | None, progress: Callable[[str], None], *, digest: str = "") -> None:
        """Pull an image; with a `digest` that very one, whatever the registry has under the name by now."""

    def tag(self, image_id: str, reference: str) -> None:
        """Give an image a further name, which is taken from the image that has it."""

    def build(
        self,
        tag: str,
        build: BuildRecipe,
        labels: Mapping[str, str],
        *,
        secrets: Mapping[str, SecretValue],
        progress: Callable[[str], None],
        stopped: Callable[[], bool],
    ) -> None:
        """Build an image from a canonical Compose `build` mapping with absolute paths; `secrets` are values by source.

        Interrupted, with nothing made, where `stopped` says so.
        """

    def execute(
        self,
        container_id: str,
        command: Sequence[str],
        *,
        user: str = "",
        environment: Mapping[str, str] | None = None,
        workdir: str | None = None,
        privileged: bool = False,
        seconds: float | None = None,
    ) -> tuple[int, bytes, bytes]:
        """Run a command in a running container; its exit code, standard output and standard error.

        StepFailed where it has not ended after `seconds`. It may go on: no engine ends the command of an exec.
        """


class DataEngine(EngineWriter, Protocol):
    """An engine whose containers' data can be streamed. A stream that breaks off raises `Unreachable`."""

    def pause(self, container_id: str) -> None:
        """Freeze a container's processes; already paused is fine."""

    def volume_sizes(self) -> Mapping[str, int]:
        """The bytes of each volume by name; -1, or no entry, where the engine can not tell."""

    def read_archive(self, container_id: str, path: str) -> Generator[bytes, None, None]:
        """A folder of a container, running or not, as a tar stream whose names start with the folder's own.

        Close it where it is not read to its end: until then the engine does not remove the container.
        """

    def write_archive(self, container_id: str, path: str, chunks: Iterable[bytes]) -> None:
        """Unpack a tar stream in a container, running or not, with owners, modes and times as they are in it."""

    def run_streamed(
        self,
        container_id: str,
        command: Sequence[str],
        stdin: Iterable[bytes] | None = None,
        words: deque[str] | None = None,
    ) -> Iterator[bytes]:
        """What a command in a running container writes to its standard output while it is fed `stdin`.

        While it writes nothing there is an empty piece now and then. `words` gets the last lines of its standard error;
        StepFailed has them where it ends with another exit code than 0, hangs, or can not be run there.
        """


class EngineOperator(EngineWriter, Protocol):
    """Does to running containers what people do and no plan does. A missing container raises `EngineRefused` (404)."""

    def kill(self, container_id: str, signal: str = "SIGKILL") -> None:
        """Send a signal. `EngineRefused` (409) for a container that does not run."""

    def pause(self, container_id: str) -> None:
        """Freeze a container's processes; already paused is fine."""

    def force_remove(self, container_id: str, *, volumes: bool = False) -> None:
        """Kill and remove a container; already gone is fine. `volumes` takes its anonymous volumes along."""

    def wait_for_end(self, container_id: str, stopped: Callable[[], bool]) -> int | None:
        """The exit code once it has ended; None when it is gone, or when `stopped` says so before."""

    def top(self, container_id: str, arguments: str = "") -> tuple[Sequence[str], Sequence[Sequence[str]]]:
        """The processes of a running container, as `ps` with these arguments has them: titles and rows."""

    def figures(self, container_id: str) -> EngineJson:
        """What a container uses, with the sample before it (GET /containers/{id}/stats); takes a second or two."""

    def events(
        self, filters: Mapping[str, Sequence[str]], *, since: str | None = None, until: str | None = None
    ) -> Iterator[EngineJson]:
        """Events as they happen (GET /events); ends with `until`. Times as the engine takes them: Unix or RFC 3339."""

    def log_chunks(self, kind: str, object_id: str, *, follow: bool) -> Iterator[bytes]:
        """The output of a container or a service, byte for byte, multiplexed unless it has a terminal."""

    def attach(
        self,
        container_id: str,
        *,
        tty: bool,
        stdin: bool,
        ends_input: bool = True,
        logs: bool = False,
        detach_keys: str = "",
        begin: Callable[[], object] | None = None,
        stopped: Callable[[], bool],
    ) -> bool:
        """Join a container with this process's standard streams until it ends; False where `stopped` ended it.

        `begin` is called when nothing of what it says can be missed any more; `logs` begins with what it has said. With
        `ends_input` the end of this process's input is the end of the container's.
        """

    def attach_exec(
        self,
        container_id: str,
        command: Sequence[str],
        *,
        user: str = "",
        workdir: str = "",
        environment: Mapping[str, str] | None = None,
        tty: bool = False,
        detach: bool = False,
        privileged: bool = False,
    ) -> int:
        """Run a command with this process's standard streams; its exit code, 0 at once when detached."""

    def path_facts(self, container_id: str, path: str) -> EngineJson | None:
        """What stands at a path (name, size, mode as Go's os.FileMode, linkTarget); None where nothing does."""

    def get_tar(self, container_id: str, path: str) -> Iterator[bytes]:
        """What stands at a path as a tar archive, piece by piece."""

    def put_tar(self, container_id: str, path: str, chunks: Iterator[bytes], *, to_user: bool) -> None:
        """Unpack a tar archive, sent piece by piece, in a folder of a container.

        Owners are the numbers in it; with `to_user` the container's user where it has one.
        """


class Clock(Protocol):
    def now(self) -> float:
        """Seconds of a clock that never goes back."""

    def sleep(self, seconds: float) -> None: ...


class Flag(Protocol):
    def is_set(self) -> bool:
        """Whether it was asked for."""


class Interrupt(Flag, Protocol):
    """Whether the user wants a command to end. While nothing is changed, asking ends it at once (KeyboardInterrupt)."""

    def wait(self, seconds: float) -> bool:
        """Let time pass, or less when the user asks; whether that has happened."""

    def deferred(self) -> AbstractContextManager[None]:
        """While the block runs, the first request only sets the flag: what is in hand can be ended in order."""


class Listener(Protocol):
    def __call__(self, event: Event) -> None:
        """Told of each event, from one thread at a time."""


class SecretSource(Protocol):
    """One tier that secrets may come from.

    `tier` is its name under `sources`. `remote` is true when asking costs a request to a service outside, which is
    then not made only to see whether a value shadows another.
    """

    @property
    def tier(self) -> str: ...

    @property
    def remote(self) -> bool: ...

    def fetch(self, refs: Sequence[SecretRef]) -> Mapping[SecretRef, Resolution]:
        """An answer for every ref, asked in one batch; fingerprints are left empty.

        `Missing` means that the tier definitely has no such secret. A tier that can not tell raises: `Unreachable`
        when it does not answer, `SecretUnavailable` when it refuses or answers with something unusable.
        """

    def warnings(self) -> Sequence[str]:
        """What the last fetch met that a person should know, without any value."""


class SecretStore(Protocol):
    """Keeps secret values for `secrets set`, `unset` and generated ones."""

    def set(self, values: Mapping[str, SecretValue], *, replace: bool = True) -> None:
        """Keep all of them or, on an error, none; without `replace`, those that have no value yet.

        `SecretUnavailable` for a value that the store can not carry.
        """

    def unset(self, names: Sequence[str]) -> Sequence[str]:
        """Remove them and return those that were there."""
