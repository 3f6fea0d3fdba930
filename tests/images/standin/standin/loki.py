"""Plays Loki: takes pushes as JSON, keeps them in a file, answers queries of label matchers and line filters."""

from __future__ import annotations

import json
import re
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from standin.web import Request, Response

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from standin.web import Application

_COMPARISONS: dict[str, Callable[[str, str], bool]] = {
    "=": lambda value, wanted: value == wanted,
    "!=": lambda value, wanted: value != wanted,
    "=~": lambda value, wanted: re.fullmatch(wanted, value) is not None,
    "!~": lambda value, wanted: re.fullmatch(wanted, value) is None,
}
_FILTERS: dict[str, Callable[[str, str], bool]] = {
    "|=": lambda line, wanted: wanted in line,
    "!=": lambda line, wanted: wanted not in line,
    "|~": lambda line, wanted: re.search(wanted, line) is not None,
    "!~": lambda line, wanted: re.search(wanted, line) is None,
}
_TEXT = r"(\"(?:[^\"\\]|\\.)*\"|`[^`]*`)"
_Row = tuple[int, dict[str, str], str]


def build(arguments: list[str], environ: Mapping[str, str]) -> tuple[int, Application]:
    """Read the configuration that -config.file names; raise OSError when it is not there."""
    config = configuration(arguments, "/etc/loki/local-config.yaml", environ)
    folder = Path((config.get("common") or {}).get("path_prefix") or "/loki")
    return (config.get("server") or {}).get("http_listen_port", 3100), _Loki(folder / "stand-in-rows.jsonl")


def configuration(arguments: list[str], default: str, environ: Mapping[str, str]) -> dict[str, Any]:
    """The YAML file that -config.file=PATH or --config.file PATH names; -config.expand-env fills variables in."""
    line = " ".join(arguments)
    match = re.search(r"-config\.file[= ](\S+)", line)
    text = Path(match[1] if match else default).read_text(encoding="utf-8")
    if re.search(r"-config\.expand-env(=true)?(\s|$)", line):
        text = re.sub(r"\$\{(\w+)\}", lambda name: environ.get(name[1], ""), text)
    try:
        return yaml.safe_load(text) or {}
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error


class _Loki:
    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._rows: list[_Row] = []
        file.touch()
        with file.open(encoding="utf-8") as lines:
            self._rows = [tuple(json.loads(line)) for line in lines]

    def __call__(self, request: Request) -> Response:
        if request.path == "/ready":
            return Response(200, "ready\n")
        if request.path == "/loki/api/v1/push" and request.method == "POST":
            if "json" not in request.headers.get("content-type", ""):
                return Response(415, {"message": "the stand-in takes JSON pushes only"})
            self._add(request.json())
            return Response(204)
        with self._lock:
            rows = list(self._rows)
        if request.path in ("/loki/api/v1/labels", "/loki/api/v1/label"):
            return _success(sorted({name for _, labels, _ in rows for name in labels}))
        match = re.fullmatch(r"/loki/api/v1/label/([^/]+)/values", request.path)
        if match:
            return _success(sorted({labels[match[1]] for _, labels, _ in rows if match[1] in labels}))
        if request.path in ("/loki/api/v1/query", "/loki/api/v1/query_range"):
            return _success({"resultType": "streams", "result": _select(rows, request.query)})
        return Response(404, {"message": "Not found"})

    def _add(self, document: dict[str, Any]) -> None:
        new: list[_Row] = [
            (int(value[0]), stream["stream"], value[1]) for stream in document["streams"] for value in stream["values"]
        ]
        with self._lock, self._file.open("a", encoding="utf-8") as file:
            self._rows += new
            file.writelines(json.dumps(row) + "\n" for row in new)


def _select(rows: list[_Row], query: dict[str, str]) -> list[dict[str, Any]]:
    matches = _predicate(query.get("query", ""))
    end = _nanoseconds(query.get("end"), time.time_ns())
    start = _nanoseconds(query.get("start"), end - 3600 * 10**9)
    newest_first = query.get("direction", "backward") != "forward"
    chosen = [row for row in rows if start <= row[0] <= end and matches(row)]
    chosen.sort(key=lambda row: row[0], reverse=newest_first)
    streams: dict[str, list[list[str]]] = {}
    for at, labels, line in chosen[: int(query.get("limit", "100"))]:
        streams.setdefault(json.dumps(labels, sort_keys=True), []).append([str(at), line])
    return [{"stream": json.loads(labels), "values": values} for labels, values in streams.items()]


def _predicate(expression: str) -> Callable[[_Row], bool]:
    match = re.fullmatch(r"\s*\{(.*?)\}(.*)", expression, re.DOTALL)
    if not match:
        raise ValueError(f'the stand-in answers log queries such as {{job="x"}} |= "y", found {expression!r}')
    labels = [(name, op, _unquote(text)) for name, op, text in re.findall(rf"(\w+)\s*(=~|!~|!=|=)\s*{_TEXT}", match[1])]
    lines = [(op, _unquote(text)) for op, text in re.findall(rf"(\|=|\|~|!=|!~)\s*{_TEXT}", match[2])]

    def matches(row: _Row) -> bool:
        return all(_COMPARISONS[op](row[1].get(name, ""), text) for name, op, text in labels) and all(
            _FILTERS[op](row[2], text) for op, text in lines
        )

    return matches


def _unquote(text: str) -> str:
    return text[1:-1] if text.startswith("`") else str(json.loads(text))


def _nanoseconds(text: str | None, default: int) -> int:
    """Loki takes nanoseconds, or seconds with a fraction."""
    if not text:
        return default
    return int(text) if text.isdecimal() and len(text) > 11 else int(float(text) * 1e9)


def _success(data: Any) -> Response:
    return Response(200, {"status": "success", "data": data})
