"""What people do to running containers: signals, terminals, figures, events, copies. Plans do none of it."""

from __future__ import annotations

import json
import queue
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from provisioner.engines import removal
from provisioner.engines.exec_output import exit_code
from provisioner.engines.reading import DockerReader
from provisioner.engines.transport import TRANSPORT
from provisioner.errors import EngineRefused, ProvisionError, Unreachable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from provisioner.model.edges import EngineJson

_POLL = 0.1
_CHUNK = 1 << 20


class Operations(DockerReader):
    """Implements `EngineOperator` beyond `EngineWriter` on a live engine."""

    def kill(self, container_id: str, signal: str = "SIGKILL") -> None:
        self._wire.post(f"/containers/{container_id}/kill", None, {"signal": signal})

    def force_remove(self, container_id: str, *, volumes: bool = False) -> None:
        parameters = {"v": "1" if volumes else "0", "force": "1"}
        removal.remove(self._wire, self.inspect, "container", container_id, parameters)

    def wait_for_end(self, container_id: str, stopped: Callable[[], bool]) -> int | None:
        answers: queue.SimpleQueue[int | ProvisionError | None] = queue.SimpleQueue()

        def ask() -> None:
            try:
                answers.put(self._end_of(container_id))
            except ProvisionError as error:
                answers.put(error)

        threading.Thread(target=ask, daemon=True).start()
        while not stopped():
            with suppress(queue.Empty):
                answer = answers.get(timeout=_POLL)
                if isinstance(answer, ProvisionError):
                    raise answer
                return answer
        return None

    def _end_of(self, container_id: str) -> int | None:
        """The exit code, once there is one (POST /containers/{id}/wait): also of what is removed meanwhile."""
        try:
            answer = b"".join(self._chunks(f"/containers/{container_id}/wait", {}, method="POST"))
            return int(json.loads(answer)["StatusCode"])
        except EngineRefused as error:
            if error.status == 404:
                return None
            raise
        except (ValueError, KeyError) as error:
            raise Unreachable(f"the engine's answer to the wait for {container_id} is cut") from error

    def top(self, container_id: str, arguments: str = "") -> tuple[Sequence[str], Sequence[Sequence[str]]]:
        answer = self._wire.get(f"/containers/{container_id}/top", {"ps_args": arguments} if arguments else {})
        return answer["Titles"], answer["Processes"] or []

    def figures(self, container_id: str) -> EngineJson:
        answer: EngineJson = self._wire.get(f"/containers/{container_id}/stats", {"stream": "0"})
        return answer

    def events(
        self, filters: Mapping[str, Sequence[str]], *, since: str | None = None, until: str | None = None
    ) -> Iterator[EngineJson]:
        asked = {"filters": json.dumps({key: list(values) for key, values in filters.items()})}
        asked |= {key: value for key, value in (("since", since), ("until", until)) if value}
        rest = b""
        for chunk in self._chunks("/events", asked):
            *lines, rest = (rest + chunk).split(b"\n")
            yield from (json.loads(line) for line in lines if line)

    def log_chunks(self, kind: str, object_id: str, *, follow: bool) -> Iterator[bytes]:
        asked = {"stdout": "1", "stderr": "1", "follow": "1" if follow else "0"}
        return self._chunks(f"/{kind}s/{object_id}/logs", asked)

    def _chunks(
        self, path: str, parameters: Mapping[str, str], method: str = "GET", headers: Mapping[str, str] | None = None
    ) -> Iterator[bytes]:
        """The body of an answer as it comes, for as long as it comes."""
        from provisioner.engines.engine_http import answer_error

        client = self._wire.client
        try:
            response = client.request(
                method, f"{client.base_url}/v{client.api_version}{path}", params=dict(parameters), headers=headers,
                timeout=(60, None), allow_redirects=False, stream=True,
            )  # fmt: skip
            with response:
                if response.status_code >= 300:
                    raise answer_error(response.status_code, response.content, f"GET {path}")
                yield from response.iter_content(None)
        except (ValueError, *TRANSPORT) as error:
            raise self._wire.classified(error) from error

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
        from provisioner.engines.terminal import LocalWriteError, join_streams

        client = self._wire.client
        asked = {"stdout": 1, "stderr": 1, "stream": 1, "stdin": int(stdin), "logs": int(logs)}
        try:
            stream = client.attach_socket(container_id, asked | ({"detachKeys": detach_keys} if detach_keys else {}))
            return join_streams(
                stream, tty=tty, stdin=stdin, ends_input=ends_input, begin=begin, stopped=stopped,
                # An engine joins what has ended until it is started again and ends: nothing would close the stream.
                over=begin is None and not self._runs(container_id),
                resize=lambda rows, columns: client.resize(container_id, height=rows, width=columns),
            )  # fmt: skip
        except LocalWriteError as error:
            raise error.reason from None
        except TRANSPORT as error:
            raise self._wire.classified(error) from error

    def _runs(self, container_id: str) -> bool:
        raw = self.inspect("container", container_id)
        return raw is not None and bool(raw["State"].get("Running"))

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
        from provisioner.engines.terminal import LocalWriteError, join_streams

        client = self._wire.client
        try:
            made = client.exec_create(
                container_id, list(command), stdin=not detach, tty=tty, user=user, workdir=workdir or None,
                environment=dict(environment or {}), privileged=privileged,
            )  # fmt: skip
            identity = made["Id"]
            if detach:
                client.exec_start(identity, detach=True)
                return 0
            join_streams(
                client.exec_start(identity, tty=tty, socket=True), tty=tty,
                resize=lambda rows, columns: client.exec_resize(identity, height=rows, width=columns),
            )  # fmt: skip
            return exit_code(lambda: client.exec_inspect(identity))
        except LocalWriteError as error:
            raise error.reason from None
        except TRANSPORT as error:
            raise self._wire.classified(error) from error

    def path_facts(self, container_id: str, path: str) -> EngineJson | None:
        import base64

        reply = self._wire.send("HEAD", f"/containers/{container_id}/archive", {"path": path}, missing_is_fine=True)
        header = reply.headers.get("X-Docker-Container-Path-Stat") if reply is not None else None
        if not header:
            return None
        facts: EngineJson = json.loads(base64.b64decode(header))
        return facts

    def get_tar(self, container_id: str, path: str) -> Iterator[bytes]:
        headers = self._wire.endpoint.tar_headers
        return self._chunks(f"/containers/{container_id}/archive", {"path": path}, headers=headers)

    def put_tar(self, container_id: str, path: str, chunks: Iterator[bytes], *, to_user: bool) -> None:
        from provisioner.engines.engine_http import answer_error

        client = self._wire.client
        asked = {"path": path, "noOverwriteDirNonDir": "true"} | ({"copyUIDGID": "true"} if to_user else {})
        try:
            response = client.request(
                "PUT", f"{client.base_url}/v{client.api_version}/containers/{container_id}/archive", params=asked,
                data=chunks, headers={"Content-Type": "application/x-tar"}, timeout=(60, None), allow_redirects=False,
            )  # fmt: skip
        except TRANSPORT as error:
            raise self._wire.classified(error) from error
        if response.status_code >= 300:
            raise answer_error(response.status_code, response.content, f"PUT /containers/{container_id}/archive")
