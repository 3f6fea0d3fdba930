-- Habits, and each time that one was kept.
CREATE TABLE habits (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE CHECK (length(name) BETWEEN 1 AND 100),
    added_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE completions (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    habit_id bigint NOT NULL REFERENCES habits ON DELETE CASCADE,
    completed_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX completions_of_a_habit ON completions (habit_id, completed_at);
