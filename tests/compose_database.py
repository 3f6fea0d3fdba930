"""A PostgreSQL with rows in a volume of a Compose project: adopted, changed, destroyed, applied, and back to Compose.

`python -m tests.compose_database COMPOSE URL` goes that way with a real Compose, and records what it asks.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import docker

from tests.compose_recording import record
from tests.corpus_adoption import Stack, remove_compose_project

if TYPE_CHECKING:
    from collections.abc import Callable

UP, BACK = "database-up", "database-back"
FILE, EXPORTED = "compose.yaml", "back.yaml"
# Letters beyond ASCII, numbers, bytes, nulls.
ROWS = """
create table items (id bigserial primary key, name text not null, price numeric(12, 4), raw bytea);
insert into items (name, price, raw)
    select 'Zoë "' || n || E'"\\n\\t|', case when n % 7 > 0 then n * 1.0001 end, decode(md5(n::text), 'hex')
    from generate_series(1, 5000) n;
"""
DIGEST = "select count(*) || ' ' || md5(string_agg(i::text, '' order by id)) from items i"


def document(**database: Any) -> dict[str, Any]:
    """The project's file; `database` are further keys of the database."""
    return {
        "services": {
            "db": {
                "image": "postgres:16-alpine",
                "environment": {"POSTGRES_DB": "orders", "POSTGRES_PASSWORD_FILE": "/run/secrets/password"},
                "secrets": ["password"], "volumes": ["orders:/var/lib/postgresql/data"], "stop_grace_period": "30s",
                "healthcheck": {"test": ["CMD-SHELL", "pg_isready -q -h 127.0.0.1 -U postgres"], "interval": "1s",
                                "retries": 60},
                **database,
            },
            "web": {"image": "busybox:1.36", "command": ["sleep", "infinity"], "stop_signal": "SIGKILL",
                    "depends_on": ["db"]},
        },
        "secrets": {"password": {"file": "./password.txt"}},
        "volumes": {"orders": {}},
    }  # fmt: skip


@dataclass
class Database:
    """The project in a folder. `bring_up` is `docker compose -f FILE up -d`, whose recording has the name that it gets
    besides."""

    stack: Stack
    bring_up: Callable[[str, str], None]

    def write(self, **database: Any) -> None:
        text = json.dumps({"name": self.stack.project, **document(**database)}, indent=1)
        (self.stack.folder / FILE).write_text(text)

    def query(self, statements: str) -> str:
        """What psql says, as soon as the database can be reached."""
        container = self.stack.client.containers.get(f"{self.stack.project}-db-1")
        line = ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-U", "postgres", "-d", "orders",
                "-tA", "-c", statements]  # fmt: skip
        password = {"PGPASSWORD": "s3cret"}
        deadline = time.monotonic() + 60
        while container.exec_run(["pg_isready", "-q", "-h", "127.0.0.1", "-U", "postgres"]).exit_code:
            assert time.monotonic() < deadline, container.logs(tail=20)
            time.sleep(0.1)
        done = container.exec_run(line, environment=password)
        assert done.exit_code == 0, done.output
        return str(done.output.decode()).strip()

    def prove(self) -> None:
        """From Compose and back to it: the rows are there at every step."""
        stack = self.stack
        (stack.folder / "password.txt").write_text("s3cret")
        self.write()
        self.bring_up(UP, FILE)
        self.query(ROWS)
        rows, before = self.query(DIGEST), stack.running()
        assert rows.startswith("5000 ")

        assert "provision adopt" in stack.provision("plan", codes=(1,))
        stack.provision("adopt", "--yes")
        assert stack.pending() == ()
        assert stack.running() == before
        assert self.query(DIGEST) == rows

        self.write(command=["-c", "max_connections=40"])
        assert [one.partition(":")[0] for one in stack.pending()] == ["service.db replace"]
        stack.provision("apply", "--yes")
        assert self.query(DIGEST) == rows
        stack.provision("destroy", "--yes")
        assert stack.running() == {}
        stack.provision("apply", "--yes")
        assert self.query(DIGEST) == rows
        assert self.query("show max_connections") == "40"
        self.query("insert into items (name) values ('with provision')")
        rows = self.query(DIGEST)
        assert rows.startswith("5001 ")

        stack.provision("export", "-o", EXPORTED)
        stack.provision("destroy", "--yes")
        self.bring_up(BACK, EXPORTED)
        assert self.query(DIGEST) == rows
        # And in again.
        stack.provision("adopt", "--yes")
        assert stack.pending() == ()
        assert self.query(DIGEST) == rows


def main() -> None:
    compose, url = sys.argv[1:]
    project = f"pt-{secrets.token_hex(4)}"
    with tempfile.TemporaryDirectory() as place, contextlib.closing(docker.DockerClient(base_url=url)) as client:
        folder = Path(place) / project
        folder.mkdir()

        def bring_up(name: str, file: str) -> None:
            record(name, [compose, "-f", file], folder=folder, project=project, url=url, arguments=["up", "-d"])

        try:
            Database(Stack("database", folder, project, client, url, ()), bring_up).prove()
        finally:
            remove_compose_project(client, project)


if __name__ == "__main__":
    main()
