-- Every price that the stream brought, in chunks by time.
CREATE EXTENSION IF NOT EXISTS timescaledb;

CREATE TABLE ticks (
    symbol text NOT NULL CHECK (symbol ~ '^[A-Z]{3,8}$'),
    at timestamptz NOT NULL,
    price numeric(14, 2) NOT NULL CHECK (price > 0),
    volume bigint NOT NULL CHECK (volume > 0),
    PRIMARY KEY (symbol, at)
);

SELECT create_hypertable('ticks', 'at', chunk_time_interval => interval '1 day');
