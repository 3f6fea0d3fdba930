"""What an image's name tells: its parts, and the well-known programs that keep data."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from provisioner.lint.bodies import environment, text
from provisioner.model.dataclass import dataclass

if TYPE_CHECKING:
    from provisioner.model.playbook import Service


@dataclass(frozen=True, slots=True)
class Reference:
    """`registry/repository:tag@digest` in parts; what is not there is empty."""

    repository: str
    tag: str
    digest: str

    @property
    def name(self) -> str:
        """The last component of the repository: `postgres` of `docker.io/library/postgres`."""
        return self.repository.rpartition("/")[2]


def reference(image: str) -> Reference:
    """An image name in its parts."""
    rest, _, digest = image.partition("@")
    head, colon, tag = rest.rpartition(":")
    if not colon or "/" in tag:
        return Reference(rest, "", digest)
    return Reference(head, tag, digest)


@dataclass(frozen=True, slots=True)
class Store:
    """A program that keeps data. `data` is where, `ports` is where it listens, `initialise` takes scripts for the
    first start, `moved_by` names a variable that moves the data; `single` says that two processes on one folder of
    data destroy it.
    """

    family: str
    ports: tuple[int, ...]
    data: str
    initialise: str = ""
    single: bool = True
    moved_by: str = ""


_POSTGRES = Store("PostgreSQL", (5432,), "/var/lib/postgresql/data", "/docker-entrypoint-initdb.d", moved_by="PGDATA")
_MYSQL = Store("MySQL", (3306,), "/var/lib/mysql", "/docker-entrypoint-initdb.d")
_MARIADB = Store("MariaDB", (3306,), "/var/lib/mysql", "/docker-entrypoint-initdb.d")
_MONGO = Store("MongoDB", (27017,), "/data/db", "/docker-entrypoint-initdb.d")
_REDIS = Store("Redis", (6379,), "/data")

STORES = {
    "postgres": _POSTGRES,
    "postgresql": Store("PostgreSQL", (5432,), "/bitnami/postgresql"),
    "postgis": _POSTGRES,
    "timescaledb": _POSTGRES,
    "pgvector": _POSTGRES,
    "mysql": _MYSQL,
    "mysql-server": _MYSQL,
    "percona": _MYSQL,
    "mariadb": _MARIADB,
    "mongo": _MONGO,
    "redis": _REDIS,
    "redis-stack-server": _REDIS,
    "valkey": Store("Valkey", (6379,), "/data"),
    "elasticsearch": Store("Elasticsearch", (9200, 9300), "/usr/share/elasticsearch/data"),
    "opensearch": Store("OpenSearch", (9200, 9300), "/usr/share/opensearch/data"),
    "rabbitmq": Store("RabbitMQ", (5672,), "/var/lib/rabbitmq"),
    "minio": Store("MinIO", (9000,), "/data", single=False),
    "influxdb": Store("InfluxDB", (8086,), "/var/lib/influxdb2", "/docker-entrypoint-initdb.d"),
    "clickhouse-server": Store("ClickHouse", (8123, 9000), "/var/lib/clickhouse", "/docker-entrypoint-initdb.d"),
    "cassandra": Store("Cassandra", (9042,), "/var/lib/cassandra"),
    "neo4j": Store("Neo4j", (7687, 7474), "/data"),
    "couchdb": Store("CouchDB", (5984,), "/opt/couchdb/data"),
    "etcd": Store("etcd", (2379, 2380), "/var/lib/etcd"),
    "server": Store("SQL Server", (1433,), "/var/opt/mssql"),
}

_PORTS_ONLY = {"memcached": Store("memcached", (11211,), "")}


def store_of(service: Service) -> Store | None:
    """The data-keeping program that the service runs, as far as its image's name tells; None for all others.

    An image that is built here is taken for what its name says only when it has one of its own.
    """
    given = service.body.get("image")
    if given is None:
        return None
    parts = reference(text(given))
    if parts.name == "server" and "mssql" not in parts.repository:
        return None
    store = STORES.get(parts.name) or _PORTS_ONLY.get(parts.name)
    if parts.name.startswith("timescaledb"):
        store = _POSTGRES
    return store


def is_database(service: Service) -> bool:
    """Whether losing the service's data is losing work, unlike a cache's."""
    store = store_of(service)
    if store is None or not store.data:
        return False
    return store.family not in ("Redis", "Valkey") or "appendonly" in text_of_command(service)


def text_of_command(service: Service) -> str:
    """`command` as one line; empty for none."""
    section = service.body.get("command")
    if section is None:
        return ""
    return " ".join(text(item) for item in section.items) if section.is_sequence else text(section)


def data_folder(service: Service, store: Store) -> tuple[str, str]:
    """Where the service keeps its data, and which folder its image declares as a volume of its own."""
    declared = store.data
    if store is _POSTGRES:
        major = re.match(r"(?:latest-)?(?:pg)?([0-9]+)", reference(service.image).tag)
        repository = reference(service.image).name
        if repository == "postgres" and major and int(major[1]) >= 18:
            declared = "/var/lib/postgresql"
    moved = environment(service).get(store.moved_by, "") if store.moved_by else ""
    return (moved.rstrip("/") or declared), declared
