local n = 1
if n then
  log("x"
end
