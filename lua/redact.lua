-- SPDX-License-Identifier: Apache-2.0
--
-- after_step: outputs that should not stand in the journal are replaced before they get there. Later steps get the
-- replacement too.
--
-- with   outputs   names of the outputs; what a step has not is passed over
--        digest    true: `sha256:` and the first 16 digits, so that equal values can be told; `***` without it

for _, name in pairs(get(with, "outputs", {})) do
  local value = get(result.outputs, name)
  if value ~= null then
    if get(with, "digest", false) then set_output(name, "sha256:" .. slice(sha256(text(value)), 1, 16))
    else set_output(name, "***") end
  end
end
