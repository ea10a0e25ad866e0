"""Long recordings: beats, ectopy and episodes against what people marked and what was simulated."""
