"""Ledger rows of Lu, Wu, Yang and Zou 2024."""

from theory._claim import Claim

CLAIMS = (
    Claim("LWYZ24.orbit", "“Oscillation during training”",
          "With a large learning rate the output on strong data oscillates around the label.",
          "exact", "benign_oscillation.period_two_orbit"),
)
