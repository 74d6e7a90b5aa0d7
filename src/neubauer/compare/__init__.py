"""From counts to conclusions: which image is of which sample, conditions compared over samples, plot and methods."""
