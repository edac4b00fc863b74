-- SPDX-License-Identifier: Apache-2.0
--
-- after_step: a load that brought too little or too much is a failure of class `contract`, whatever its tool said.
--
-- with   output    the output that counts; rows without it
--        minimum   fewer are a failure; 1 without it
--        maximum   more are a failure; no bound without it

local name = get(with, "output", "rows")
local minimum, maximum = number(get(with, "minimum", 1)), get(with, "maximum")

if result.status == "succeeded" then
  local count = get(result.outputs, name)
  if count == null then fail("there is no output \"" .. name .. "\" to count", "contract") end
  count = number(count)
  if count < minimum then fail(name .. " is " .. count .. ", less than " .. minimum, "contract") end
  if maximum ~= null and count > number(maximum) then
    fail(name .. " is " .. count .. ", more than " .. number(maximum), "contract")
  end
end
