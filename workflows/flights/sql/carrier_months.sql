-- One row per airline and month.
SELECT f.month, f.carrier, a.name,
       count(*) AS flights,
       count(*) FILTER (f.dep_time IS NULL) AS cancelled,
       count(*) FILTER (f.arr_delay <= 15) AS on_time,
       round(avg(f.dep_delay), 2) AS mean_delay,
       median(f.dep_delay) AS median_delay,
       count(DISTINCT f.tailnum) AS planes,
       sum(f.distance)::BIGINT AS miles
FROM flights f
JOIN airlines a USING (carrier)
GROUP BY ALL
ORDER BY f.month, f.carrier;
