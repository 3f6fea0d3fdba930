-- Campaigns are for people near a place, in a span of time. Distances are metres on the globe, hence geography.
CREATE EXTENSION IF NOT EXISTS postgis;

CREATE TABLE accounts (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name          text NOT NULL UNIQUE,
    password_hash text NOT NULL,
    created_at    timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE campaigns (
    id         uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    name       text NOT NULL,
    place      geography(Point, 4326) NOT NULL,
    radius_m   double precision NOT NULL CHECK (radius_m > 0),
    starts_at  timestamptz NOT NULL,
    ends_at    timestamptz NOT NULL CHECK (ends_at > starts_at),
    status     text NOT NULL DEFAULT 'scheduled' CHECK (status IN ('scheduled', 'active', 'ended')),
    created_by bigint NOT NULL REFERENCES accounts,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX campaigns_place ON campaigns USING gist (place);
CREATE INDEX campaigns_due ON campaigns (status, starts_at, ends_at);

CREATE TABLE visits (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    visitor      text NOT NULL,
    place        geography(Point, 4326) NOT NULL,
    happened_at  timestamptz NOT NULL DEFAULT now(),
    evaluated_at timestamptz
);

CREATE INDEX visits_waiting ON visits (id) WHERE evaluated_at IS NULL;

CREATE TABLE matches (
    campaign_id uuid NOT NULL REFERENCES campaigns ON DELETE CASCADE,
    visit_id    bigint NOT NULL REFERENCES visits ON DELETE CASCADE,
    distance_m  double precision NOT NULL,
    matched_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (campaign_id, visit_id)
);
