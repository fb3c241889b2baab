"""Ledger rows of Lu, Wu, Yang and Zou 2024."""

CLAIMS = ()
