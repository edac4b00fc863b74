log("ÿ")
