-- SPDX-License-Identifier: Apache-2.0
--
-- after_step: an attempt that took too long is told in the log and counted by the metric `slow`.
--
-- with   after   a duration: longer is slow; 10m without it
--        fail    true: a slow step has failed, with class `contract`; without it this only warns

local limit = duration(get(with, "after", "10m"))

if result.duration > limit then
  local text = step.id .. " took " .. result.duration .. ", longer than " .. limit
  metric("slow", number(result.duration) / number(limit), "times")
  if get(with, "fail", false) and result.status == "succeeded" then fail(text, "contract") end
  log("warn", text)
end
