-- Run once, when the volume is empty: the extension, and the table of raw events as a hypertable.
-- Whatever comes after is a revision under services/migrations.
CREATE EXTENSION IF NOT EXISTS timescaledb;

CREATE TABLE usage_events (
    event_id    uuid             NOT NULL,
    customer    text             NOT NULL,
    metric      text             NOT NULL,
    quantity    double precision NOT NULL CHECK (quantity >= 0),
    occurred_at timestamptz      NOT NULL,
    received_at timestamptz      NOT NULL DEFAULT now(),
    properties  jsonb            NOT NULL DEFAULT '{}',
    -- A hypertable's keys have its time in them.
    PRIMARY KEY (event_id, occurred_at)
);

SELECT create_hypertable('usage_events', 'occurred_at', chunk_time_interval => interval '1 day');
