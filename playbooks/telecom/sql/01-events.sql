-- Performance-management events as ingest stores them. Runs once, while the data folder is empty: a later change to
-- this file reaches an existing volume only as a migration of its own.

CREATE TABLE pm_events (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_id        uuid NOT NULL UNIQUE,
    element         text NOT NULL,
    cell            text NOT NULL,
    measured_at     timestamptz NOT NULL,
    received_at     timestamptz NOT NULL DEFAULT now(),
    setup_attempts  integer NOT NULL CHECK (setup_attempts >= 0),
    setup_successes integer NOT NULL CHECK (setup_successes BETWEEN 0 AND setup_attempts),
    dropped_calls   integer NOT NULL CHECK (dropped_calls BETWEEN 0 AND setup_successes),
    traffic_mb      double precision NOT NULL CHECK (traffic_mb >= 0),
    latency_ms      double precision NOT NULL CHECK (latency_ms >= 0)
);

CREATE INDEX pm_events_measured_at ON pm_events (measured_at);
CREATE INDEX pm_events_received_at ON pm_events (received_at);

-- The KPIs of every network element, minute by minute. Rates are percentages; they are null where nothing was tried.
CREATE VIEW pm_kpi AS
SELECT date_trunc('minute', measured_at)                                             AS minute,
       element,
       count(*)                                                                      AS events,
       round(100.0 * sum(setup_successes) / nullif(sum(setup_attempts), 0), 2)       AS setup_success_rate,
       round(100.0 * sum(dropped_calls) / nullif(sum(setup_successes), 0), 2)        AS drop_rate,
       round(sum(traffic_mb)::numeric, 2)                                            AS traffic_mb,
       round((sum(latency_ms * setup_attempts) / nullif(sum(setup_attempts), 0))::numeric, 2) AS latency_ms
FROM pm_events
GROUP BY date_trunc('minute', measured_at), element;
