from __future__ import annotations

import pytest

from provisioner.model.playbook import Dependency, EngineChoice, UpdatePolicy


def test_a_plain_service_runs_once_and_waits_for_nothing(bound):
    service = bound(services={"web": {"image": "nginx:1.27"}}).services["web"]
    assert (service.image, service.replicas, service.depends_on, service.job) == ("nginx:1.27", 1, (), None)
    assert service.update == UpdatePolicy()
    assert not service.builds


def test_a_built_service_is_named_after_the_project(bound):
    service = bound(services={"api": {"build": {"context": "/srv"}}}).services["api"]
    assert (service.image, service.builds) == ("shop-prod-api", True)


def test_a_built_service_keeps_its_image_name(bound):
    service = bound(services={"api": {"build": {"context": "/srv"}, "image": "shop/api:3"}}).services["api"]
    assert (service.image, service.builds) == ("shop/api:3", True)


def test_dependencies_keep_their_conditions(bound):
    playbook = bound(
        services={
            "db": {"image": "postgres:16"},
            "api": {
                "image": "api:1",
                "depends_on": {"db": {"condition": "service_healthy", "restart": True, "required": True}},
            },
        }
    )
    assert playbook.services["api"].depends_on == (Dependency("db", "service_healthy", restart=True),)


def test_an_optional_dependency_that_is_not_active_is_left_out(bound):
    playbook = bound(services={"api": {"image": "api:1", "depends_on": {"db": {"required": False}}}})
    assert playbook.services["api"].depends_on == ()


@pytest.mark.parametrize(
    ("body", "replicas"),
    [
        ({"deploy": {"replicas": 3}}, 3),
        ({"scale": 2}, 2),
        ({"deploy": {"replicas": 0}}, 0),
        ({"deploy": {"mode": "global", "replicas": 4}}, 1),
    ],
)
def test_replicas(bound, body, replicas):
    assert bound(services={"web": {"image": "a:1", **body}}).services["web"].replicas == replicas


@pytest.mark.parametrize(
    ("body", "job"),
    [
        ({"job": {"run": "once"}}, "once"),
        ({"job": {"run": "always"}}, "always"),
        ({"job": {}}, "on_change"),
        ({"deploy": {"mode": "replicated-job"}}, "on_change"),
        ({"restart": "no"}, None),
    ],
)
def test_one_shots(bound, body, job):
    assert bound(services={"migrate": {"image": "a:1", **body}}).services["migrate"].job == job


def test_a_service_whose_end_is_awaited_is_a_one_shot(bound):
    playbook = bound(
        services={
            "migrate": {"image": "a:1"},
            "api": {"image": "a:1", "depends_on": {"migrate": {"condition": "service_completed_successfully"}}},
        }
    )
    assert playbook.services["migrate"].job == "on_change"
    assert playbook.services["api"].job is None


def test_update_and_update_config_say_the_same(written):
    own = {"order": "start-first", "parallelism": 2, "delay": "5s", "monitor": "1m30s", "on_failure": "rollback"}
    deployed = {**own, "failure_action": own["on_failure"]}
    del deployed["on_failure"]
    policy = UpdatePolicy("start-first", 2, 5.0, 90.0, "rollback")
    assert written(services={"a": {"image": "a:1", "update": own}}).services["a"].update == policy
    assert (
        written(services={"a": {"image": "a:1", "deploy": {"update_config": deployed}}}).services["a"].update == policy
    )


def test_two_different_update_policies_are_a_problem(refused):
    body = {"image": "a:1", "update": {"parallelism": 2}, "deploy": {"update_config": {"parallelism": 1}}}
    assert refused(services={"a": body}) == [
        "services.a.update: 'update' and 'deploy.update_config' are the same thing"
    ]


@pytest.mark.parametrize("command", [["pg_dump", "-Fc", "app db"], "pg_dump -Fc 'app db'"])
def test_a_backup_command_is_a_list_or_a_line(written, command):
    playbook = written(services={"db": {"image": "postgres:16", "backup": {"command": command}}})
    assert playbook.services["db"].backup.command == ("pg_dump", "-Fc", "app db")


def test_objects_carry_their_names_on_the_engine(bound):
    playbook = bound(
        networks={"back": {"name": "shop-prod_back"}},
        volumes={"data": {"name": "shared", "external": True}, "pg": {"name": "shop-prod_pg", "protect": True}},
        configs={"conf": {"content": "x"}},
        secrets={"key": None},
    )
    assert playbook.networks["back"].name == "shop-prod_back"
    assert (playbook.volumes["data"].name, playbook.volumes["data"].external) == ("shared", True)
    assert playbook.volumes["pg"].protect
    assert playbook.configs["conf"].name == "shop-prod_conf"
    assert playbook.secrets["key"].name == "shop-prod_key"


def test_the_engine_is_left_open_by_default(bound):
    assert bound().engine == EngineChoice("auto", None, None)
    assert bound(engine={"mode": "swarm", "host": "ssh://deploy@prod-1"}).engine == EngineChoice(
        "swarm", None, "ssh://deploy@prod-1"
    )


def test_checks_have_typed_arguments_and_positions(written):
    checks = written(
        services={"db": {"image": "postgres:16"}},
        verify=[
            {"name": "answers", "http": {"url": "http://localhost:80/", "status": 200, "json": {"database": "ok"}}},
            {"name": "rows", "exec": {"service": "db", "command": ["psql"], "stdout": 1}, "within": "30s"},
            {"name": "open", "tcp": {"from": "db", "to": "db:5432", "reachable": False, "timeout": "500ms"}},
        ],
    ).checks
    assert [(check.name, check.kind, check.within) for check in checks] == [
        ("answers", "http", 5.0),
        ("rows", "exec", 30.0),
        ("open", "tcp", 5.0),
    ]
    assert checks[0].arguments == {"url": "http://localhost:80/", "status": [200], "json": {"database": "ok"}}
    assert checks[1].arguments == {"service": "db", "command": ["psql"], "stdout": "1"}
    assert checks[2].arguments == {"from": "db", "to": "db:5432", "reachable": False, "timeout": 0.5}
    assert checks[0].span.line < checks[1].span.line


def test_everything_wrong_with_checks_is_told_at_once(refused):
    found = refused(
        services={"db": {"image": "postgres:16"}},
        verify=[
            {"http": {"url": "ftp://x", "stauts": 200, "status": 99}},
            {"name": "two", "http": {"url": "http://x"}, "tcp": {"to": "db:5432"}},
            {"name": "none"},
            {"name": "e", "exec": {"service": "dbb", "command": [], "stdout_matches": "("}},
            {"name": "e", "tcp": {"from": "web", "to": "db"}, "within": "soon"},
            {"name": "e", "tcp": {"to": "db:70000"}},
            "nonsense",
        ],
    )
    assert found == [
        "verify.0: 'name' is missing",
        "verify.0.http.url: expected an address with http:// or https:// and a host, found 'ftp://x'",
        "verify.0.http: unknown key 'stauts'",
        "verify.0.http.status: expected an HTTP status from 100 to 599, or a list of them, found '99'",
        "verify.1: expected one of http, exec, tcp, found http and tcp",
        "verify.2: expected one of http, exec, tcp, found none of them",
        "verify.3.exec.service: no service 'dbb' is declared",
        "verify.3.exec.command: expected at least one, found an empty list",
        "verify.3.exec.stdout_matches: expected a regular expression, found '('",
        "verify.4.tcp.from: no service 'web' is declared",
        "verify.4.tcp.to: expected HOST:PORT, found 'db'",
        "verify.4.within: expected a duration like 30s or 1m30s, found 'soon'",
        "verify.5.tcp.to: expected a port from 1 to 65535, found 'db:70000'",
        "verify.6: expected a mapping, found text",
    ]


@pytest.mark.parametrize(
    ("profiles", "inactive", "expected"),
    [
        ((), ("web",), ["always"]),
        (("monitoring",), ("web",), ["always", "scraped"]),
        (("production",), (), ["always", "served"]),
        (("*",), (), ["always", "scraped", "served"]),
    ],
)
def test_checks_of_what_does_not_run_are_left_out(bound, profiles, inactive, expected):
    checks = bound(
        profiles,
        inactive,
        services={"db": {"image": "a:1"}, **({} if inactive else {"web": {"image": "a:1"}})},
        verify=[
            {"name": "always", "tcp": {"from": "db", "to": "db:5432"}},
            {"name": "scraped", "http": {"url": "http://localhost:9090/"}, "profiles": ["monitoring", "all"]},
            {"name": "served", "exec": {"service": "web", "command": ["true"]}},
        ],
        lint={"ignore": [{"rule": "P001", "service": "web", "reason": "vendor image"}]},
    ).checks
    assert [check.name for check in checks] == expected


def test_a_waiver_needs_a_rule_a_reason_and_a_service_that_exists(bound, refused):
    waiver = bound(
        services={"legacy": {"image": "a:1"}},
        lint={"ignore": [{"rule": "P001", "service": "legacy", "reason": "vendor image"}]},
    ).waivers[0]
    assert (waiver.rule, waiver.service, waiver.reason) == ("P001", "legacy", "vendor image")
    assert refused(
        services={"legacy": {"image": "a:1"}},
        lint={"ignore": [{"service": "legcy", "reason": " "}], "skip": []},
    ) == [
        "lint.ignore.0: 'rule' is missing",
        "lint.ignore.0.service: no service is named 'legcy'",
        "lint.ignore.0.reason: expected text that says something, found ' '",
        "lint: unknown key 'skip'",
    ]


def test_wrong_types_in_our_own_keys_are_problems(refused):
    found = refused(
        services={
            "a": {
                "image": "a:1",
                "job": {"run": "daily"},
                "update": {"order": "first", "parallelism": -1, "monitor": 10},
                "backup": {},
            },
            "b": None,
            "c": {},
        },
        volumes={"v": {"protect": "yess"}},
        engine={"mode": "kubernetes", "context": "a", "host": "b"},
    )
    assert found == [
        "services.a.job.run: expected one of on_change, once, always, found 'daily'",
        "services.a.update.order: expected one of start-first, stop-first, found 'first'",
        "services.a.update.parallelism: expected a whole number from 0 on, found '-1'",
        "services.a.update.monitor: expected a duration like 30s or 1m30s, found a whole number",
        "services.a.backup: neither a command nor a mask",
        "services.b: expected a mapping, found nothing",
        "services.c: neither an image nor a build",
        "volumes.v.protect: expected true or false, found 'yess'",
        "engine.mode: expected one of auto, containers, swarm, found 'kubernetes'",
        "engine.host: expected an address like ssh://user@host, unix:///path or tcp://host:2376, found 'b'",
    ]
