"""Li, Wei and Ma 2019, section 6 and figures 1 and 3, and the slides' figure 4."""

FIGURES = ()
