"""Figures by study, in the order in which they are told."""

from figures import _all


def by_study(records):
    """{study: its records}, studies without one left out."""
    study_of = {figure.name: study for study, figures in _all.STUDIES.items() for figure in figures}
    found = {study: [record for record in records if study_of.get(record["figure"]) == study] for study in _all.STUDIES}
    return {study: mine for study, mine in found.items() if mine}
