-- SPDX-License-Identifier: Apache-2.0
--
-- before_step: inputs that name things must look as names do here, or the attempt fails with class `invalid` before it
-- has done anything.
--
-- with   inputs    names of inputs to look at; [table, schema, database] without it. What a step has not is passed over
--        pattern   a regular expression for the whole; snake_case, parts with dots between, without it

local part = "[a-z][a-z0-9_]*"
local pattern = get(with, "pattern", "^" .. part .. "(\\." .. part .. ")*$")

for _, name in pairs(get(with, "inputs", {"table", "schema", "database"})) do
  local value = get(step.inputs, name)
  if type(value) == "string" and not matches(value, pattern) then
    fail("the " .. name .. " \"" .. value .. "\" is not named as things are here: " .. pattern, "invalid")
  end
end
