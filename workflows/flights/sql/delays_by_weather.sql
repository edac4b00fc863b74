-- Flights and how many of them left late, by airport and the weather at the hour of departure.
SELECT f.origin,
       CASE WHEN w.visib < 1 THEN 'under 1' WHEN w.visib < 5 THEN '1 to 5' WHEN w.visib < 10 THEN '5 to 10' ELSE '10' END AS visibility,
       CASE WHEN w.visib < 1 THEN 1 WHEN w.visib < 5 THEN 2 WHEN w.visib < 10 THEN 3 ELSE 4 END AS visibility_order,
       coalesce(w.precip > 0, false) AS wet,
       count(*) AS flights,
       count(*) FILTER (f.dep_delay > $late_after) AS late,
       count(*) FILTER (f.dep_time IS NULL) AS cancelled,
       round(avg(f.dep_delay), 2) AS mean_delay
FROM flights f
JOIN weather w USING (origin, time_hour)
GROUP BY ALL
ORDER BY ALL;
