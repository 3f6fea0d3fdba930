-- Opening, highest, lowest and closing price of each minute, as charts need them.
CREATE VIEW candles AS
SELECT symbol,
       time_bucket(interval '1 minute', at) AS minute,
       first(price, at) AS open,
       max(price) AS high,
       min(price) AS low,
       last(price, at) AS close,
       sum(volume) AS volume
FROM ticks
GROUP BY symbol, minute;
