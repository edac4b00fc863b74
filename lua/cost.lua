-- SPDX-License-Identifier: Apache-2.0
--
-- after_step: what the attempt cost, as the metric `cost`.
--
-- with   per_gib   price of a GiB that it scanned: metrics and outputs named as `scanned` says; 0 without it
--        per_hour  price of an hour that it took; 0 without it
--        scanned   names of metrics and outputs that count bytes; [bytes_scanned] without it
--        unit      of the price; usd without it

local per_gib, per_hour = number(get(with, "per_gib", 0)), number(get(with, "per_hour", 0))
local names = get(with, "scanned", {"bytes_scanned"})
local bytes = 0

if per_gib == 0 and per_hour == 0 then
  log("warn", "levada:cost has no price: give it `with: {per_gib: ...}` or `with: {per_hour: ...}`")
end
for _, one in pairs(result.metrics) do
  if contains(names, one.name) then bytes = bytes + one.value end
end
for _, name in pairs(names) do
  bytes = bytes + number(default(get(result.outputs, name, 0), 0))
end
metric("cost", round(bytes / number(size("1GiB")) * per_gib + number(result.duration) / 3600 * per_hour, 6),
       get(with, "unit", "usd"))
