"""A real PostgreSQL through backup, restore and rehearsal: its rows, and what it makes of them, stay the same."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.engine.environment import service

if TYPE_CHECKING:
    from tests.engine.environment import Environment, Outcome

pytestmark = pytest.mark.engine

PSQL = ("psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-U", "postgres", "-d", "orders", "-tA", "-c")
RESTORE = ["pg_restore", "--exit-on-error", "--clean", "--if-exists", "-U", "postgres", "-d", "orders"]
# Letters beyond ASCII, bytes of every value, nulls, a sequence, a reference, a view that a restore must make in order.
ROWS = """
create table customers (id int primary key, name text not null unique);
insert into customers select n, 'Zoë "' || n || E'"\\n\\t|' from generate_series(1, 200) n;
create table items (
    id bigserial primary key, customer int not null references customers, price numeric(12, 4), at timestamptz,
    raw bytea);
insert into items (customer, price, at, raw)
    select 1 + n % 200, case when n % 7 > 0 then n * 1.0001 end,
        timestamptz '2001-02-03 04:05:06+00' + n * interval '1 s',
        decode(lpad(to_hex(n % 256), 2, '0') || md5(n::text), 'hex')
    from generate_series(1, 20000) n;
create index by_time on items (at);
create view sums as select customer, sum(price) from items group by customer;
"""
DIGEST = """
select (select md5(string_agg(i::text, '' order by id)) from items i), (select md5(string_agg(c::text, '' order by id))
    from customers c), (select md5(string_agg(s::text, '' order by customer)) from sums s), nextval('items_id_seq')
"""
SPOILT = "drop view sums; delete from items where id % 2 = 0; update customers set name = id::text"


def playbook(**backup: Any) -> dict[str, Any]:
    database = {
        "image": "postgres:16-alpine",
        "environment": {"POSTGRES_DB": "orders", "POSTGRES_PASSWORD_FILE": "/run/secrets/password"},
        "secrets": [{"source": "password", "target": "password", "mode": 0o444}],
        "volumes": ["orders:/var/lib/postgresql/data"],
        "healthcheck": {
            "test": ["CMD-SHELL", "pg_isready -q -h 127.0.0.1 -U postgres"], "interval": "1s", "retries": 60,
        },
        "stop_grace_period": "30s",
        "backup": {
            "command": ["pg_dump", "-Fc", "-U", "postgres", "orders"], "restore": RESTORE, "replaces": ["orders"],
            **backup,
        },
    }  # fmt: skip
    count = {"service": "db", "command": [*PSQL, "select count(*) from items join sums using (customer)"]}
    return {
        "services": {"db": database, "web": service(depends_on={"db": {"condition": "service_healthy"}})},
        "secrets": {"password": {"generate": {"length": 32}}},
        "volumes": {"orders": {"protect": True}},
        "backup": {"to": "./archives"},
        "verify": [{"name": "rows", "exec": {**count, "stdout": "20000"}}],
    }


def query(environment: Environment, statements: str) -> str:
    done = environment.container("db-1").exec_run([*PSQL, statements])
    assert done.exit_code == 0, done.output
    return str(done.output.decode())


def restore(environment: Environment, code: int = 0) -> Outcome:
    done = environment.run("restore", "latest", "--yes", "--replace", timeout=300)
    assert done.code == code, done
    return done


def test_the_same_rows(environment: Environment) -> None:
    environment.write(playbook())
    environment.apply("--no-verify")
    query(environment, ROWS)
    backup = environment.run("backup", "--json", timeout=300)
    assert backup.code == 0, backup
    assert [part["address"] for part in json.loads(backup.stdout)["parts"]] == ["playbook", "service.db"]
    saved = query(environment, DIGEST)
    query(environment, SPOILT)
    spoilt = query(environment, "select count(*), min(name) from items, customers")

    # A restore that the database refuses leaves what was there, to the last row.
    environment.write(playbook(restore=[*RESTORE[:-1], "no_such_database"]))
    refused = restore(environment, code=1)
    assert "no_such_database" in refused.stderr
    assert query(environment, "select count(*), min(name) from items, customers") == spoilt

    environment.write(playbook())
    rehearsed = environment.run("rehearse", "--latest", timeout=300)
    assert (rehearsed.code, "is proven" in rehearsed.stdout) == (0, True), rehearsed
    assert query(environment, "select count(*), min(name) from items, customers") == spoilt

    restore(environment)
    assert query(environment, DIGEST) == saved
    # Without the check, which runs a command: that is a request, too. Other checks are a revision of their own.
    environment.write({**playbook(), "verify": []})
    environment.apply()
    environment.require_inert()
    environment.write(playbook())
    assert environment.run("verify").code == 0
    undone = environment.run("restore", "--undo", "--yes", timeout=300)
    assert undone.code == 1, "the check of the rows tells that the spoilt ones are back"
    assert query(environment, "select count(*), min(name) from items, customers") == spoilt
