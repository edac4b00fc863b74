log(step.id .. " took " .. result.duration)
