"""Lu, Wu, Yang and Zou 2024."""

FIGURES = ()
