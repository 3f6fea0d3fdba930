-- Whoever can see a dashboard can send its data source any SQL, so the dashboards read with a role that can do no more
-- than that. psql reads the password itself: it stands in no argument and no environment.

\set reader_password `cat /run/secrets/dashboard_db_password`
CREATE ROLE dashboard_reader LOGIN PASSWORD :'reader_password';
GRANT SELECT ON pm_events, pm_kpi TO dashboard_reader;
ALTER ROLE dashboard_reader SET default_transaction_read_only = on;
ALTER ROLE dashboard_reader SET statement_timeout = '15s';
