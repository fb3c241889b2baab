"""Wu, Ma and E 2018, on real networks: figures 1, 3 and 4 and the measured half of Table 1."""

FIGURES = ()
