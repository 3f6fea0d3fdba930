"""The images that playbooks and tests stand on keep what the official ones promise.

The same holds where the public registry answers and the official images themselves are pulled.
"""

from __future__ import annotations

import gzip
import io
import time
import urllib.request
from typing import TYPE_CHECKING, Any

import boto3
import botocore.config
import botocore.exceptions
import docker
import docker.errors
import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from docker.models.containers import Container

pytestmark = [pytest.mark.engine, pytest.mark.timeout(120)]


class Launcher:
    """Starts containers of one test and waits for what they say or do."""

    def __init__(self, engine: docker.DockerClient, project: str) -> None:
        self.engine = engine
        self.project = project
        self._count = 0

    def start(self, image: str, command: list[str] | None = None, **options: Any) -> Container:
        if not image.startswith(self.project):
            self.engine.images.pull(image)
        self._count += 1
        name = f"{self.project}-{self._count}"
        return self.engine.containers.run(image, command, name=name, detach=True, **options)

    def run(self, image: str, command: list[str], **options: Any) -> str:
        """Output of a container that ends well."""
        container = self.start(image, command, **options)
        status = container.wait(timeout=60)["StatusCode"]
        output = container.logs().decode()
        assert status == 0, output
        return output

    def build(self, dockerfile: str) -> str:
        """The tag of an image built with the engine's classic builder from a Dockerfile alone."""
        self._count += 1
        tag = f"{self.project}-image-{self._count}"
        self.engine.images.build(fileobj=io.BytesIO(dockerfile.encode()), tag=tag, rm=True)
        return tag


@pytest.fixture
def launch(engine: docker.DockerClient, project: str) -> Launcher:
    return Launcher(engine, project)


def test_a_pull_is_a_pull(engine: docker.DockerClient) -> None:
    image = engine.images.pull("busybox:1.36")
    digest = image.attrs["RepoDigests"][0].partition("@")[2]
    assert engine.images.get_registry_data("busybox:1.36").id == digest
    assert engine.images.pull(f"busybox@{digest}").id == image.id
    assert image.attrs["Size"] < 6_000_000


def test_a_name_that_nobody_has_is_an_error(engine: docker.DockerClient) -> None:
    with pytest.raises(docker.errors.APIError):
        engine.images.pull("busybox:there-is-no-such-tag")


@pytest.mark.parametrize("image", ["busybox:1.36", "alpine:3.20"])
def test_small_images_have_the_usual_commands(launch: Launcher, image: str) -> None:
    script = "which sh wget nc vi sed awk ping tar >/dev/null && id -u nobody"
    assert launch.run(image, ["sh", "-c", script]) == "65534\n"


def test_users_are_made_as_alpine_makes_them(launch: Launcher) -> None:
    image = launch.build(
        "FROM node:20-alpine\n"
        "RUN addgroup -S -g 10001 app && adduser -S -D -H -u 10001 -G app app && addgroup app node\n"
        "USER app\n"
    )
    assert launch.run(image, ["id"]).startswith("uid=10001(app) gid=10001(app)")


def test_python_installs_packages_in_an_unmodified_dockerfile(launch: Launcher) -> None:
    image = launch.build("FROM python:3.12-slim\nRUN pip install --no-cache-dir click==8.1.7 && python --version\n")
    assert launch.run(image, ["python", "-c", "import click; print(click.Group.__name__)"]) == "Group\n"


def test_node_installs_packages_in_an_unmodified_dockerfile(launch: Launcher) -> None:
    image = launch.build(
        "FROM node:20-alpine\nWORKDIR /app\nRUN npm init -y >/dev/null && npm install ms@2.1.3\nUSER node\n"
    )
    assert launch.run(image, ["-e", "console.log(require('ms')('2 days'))"]) == "172800000\n"
    assert launch.run(image, ["npx", "--version"]).startswith("1")


class TestPostgres:
    IMAGE = "postgres:16-alpine"

    def test_the_first_start_runs_the_scripts_in_order_and_later_ones_do_not(
        self, launch: Launcher, tmp_path: Path
    ) -> None:
        scripts = tmp_path / "scripts"
        scripts.mkdir(mode=0o755)
        (scripts / "10-table.sql").write_text("CREATE TABLE step (name text);")
        (scripts / "20-shell.sh").write_text(
            "psql -U $POSTGRES_USER -d $POSTGRES_DB -c \"INSERT INTO step VALUES ('sh')\""
        )
        (scripts / "30-packed.sql.gz").write_bytes(gzip.compress(b"INSERT INTO step VALUES ('gz');"))
        password = tmp_path / "password"
        password.write_text("from a file\n")
        for path in [tmp_path, *scripts.iterdir(), password]:
            path.chmod(0o755)
        server = launch.start(
            self.IMAGE,
            environment={
                "POSTGRES_USER": "app",
                "POSTGRES_DB": "data",
                "POSTGRES_PASSWORD_FILE": "/run/secrets/password",
            },
            volumes=[
                f"{scripts}:/docker-entrypoint-initdb.d:ro",
                f"{password}:/run/secrets/password:ro",
                f"{launch.project}-pg:/var/lib/postgresql/data",
            ],
        )
        assert _query(server, "from a file", "SELECT string_agg(name, ',') FROM step") == "sh,gz"
        assert _query(server, "from a file", "SHOW data_directory") == "/var/lib/postgresql/data"
        assert server.exec_run(["id", "-u", "postgres"]).output.strip() in (b"999", b"70")
        assert server.exec_run("pg_isready -U app -d data").exit_code == 0
        # From loopback nobody needs a password, as in the official image.
        server.reload()
        address = next(iter(server.attrs["NetworkSettings"]["Networks"].values()))["IPAddress"]
        wrong = server.exec_run(_psql("SELECT 1", host=address), environment={"PGPASSWORD": "wrong"})
        assert wrong.exit_code != 0
        assert b"password authentication failed" in wrong.output

        server.restart()
        assert _query(server, "from a file", "SELECT count(*) FROM step") == "2"
        started = time.monotonic()
        server.stop(timeout=20)
        assert time.monotonic() - started < 10
        server.reload()
        assert server.attrs["State"]["ExitCode"] == 0

    def test_options_reach_the_server(self, launch: Launcher) -> None:
        server = launch.start(
            self.IMAGE, ["-c", "max_connections=42"], environment={"POSTGRES_HOST_AUTH_METHOD": "trust"}
        )
        assert _query(server, "", "SHOW max_connections", user="postgres", database="postgres") == "42"

    def test_no_password_is_refused(self, launch: Launcher) -> None:
        container = launch.start(self.IMAGE)
        assert container.wait(timeout=30)["StatusCode"] == 1
        assert b"POSTGRES_PASSWORD" in container.logs()

    def test_a_failing_script_ends_the_container(self, launch: Launcher, tmp_path: Path) -> None:
        (tmp_path / "bad.sql").write_text("SELECT wrong FROM nowhere;")
        tmp_path.chmod(0o755)
        container = launch.start(
            self.IMAGE,
            environment={"POSTGRES_PASSWORD": "secret-1"},
            volumes=[f"{tmp_path}:/docker-entrypoint-initdb.d:ro"],
        )
        assert container.wait(timeout=30)["StatusCode"] == 3
        assert b'relation "nowhere" does not exist' in container.logs()

    def test_any_user_may_run_it(self, launch: Launcher) -> None:
        server = launch.start(
            self.IMAGE,
            user="1234",
            environment={**_POSTGRES, "PGDATA": "/var/lib/postgresql/data/own"},
        )
        assert _query(server, "secret-1", "SELECT 1") == "1"

    def test_postgis(self, launch: Launcher) -> None:
        server = launch.start("postgis/postgis:16-3.4-alpine", environment=_POSTGRES)
        assert _query(server, "secret-1", "SELECT ST_AsText(ST_MakePoint(1, 2))") == "POINT(1 2)"

    def test_timescale(self, launch: Launcher) -> None:
        server = launch.start("timescale/timescaledb:latest-pg16", environment=_POSTGRES)
        _query(server, "secret-1", "CREATE TABLE m (t timestamptz NOT NULL, v int)")
        assert "m" in _query(server, "secret-1", "SELECT create_hypertable('m', 't')")


_POSTGRES = {"POSTGRES_USER": "app", "POSTGRES_DB": "data", "POSTGRES_PASSWORD": "secret-1"}


def test_redis_takes_options_and_keeps_its_data_as_its_own_user(launch: Launcher) -> None:
    server = launch.start(
        "redis:7-alpine",
        ["redis-server", "--appendonly", "yes", "--requirepass", "secret-1", "--maxmemory", "64mb"],
        volumes=[f"{launch.project}-redis:/data"],
    )
    cli = ["redis-cli", "--no-auth-warning", "-a", "secret-1"]
    _until(lambda: server.exec_run([*cli, "ping"]).output == b"PONG\n", server)
    assert server.exec_run([*cli, "set", "key", "value"]).output == b"OK\n"
    assert b"NOAUTH" in server.exec_run(["redis-cli", "get", "key"]).output
    assert server.exec_run(
        ["sh", "-c", "stat -c %U /data/appendonlydir; grep -c '^Uid:.*0' /proc/1/status"]
    ).output == (b"redis\n0\n")
    server.restart()
    _until(lambda: server.exec_run([*cli, "get", "key"]).output == b"value\n", server)
    # From another container, without a password, as in most development set-ups.
    open_server = launch.start("redis:7-alpine", network=_network(launch))
    client = ["redis-cli", "-h", open_server.name, "ping"]
    _until(lambda: open_server.exec_run(["redis-cli", "ping"]).exit_code == 0, open_server)
    assert launch.run("redis:7-alpine", client, network=f"{launch.project}-net") == "PONG\n"


def test_nginx_serves_files_and_templates(launch: Launcher, tmp_path: Path, unused_port: int) -> None:
    (tmp_path / "default.conf.template").write_text(
        "server { listen 80; root /usr/share/nginx; location / { return 200 '$NAME $host'; } location /html {} }"
    )
    tmp_path.chmod(0o755)
    server = launch.start(
        "nginx:1.27-alpine",
        environment={"NAME": "hello"},
        volumes=[f"{tmp_path}:/etc/nginx/templates:ro"],
        ports={"80/tcp": ("127.0.0.1", unused_port)},
    )
    address = f"http://127.0.0.1:{unused_port}"
    _until(lambda: _get(address) is not None, server)
    assert _get(address) == "hello 127.0.0.1"
    assert server.exec_run(["wget", "-q", "-O", "-", "http://127.0.0.1/html/index.html"]).exit_code == 0
    assert server.exec_run(["curl", "-fsS", "http://127.0.0.1/html/index.html"]).exit_code == 0
    assert server.exec_run(["nginx", "-t"]).exit_code == 0
    assert b"GET / HTTP/1.1" in server.logs()
    server.stop(timeout=10)
    server.reload()
    assert server.attrs["State"]["ExitCode"] == 0


def test_nginx_without_root(launch: Launcher, unused_port: int) -> None:
    server = launch.start(
        "nginxinc/nginx-unprivileged:1.27-alpine", ports={"8080/tcp": ("127.0.0.1", unused_port)}, cap_drop=["ALL"]
    )
    _until(lambda: _get(f"http://127.0.0.1:{unused_port}") is not None, server)
    assert server.exec_run(["id", "-u"]).output == b"101\n"


def test_prometheus_scrapes_and_answers(launch: Launcher, tmp_path: Path) -> None:
    (tmp_path / "prometheus.yml").write_text(
        "global: {scrape_interval: 1s}\n"
        "scrape_configs: [{job_name: itself, static_configs: [{targets: ['localhost:9090']}]}]\n"
    )
    tmp_path.chmod(0o755)
    server = launch.start(
        "prom/prometheus:v2.53.3",
        [
            "--config.file=/etc/prometheus/prometheus.yml",
            "--storage.tsdb.path=/prometheus",
            "--storage.tsdb.retention.time=200h",
            "--web.enable-lifecycle",
        ],
        volumes=[f"{tmp_path}/prometheus.yml:/etc/prometheus/prometheus.yml:ro", f"{launch.project}-tsdb:/prometheus"],
    )
    query = ["wget", "-q", "-O", "-", "http://localhost:9090/api/v1/query?query=up"]
    _until(lambda: b'"itself"' in server.exec_run(query).output, server)
    assert server.exec_run(["wget", "-q", "--spider", "http://localhost:9090/-/healthy"]).exit_code == 0
    assert server.exec_run(["id", "-un"]).output == b"nobody\n"


class TestMinio:
    """The server, through Amazon's own client, and its command-line client."""

    IMAGE = "minio/minio:latest"

    def start(self, launch: Launcher, port: int, **options: Any) -> Container:
        server = launch.start(
            self.IMAGE,
            ["server", "/data", "--console-address", ":9001"],
            environment={"MINIO_ROOT_USER": "keeper", "MINIO_ROOT_PASSWORD": "secret-12"},
            volumes=[f"{launch.project}-minio:/data"],
            ports={"9000/tcp": ("127.0.0.1", port)},
            **options,
        )
        _until(lambda: _get(f"http://127.0.0.1:{port}/minio/health/live") is not None, server)
        return server

    def client(self, port: int, password: str = "secret-12") -> Any:
        return boto3.client(
            "s3",
            endpoint_url=f"http://127.0.0.1:{port}",
            aws_access_key_id="keeper",
            aws_secret_access_key=password,
            region_name="us-east-1",
            config=botocore.config.Config(
                signature_version="s3v4", s3={"addressing_style": "path"}, retries={"total_max_attempts": 2}
            ),
        )

    def test_objects_outlive_the_container(self, launch: Launcher, unused_port: int) -> None:
        server = self.start(launch, unused_port)
        self.client(unused_port).create_bucket(Bucket="assets")
        self.client(unused_port).put_object(
            Bucket="assets", Key="a/ü b.txt", Body=b"kept", ContentType="text/plain", Metadata={"owner": "me"}
        )
        assert server.exec_run(["curl", "-fs", "http://localhost:9001/"]).exit_code == 0
        assert server.exec_run(["mc", "ready", "local"]).exit_code == 0
        server.remove(force=True)
        self.start(launch, unused_port)
        found = self.client(unused_port).get_object(Bucket="assets", Key="a/ü b.txt")
        assert (found["Body"].read(), found["ContentType"], found["Metadata"]) == (
            b"kept",
            "text/plain",
            {"owner": "me"},
        )

    def test_reads_lists_copies_and_deletes(self, launch: Launcher, unused_port: int) -> None:
        self.start(launch, unused_port)
        s3 = self.client(unused_port)
        s3.create_bucket(Bucket="assets")
        for name in ["x/1", "x/2", "y/1", "z"]:
            s3.put_object(Bucket="assets", Key=name, Body=f"body of {name}".encode())
        assert s3.get_object(Bucket="assets", Key="x/1", Range="bytes=5-6")["Body"].read() == b"of"
        s3.copy_object(Bucket="assets", Key="copy", CopySource="assets/x/2")
        assert s3.get_object(Bucket="assets", Key="copy")["Body"].read() == b"body of x/2"
        pages = s3.get_paginator("list_objects_v2").paginate(
            Bucket="assets", Delimiter="/", PaginationConfig={"PageSize": 2}
        )
        found = [[*page.get("Contents", []), *page.get("CommonPrefixes", [])] for page in pages]
        assert [[each.get("Key") or each["Prefix"] for each in page] for page in found] == [["copy", "x/"], ["z", "y/"]]
        with pytest.raises(botocore.exceptions.ClientError, match="NoSuchKey"):
            s3.get_object(Bucket="assets", Key="nowhere")
        with pytest.raises(botocore.exceptions.ClientError, match="BucketNotEmpty"):
            s3.delete_bucket(Bucket="assets")
        names = [each["Key"] for each in s3.list_objects_v2(Bucket="assets")["Contents"]]
        s3.delete_objects(Bucket="assets", Delete={"Objects": [{"Key": name} for name in names]})
        s3.delete_bucket(Bucket="assets")
        assert s3.list_buckets()["Buckets"] == []

    def test_large_objects_in_parts_and_presigned_addresses(self, launch: Launcher, unused_port: int) -> None:
        self.start(launch, unused_port)
        s3 = self.client(unused_port)
        s3.create_bucket(Bucket="assets")
        content = bytes(range(256)) * 50_000
        s3.upload_fileobj(io.BytesIO(content), "assets", "large")
        assert s3.get_object(Bucket="assets", Key="large")["Body"].read() == content
        address = s3.generate_presigned_url("get_object", Params={"Bucket": "assets", "Key": "large"}, ExpiresIn=60)
        with urllib.request.urlopen(address, timeout=10) as answer:
            assert answer.read() == content
        assert _get(address.replace("large", "other")) is None

    def test_only_signed_requests_are_answered(self, launch: Launcher, unused_port: int) -> None:
        self.start(launch, unused_port)
        with pytest.raises(botocore.exceptions.ClientError, match="SignatureDoesNotMatch"):
            self.client(unused_port, "wrong-secret").list_buckets()
        assert _get(f"http://127.0.0.1:{unused_port}/") is None

    def test_the_command_line_client(self, launch: Launcher, unused_port: int) -> None:
        network = _network(launch)
        server = self.start(launch, unused_port, network=network)
        script = (
            f"mc alias set store http://{server.name}:9000 keeper secret-12 && "
            "mc mb --ignore-existing store/assets && mc mb --ignore-existing store/assets && "
            "echo hello >/tmp/file && mc cp /tmp/file store/assets/greeting && mc cat store/assets/greeting && "
            "mc anonymous set download store/assets && mc ls store/assets"
        )
        output = launch.run("minio/mc:latest", ["-c", script], entrypoint="/bin/sh", network=network)
        assert "\nhello\n" in output
        assert output.rstrip().endswith("greeting")
        assert _get(f"http://127.0.0.1:{unused_port}/assets/greeting") == "hello\n"
        assert _get(f"http://127.0.0.1:{unused_port}/assets/") is None

    def test_a_short_password_is_refused(self, launch: Launcher) -> None:
        container = launch.start(self.IMAGE, ["server", "/data"], environment={"MINIO_ROOT_PASSWORD": "short"})
        assert container.wait(timeout=30)["StatusCode"] == 1
        assert b"MINIO_ROOT_PASSWORD" in container.logs()


def test_a_registry_takes_a_push_and_gives_it_back(
    launch: Launcher, engine: docker.DockerClient, unused_port: int
) -> None:
    server = launch.start("registry:2", ports={"5000/tcp": ("127.0.0.1", unused_port)})
    _until(lambda: _get(f"http://127.0.0.1:{unused_port}/v2/") is not None, server)
    name = f"127.0.0.1:{unused_port}/some/image"
    engine.images.pull("busybox:1.36").tag(name, "1")
    try:
        assert '"Digest"' in engine.images.push(name, "1")
        engine.images.remove(f"{name}:1")
        assert engine.images.pull(name, "1").id == engine.images.get("busybox:1.36").id
    finally:
        engine.images.remove(f"{name}:1")


def _network(launch: Launcher) -> str:
    launch.engine.networks.create(f"{launch.project}-net")
    return f"{launch.project}-net"


def _psql(statement: str, user: str = "app", database: str = "data", host: str = "127.0.0.1") -> list[str]:
    return ["psql", "-h", host, "-U", user, "-d", database, "-Atc", statement]


def _query(server: Container, password: str, statement: str, user: str = "app", database: str = "data") -> str:
    """One value, once the server answers over TCP, which it does when its first start is through."""
    _until(lambda: server.exec_run(["pg_isready", "-h", "127.0.0.1"], user="postgres").exit_code == 0, server)
    result = server.exec_run(_psql(statement, user, database), environment={"PGPASSWORD": password})
    assert result.exit_code == 0, result.output
    return str(result.output.decode().strip())


def _get(address: str) -> str | None:
    try:
        with urllib.request.urlopen(address, timeout=5) as answer:
            return str(answer.read().decode())
    except OSError:
        return None


def _until(condition: Any, server: Container) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        server.reload()
        assert server.status == "running", server.logs().decode()
        assert time.monotonic() < deadline, server.logs().decode()
        time.sleep(0.1)
