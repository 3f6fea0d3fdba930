"""Binding what the document layer reads: both agree on the form of every key."""

from __future__ import annotations

from provisioner.document import Sources, read
from provisioner.document.attributes import rules
from provisioner.playbook.bind import bind
from provisioner.playbook.checks import WITHIN

PLAYBOOK = """
name: shop
environment: test
engine: {mode: containers, context: build-1}
services:
  db:
    image: postgres:16
    backup: {command: [pg_dump, -U, shop]}
  migrate:
    build: .
    command: [migrate]
  api:
    image: shop/api:1
    scale: 2
    update: {order: start-first, parallelism: 2, delay: 1m, monitor: 10s, on_failure: rollback}
    depends_on:
      db: {condition: service_started, restart: true}
      migrate: {condition: service_completed_successfully}
      search: {condition: service_started, required: false}
    volumes: [data:/data]
  search:
    image: shop/search:1
    profiles: [search]
volumes:
  data: {protect: true}
  unused: {}
verify:
  - name: http
    http:
      url: http://localhost:8080/
      method: PUT
      headers: {X-Number: 1}
      body: {}
      follow: true
      insecure: false
      timeout: 1m30s
      status: 204
      json: {errors: [], next: null, ok: false, count: 0, text: ""}
      contains: yes
      matches: ^a+$
      response_headers: {X-Version: 1.10}
    within: 500ms
  - name: exec
    exec:
      service: db
      command: psql -c 'select 1'
      user: 70
      environment: {PRICE: $$5}
      exit_code: 0
      stdout: ""
      stdout_matches: .*
      stderr: t
      stderr_matches: .*
      timeout: 1m
  - {name: tcp, tcp: {from: api, to: "db:5432", reachable: false, timeout: 1s}}
  - {name: resting, tcp: {from: search, to: "db:5432"}}
  - {name: elsewhere, http: {url: "http://localhost/"}, profiles: search}
lint: {ignore: [{rule: P001, service: search, reason: vendor image}]}
"""


def shop(folder, *profiles):
    (folder / "shop.yml").write_text(PLAYBOOK)
    return bind(read(Sources((str(folder / "shop.yml"),), profiles=profiles)))


def test_everything_that_is_declared_arrives(tmp_path):
    playbook = shop(tmp_path)
    assert (playbook.title, playbook.project, playbook.engine.context) == ("shop/test", "shop-test", "build-1")
    api = playbook.services["api"]
    assert [(each.service, each.condition, each.restart) for each in api.depends_on] == [
        ("db", "service_started", True),
        ("migrate", "service_completed_successfully", False),
    ]
    assert (api.replicas, api.update.order, api.update.delay, api.update.on_failure) == (
        2,
        "start-first",
        60.0,
        "rollback",
    )
    assert api.span.line == 12
    migrate = playbook.services["migrate"]
    assert (migrate.job, migrate.builds, migrate.image) == ("on_change", True, "shop-test-migrate")
    assert playbook.services["db"].backup.command == ("pg_dump", "-U", "shop")
    assert (playbook.volumes["data"].name, playbook.volumes["data"].protect) == ("shop-test_data", True)
    assert [(each.section, each.key, each.span.line) for each in playbook.unused] == [("volumes", "unused", 26)]
    assert playbook.inactive == {"search"}


def test_every_argument_of_a_check_arrives_as_it_is_meant(tmp_path):
    http, command, tcp = shop(tmp_path).checks
    assert http.within == 0.5
    assert http.arguments == {
        "url": "http://localhost:8080/",
        "method": "PUT",
        "headers": {"X-Number": "1"},
        "body": {},
        "follow": True,
        "insecure": False,
        "timeout": 90.0,
        "status": [204],
        "json": {"errors": [], "next": None, "ok": False, "count": 0, "text": ""},
        "contains": ["yes"],
        "matches": "^a+$",
        "response_headers": {"X-Version": "1.1"},
    }
    assert command.arguments == {
        "service": "db",
        "command": "psql -c 'select 1'",
        "user": "70",
        "environment": {"PRICE": "$5"},
        "exit_code": 0,
        "stdout": "",
        "stdout_matches": ".*",
        "stderr": "t",
        "stderr_matches": ".*",
        "timeout": 60.0,
    }
    assert tcp.arguments == {"from": "api", "to": "db:5432", "reachable": False, "timeout": 1.0}
    given = {"http": http, "exec": command, "tcp": tcp}
    kinds = rules().children["verify"].any.children
    assert {kind: set(kinds[kind].children) for kind in WITHIN} == {
        kind: set(check.arguments) for kind, check in given.items()
    }


def test_an_active_profile_brings_its_service_and_checks(tmp_path):
    playbook = shop(tmp_path, "search")
    assert "search" in playbook.services
    assert [check.name for check in playbook.checks] == ["http", "exec", "tcp", "resting", "elsewhere"]
    assert "search" in [each.service for each in playbook.services["api"].depends_on]
