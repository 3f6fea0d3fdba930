"""Asks the provisioned data sources: PostgreSQL, Prometheus and Loki. Really, so that a broken link shows."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urlencode

import psycopg

from standin.frames import Column, Frame, from_rows, one_column_per_series
from standin.timerange import TimeRange, seconds

_POSTGRES = ("postgres", "grafana-postgresql-datasource")
_TIMEOUT = 10


class QueryError(Exception):
    """The source does not answer, or refuses the query."""


def query(source: dict[str, Any], target: dict[str, Any], span: TimeRange) -> list[Frame]:
    """Run one target of a panel; raise QueryError with the source's own words."""
    if source["type"] in _POSTGRES:
        return [_postgres(source, target, span)]
    if source["type"] == "prometheus":
        return _prometheus(source, target, span)
    if source["type"] == "loki":
        return [_loki(source, target, span)]
    raise QueryError(f"the stand-in has no data source of type {source['type']!r}")


def check(source: dict[str, Any]) -> None:
    """Raise QueryError when the source can not be reached."""
    if source["type"] in _POSTGRES:
        _rows(source, "SELECT 1")
    else:
        fetch(source, {"prometheus": "-/healthy", "loki": "ready"}.get(source["type"], ""))


def fetch(source: dict[str, Any], path: str, query_text: str = "") -> str:
    """GET a path below the source's URL; raise QueryError when there is no good answer."""
    url = f"{source['url'].rstrip('/')}/{path}" + (f"?{query_text}" if query_text else "")
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT) as response:
            return str(response.read().decode())
    except urllib.error.HTTPError as error:
        raise QueryError(f"{url}: {error.code}: {error.read(500).decode(errors='replace')}") from error
    except OSError as error:
        raise QueryError(f"{url}: {error}") from error


def _postgres(source: dict[str, Any], target: dict[str, Any], span: TimeRange) -> Frame:
    frame = _rows(source, _macros(target["rawSql"], span))
    return one_column_per_series(frame) if target.get("format") == "time_series" else frame


def _rows(source: dict[str, Any], sql: str) -> Frame:
    host, _, port = source["url"].rpartition("//")[2].partition(":")
    try:
        with psycopg.connect(
            host=host,
            port=port or "5432",
            user=source.get("user"),
            dbname=source.get("jsonData", {}).get("database") or source.get("database"),
            password=source.get("secureJsonData", {}).get("password"),
            sslmode=source.get("jsonData", {}).get("sslmode", "prefer"),
            connect_timeout=5,
        ) as connection:
            cursor = connection.execute(sql.encode())
            return from_rows([column.name for column in cursor.description or ()], cursor.fetchall())
    except psycopg.Error as error:
        raise QueryError(str(error)) from error


def _macros(sql: str, span: TimeRange) -> str:
    start, end = f"to_timestamp({span.start:.3f})", f"to_timestamp({span.end:.3f})"

    def group(match: re.Match[str]) -> str:
        width = seconds(match["width"])
        alias = ' AS "time"' if match["alias"] else ""
        return f"to_timestamp(floor(extract(epoch from {match['column']}) / {width}) * {width}){alias}"

    sql = re.sub(r"\$__timeFilter\(([^)]+)\)", rf"\1 BETWEEN {start} AND {end}", sql)
    sql = re.sub(r"\$__timeGroup(?P<alias>Alias)?\((?P<column>[^,)]+),\s*'?(?P<width>\w+)'?[^)]*\)", group, sql)
    return sql.replace("$__timeFrom()", start).replace("$__timeTo()", end)


def _prometheus(source: dict[str, Any], target: dict[str, Any], span: TimeRange) -> list[Frame]:
    expression = re.sub(r"\$__(rate_interval|interval|range)", "1m", target["expr"])
    if target.get("instant"):
        path, arguments = "api/v1/query", {"query": expression, "time": span.end}
    else:
        step = max(5, int((span.end - span.start) / 200))
        path, arguments = (
            "api/v1/query_range",
            {"query": expression, "start": span.start, "end": span.end, "step": step},
        )
    answer = json.loads(fetch(source, path, urlencode(arguments)))
    frames = []
    for series in answer["data"]["result"]:
        points = series.get("values") or [series["value"]]
        labels = {key: value for key, value in series["metric"].items() if key != "__name__"}
        legend = re.sub(
            r"\{\{\s*(\w+)\s*\}\}", lambda m, known=labels: known.get(m[1], ""), target.get("legendFormat") or ""
        )
        name = legend if legend not in ("", "__auto") else series["metric"].get("__name__", "Value")
        moments = Column("Time", "time", [int(float(at) * 1000) for at, _ in points])
        frames.append(Frame([moments, Column(name, "number", [float(value) for _, value in points], labels)]))
    return frames


def _loki(source: dict[str, Any], target: dict[str, Any], span: TimeRange) -> Frame:
    arguments = {"query": target["expr"], "start": int(span.start * 1e9), "end": int(span.end * 1e9), "limit": 100}
    answer = json.loads(fetch(source, "loki/api/v1/query_range", urlencode(arguments)))
    rows = [(int(at), line, series["stream"]) for series in answer["data"]["result"] for at, line in series["values"]]
    rows.sort(key=lambda row: row[0], reverse=True)
    return Frame(
        [
            Column("Time", "time", [at // 1_000_000 for at, _, _ in rows]),
            Column("Line", "string", [line for _, line, _ in rows]),
            Column("labels", "string", [json.dumps(labels) for _, _, labels in rows]),
        ]
    )
