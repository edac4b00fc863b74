-- SPDX-License-Identifier: Apache-2.0
--
-- on_failure: the last lines of a failed step's log say who looks after it and where it is written what to do.
--
-- with   owner   a person or a team
--        url     of the instructions; {step} and {class} in it are replaced
--        hints   a map: part of an error message, and what to say when it occurs

local error_class, message = result.error.class, result.error.message

log("error", step.name .. " failed for good, attempt " .. step.attempt .. " (" .. error_class .. ")")
for part, advice in pairs(get(with, "hints", {})) do
  if contains(lower(message), lower(part)) then log("error", "hint: " .. advice) end
end
if has(with, "owner") then log("error", "owner: " .. get(with, "owner")) end
if has(with, "url") then
  log("error", "what to do: " .. replace(replace(get(with, "url"), "{step}", step.id), "{class}", error_class))
end
