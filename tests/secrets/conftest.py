"""An environment with canaries for secrets, behind a recording proxy, in folders of its own."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from tests.engine.environment import Environment, Outcome
from tests.secrets.canaries import Canary, Processes, all_kinds, engine_texts, files_below, hits, literal

if TYPE_CHECKING:
    from pathlib import Path

    import docker

    from tests.recording_proxy import RecordingProxy


@dataclass
class Guarded(Environment):
    """Keeps every output of the command, and looks for the canaries in all that it and the engine have written."""

    canaries: dict[str, Canary] = field(default_factory=dict)
    outputs: list[tuple[str, str]] = field(default_factory=list)
    sources: list[Path] = field(default_factory=list)

    @property
    def temporary(self) -> Path:
        return self.folder.parent / "tmp"

    def keep(self, *names: str) -> None:
        """Put canaries into `.env.local`."""
        path = self.folder / ".env.local"
        path.write_text("".join(f"{n.upper()}={literal(self.canaries[n].text)}\n" for n in names), encoding="utf-8")
        path.chmod(0o600)
        if path not in self.sources:
            self.sources.append(path)

    def keep_file(self, name: str) -> Path:
        """Put a canary into a file that the playbook names."""
        path = self.folder / f"{name}.bin"
        path.write_bytes(self.canaries[name].value)
        self.sources.append(path)
        return path

    def surroundings(self, **more: str) -> dict[str, str]:
        self.temporary.mkdir(exist_ok=True)
        kept = {key: value for key, value in super().surroundings().items() if not key.startswith("AWS_")}
        return {**kept, "TMPDIR": str(self.temporary), "AWS_EC2_METADATA_DISABLED": "true", **more}

    def provision(self, *arguments: str, code: int = 0, stdin: bytes = b"", **variables: str) -> Outcome:
        """Run the command and keep what it writes; nothing but `code` is accepted."""
        done = subprocess.run(
            self.arguments(*arguments), cwd=self.folder, env=self.surroundings(**variables), input=stdin,
            capture_output=True, timeout=120, check=False,
        )  # fmt: skip
        outcome = Outcome(done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))
        self.outputs.append((f"output of {' '.join(arguments)}", outcome.text))
        assert "Traceback" not in outcome.text, outcome
        assert outcome.code == code, outcome
        return outcome

    def require_silence(self, engine: docker.DockerClient | None = None) -> None:
        """No canary in any output, in anything that the engine tells, or in any file but those they come from."""
        everything = list(self.canaries.values())
        found = [hit for where, text in self.outputs for hit in hits(everything, where, text)]
        for where, content in engine_texts(engine or self.engine, self.project):
            found += hits(everything, where, content)
        for folder in (self.folder, self.temporary):
            for where, content in files_below(folder, self.sources):
                found += hits(everything, where, content)
        assert found == []
        assert self.outputs, "nothing was looked at"

    def watched(self) -> Processes:
        return Processes(self.canaries.values())


@pytest.fixture
def guarded(
    tmp_path: Path, project: str, engine: docker.DockerClient, engine_url: str, recording_proxy: RecordingProxy
) -> Guarded:
    folder = tmp_path / "project"
    folder.mkdir()
    return Guarded(folder, project, engine, engine_url, recording_proxy, canaries=all_kinds())
