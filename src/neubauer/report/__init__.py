"""A document of the results in a folder: what was counted with what, plots, pictures, checks, and how to cite it."""
