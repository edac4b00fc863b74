-- A guard with a mistake.
local limit = with.minimum
if result.outputs.rows < limt then
  fail("too few", "contract")
end
