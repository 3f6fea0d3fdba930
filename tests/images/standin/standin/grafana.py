"""Plays Grafana: provisioned data sources and dashboards, its API, and a page that shows a dashboard's panels."""

from __future__ import annotations

import base64
import hmac
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from standin.expand import expand, setting
from standin.page import dashboard_page, login_page
from standin.sources import QueryError, check, fetch, query
from standin.timerange import time_range
from standin.web import Request, Response

if TYPE_CHECKING:
    from collections.abc import Mapping

    from standin.web import Application

_VERSION = "11.2.0-stand-in"


def build(arguments: list[str], environ: Mapping[str, str]) -> tuple[int, Application]:
    """Read the variables and the provisioning files; raise OSError or ValueError when they can not be used."""
    root = Path(setting(environ, "GF_PATHS_PROVISIONING", "/etc/grafana/provisioning"))
    # Grafana does not start either when it can not write its database.
    (Path(setting(environ, "GF_PATHS_DATA", "/var/lib/grafana")) / "grafana.db").touch()
    home = setting(environ, "GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH")
    application = _Grafana(
        credentials=(
            setting(environ, "GF_SECURITY_ADMIN_USER", "admin"),
            setting(environ, "GF_SECURITY_ADMIN_PASSWORD", "admin"),
        ),
        anonymous=setting(environ, "GF_AUTH_ANONYMOUS_ENABLED", "false").lower() == "true",
        sources=_sources(root, environ),
        dashboards=_dashboards(root, environ),
        home=json.loads(Path(home).read_text(encoding="utf-8")) if home else None,
    )
    return int(setting(environ, "GF_SERVER_HTTP_PORT", "3000")), application


class _Grafana:
    def __init__(
        self,
        *,
        credentials: tuple[str, str],
        anonymous: bool,
        sources: list[dict[str, Any]],
        dashboards: list[dict[str, Any]],
        home: dict[str, Any] | None,
    ) -> None:
        self._expected = "Basic " + base64.b64encode(":".join(credentials).encode()).decode()
        self._anonymous = anonymous
        self._sources = sources
        self._dashboards = dashboards
        self._home = home

    def __call__(self, request: Request) -> Response:
        if request.path in ("/api/health", "/healthz"):
            return Response(200, {"database": "ok", "version": _VERSION, "commit": "none"})
        if request.path == "/login":
            return Response(200, login_page())
        given = request.headers.get("authorization", "")
        if given and not hmac.compare_digest(given.encode(), self._expected.encode()):
            return Response(401, {"message": "Invalid username or password"})
        if not given and not self._anonymous:
            if request.path.startswith("/api/"):
                return Response(401, {"message": "Unauthorized"})
            return Response(302, headers={"Location": "/login"})
        return self._api(request) if request.path.startswith("/api/") else self._pages(request)

    def _pages(self, request: Request) -> Response:
        match = re.fullmatch(r"/d/([^/]+)(?:/.*)?", request.path)
        board = self._dashboard(match[1]) if match else None
        if request.path == "/":
            board = self._home or next(iter(self._dashboards), None)
        if board is None:
            return Response(404, "<!doctype html><title>Not found</title><h1>Dashboard not found</h1>")
        limits = board.get("time", {})
        span = time_range(
            request.query.get("from") or limits.get("from", "now-6h"),
            request.query.get("to") or limits.get("to", "now"),
        )
        return Response(200, dashboard_page(board, lambda panel: self._panel(panel, span)))

    def _panel(self, panel: dict[str, Any], span: Any) -> list[Any]:
        frames = []
        for target in panel.get("targets") or []:
            source = self._source(target.get("datasource") or panel.get("datasource"))
            frames += query(source, target, span)
        return frames

    def _api(self, request: Request) -> Response:
        path = request.path.removeprefix("/api/")
        if path == "datasources":
            return Response(200, [_public(source) for source in self._sources])
        if path == "search":
            wanted = request.query.get("query", "").lower()
            found = [board for board in self._dashboards if wanted in board["title"].lower()]
            return Response(200, [_hit(board) for board in found])
        if path == "ds/query" and request.method == "POST":
            return self._query(request.json())
        if path == "dashboards/home" and self._home:
            return Response(200, {"dashboard": self._home, "meta": {"isHome": True}})
        match = re.fullmatch(r"dashboards/uid/([^/]+)", path)
        if match:
            board = self._dashboard(match[1])
            if board is None:
                return Response(404, {"message": "Dashboard not found"})
            return Response(200, {"dashboard": board, "meta": {"provisioned": True, "canEdit": False}})
        match = re.fullmatch(r"datasources/(?:proxy/)?(uid|name|\d+)/?([^/]*)/?(.*)", path)
        return self._source_api(match, request) if match else Response(404, {"message": "Not found"})

    def _source_api(self, match: re.Match[str], request: Request) -> Response:
        kind, name, rest = match.groups()
        if kind.isdecimal():
            kind, name, rest = "id", kind, "/".join(filter(None, (name, rest)))
        found = [source for source in self._sources if str(source.get(kind)) == name]
        if not found:
            return Response(404, {"message": "Data source not found"})
        try:
            if rest == "health":
                check(found[0])
                return Response(200, {"status": "OK", "message": "Database Connection OK"})
            if rest:
                return Response(200, json.loads(fetch(found[0], rest, request.query_text)))
        except QueryError as error:
            return Response(400 if rest == "health" else 502, {"status": "ERROR", "message": str(error)})
        return Response(200, _public(found[0]))

    def _query(self, document: dict[str, Any]) -> Response:
        span = time_range(document.get("from", "now-1h"), document.get("to", "now"))
        results: dict[str, Any] = {}
        for target in document.get("queries") or []:
            try:
                frames = query(self._source(target.get("datasource")), target, span)
                results[target["refId"]] = {"status": 200, "frames": [frame.document() for frame in frames]}
            except QueryError as error:
                results[target["refId"]] = {"status": 400, "error": str(error), "frames": []}
        failed = any(result["status"] != 200 for result in results.values())
        return Response(400 if failed else 200, {"results": results})

    def _dashboard(self, uid: str) -> dict[str, Any] | None:
        return next((board for board in self._dashboards if board.get("uid") == uid), None)

    def _source(self, reference: Any) -> dict[str, Any]:
        name = reference.get("uid") if isinstance(reference, dict) else reference
        for source in self._sources:
            if name in (source["uid"], source["name"]) or (not name and source.get("isDefault")):
                return source
        raise QueryError(f"data source {name!r} not found")


def _sources(root: Path, environ: Mapping[str, str]) -> list[dict[str, Any]]:
    sources = []
    for document in _provisioning(root / "datasources", environ):
        for source in document.get("datasources") or []:
            sources.append({"uid": source["name"], **source, "id": len(sources) + 1})
    return sources


def _dashboards(root: Path, environ: Mapping[str, str]) -> list[dict[str, Any]]:
    folders = [
        Path(provider["options"]["path"])
        for document in _provisioning(root / "dashboards", environ)
        for provider in document.get("providers") or []
    ]
    return [json.loads(file.read_text("utf-8")) for folder in folders for file in sorted(folder.rglob("*.json"))]


def _provisioning(folder: Path, environ: Mapping[str, str]) -> list[dict[str, Any]]:
    files = sorted(file for file in folder.glob("*") if file.suffix in (".yml", ".yaml"))
    try:
        return [expand(yaml.safe_load(file.read_text("utf-8")) or {}, environ) for file in files]
    except yaml.YAMLError as error:
        raise ValueError(f"{folder}: {error}") from error


def _public(source: dict[str, Any]) -> dict[str, Any]:
    shown = {key: value for key, value in source.items() if key != "secureJsonData"}
    return {**shown, "secureJsonFields": dict.fromkeys(source.get("secureJsonData") or {}, True), "readOnly": True}


def _hit(board: dict[str, Any]) -> dict[str, Any]:
    slug = re.sub(r"[^a-z0-9]+", "-", board["title"].lower()).strip("-")
    return {"uid": board.get("uid"), "title": board["title"], "type": "dash-db", "url": f"/d/{board.get('uid')}/{slug}"}
