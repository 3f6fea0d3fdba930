"""Tables of query results, in Grafana's shape: typed columns with labels. It must not know where they came from."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any


@dataclass(slots=True)
class Column:
    """`kind` is time (milliseconds since 1970), number, string or boolean."""

    name: str
    kind: str
    values: list[Any]
    labels: dict[str, str] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """What a legend shows: the name, or the labels where there is nothing better."""
        if self.labels and self.name in ("Value", "value"):
            return ", ".join(f"{key}={value}" for key, value in sorted(self.labels.items()))
        return self.name


@dataclass(slots=True)
class Frame:
    """Columns of equal length."""

    columns: list[Column]

    def document(self) -> dict[str, Any]:
        """The frame as /api/ds/query answers it."""
        fields = [{"name": c.name, "type": c.kind, "labels": c.labels} for c in self.columns]
        return {"schema": {"fields": fields}, "data": {"values": [c.values for c in self.columns]}}


def from_rows(names: list[str], rows: list[tuple[Any, ...]]) -> Frame:
    """Turn a database's rows into typed columns."""
    columns = []
    for index, name in enumerate(names):
        values = [_plain(row[index]) for row in rows]
        kinds = {_kind(row[index]) for row in rows if row[index] is not None}
        columns.append(Column(name, kinds.pop() if len(kinds) == 1 else "string", values))
    return Frame(columns)


def one_column_per_series(frame: Frame) -> Frame:
    """Turn rows of (time, metric, value) into a time column and one column of values for every metric."""
    time_column = next((c for c in frame.columns if c.kind == "time"), None)
    metric = next((c for c in frame.columns if c.kind == "string"), None)
    numbers = [c for c in frame.columns if c.kind == "number"]
    if time_column is None or metric is None:
        return frame
    moments = sorted(set(time_column.values))
    place = {moment: index for index, moment in enumerate(moments)}
    series: dict[str, Column] = {}
    for number in numbers:
        for moment, label, value in zip(time_column.values, metric.values, number.values, strict=True):
            name = label if len(numbers) == 1 else f"{number.name} {label}"
            column = series.setdefault(name, Column(name, "number", [None] * len(moments)))
            column.values[place[moment]] = value
    return Frame([Column(time_column.name, "time", moments), *series.values()])


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, (int, float, Decimal)):
        return "number"
    return "time" if isinstance(value, datetime) else "string"


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return int((value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp() * 1000)
    if isinstance(value, Decimal):
        return float(value)
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return value.isoformat() if isinstance(value, date) else str(value)
