"""Habits and completions in PostgreSQL. It must not know of HTTP."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import URL, ForeignKey, create_engine, func, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

if TYPE_CHECKING:
    from ichrisbirch.settings import Settings


class Base(DeclarativeBase):
    pass


class HabitRow(Base):
    __tablename__ = "habits"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


class CompletionRow(Base):
    __tablename__ = "completions"

    id: Mapped[int] = mapped_column(primary_key=True)
    habit_id: Mapped[int] = mapped_column(ForeignKey("habits.id"))


@dataclass(frozen=True, slots=True)
class Habit:
    """`completions` counts how often it was kept."""

    id: int
    name: str
    completions: int


class HabitExistsError(Exception):
    """There is a habit of that name already."""


class Database:
    """Connections are checked before use, so a restarted database costs no request."""

    def __init__(self, settings: Settings) -> None:
        url = URL.create(
            "postgresql+psycopg",
            settings.postgres_username,
            settings.postgres_password,
            settings.postgres_host,
            settings.postgres_port,
            settings.postgres_db,
        )
        self._engine = create_engine(
            url, pool_size=2, max_overflow=2, pool_pre_ping=True, pool_timeout=4, connect_args={"connect_timeout": 4}
        )

    def ping(self) -> None:
        """Raises SQLAlchemyError when the tables can not be read."""
        with self._engine.connect() as connection:
            connection.execute(text("SELECT FROM habits LIMIT 0"))

    def habits(self) -> list[Habit]:
        count = func.count(CompletionRow.id)
        statement = (
            select(HabitRow.id, HabitRow.name, count)
            .join(CompletionRow, CompletionRow.habit_id == HabitRow.id, isouter=True)
            .group_by(HabitRow.id, HabitRow.name)
            .order_by(HabitRow.id)
        )
        with Session(self._engine) as session:
            return [Habit(*row) for row in session.execute(statement)]

    def add_habit(self, name: str) -> Habit:
        """Raises HabitExistsError for a name that is taken."""
        row = HabitRow(name=name)
        with Session(self._engine) as session:
            session.add(row)
            try:
                session.commit()
            except IntegrityError as error:
                raise HabitExistsError(name) from error
            return Habit(row.id, row.name, 0)

    def complete(self, habit_id: int) -> bool:
        """Note that a habit was kept; False when there is no such habit."""
        with Session(self._engine) as session:
            if session.get(HabitRow, habit_id) is None:
                return False
            session.add(CompletionRow(habit_id=habit_id))
            session.commit()
        return True

    def remove_habit(self, habit_id: int) -> bool:
        """Remove a habit with its completions; False when there is no such habit."""
        with Session(self._engine) as session:
            row = session.get(HabitRow, habit_id)
            if row is None:
                return False
            session.delete(row)
            session.commit()
        return True
