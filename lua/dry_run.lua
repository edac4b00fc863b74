-- SPDX-License-Identifier: Apache-2.0
--
-- before_step: with the param `dry_run` every step that has an effect is skipped, and says what it would have done. The
-- workflow declares the param: `dry_run: {type: boolean, default: false}`.
--
-- with   only   ids of the steps it is for; all without it

local harmless = contains({"pure", "read"}, step.effect)
local meant = not has(with, "only") or contains(get(with, "only"), step.id)

if params.dry_run and meant and not harmless then
  log("would " .. default(step.action, step.kind) .. " " .. json(step.inputs))
  skip("dry run: its effect is " .. step.effect)
end
