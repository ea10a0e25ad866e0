"""Learning how a data set codes what its reports say."""

from __future__ import annotations

import numpy as np
import pytest

from precordia.concepts.coding import Coder, coding_features

REPORTS = [
    "sinusrhythmus linksschenkelblock",
    "sinus rhythm. left bundle branch block.",
    "sinusrhythmus normales ekg",
] * 8
LABELS = np.array([[True, False], [True, False], [False, True]] * 8)


def test_features_say_finding_status_territory_and_severity() -> None:
    features = coding_features("sinus rhythm. possible old inferior infarct. no st elevation.")
    assert {"SR", "IMI?", "IMI?@inferior", "IMI/old", "STE_-", "en"} <= set(features)


def test_what_readers_added_is_told_apart() -> None:
    features = coding_features("sinus rhythm. normal ecg. Edit: LVH 35")
    assert {"before:NORM", "edit:LVH?"} <= set(features)


@pytest.mark.parametrize("kind", [{}, {"words": True}, {"findings": False, "words": True}])
def test_a_coder_learns_a_convention(kind: dict[str, bool]) -> None:
    coder = Coder(**kind).fit(REPORTS, LABELS)
    assert coder.predict(REPORTS[:3]).tolist() == LABELS[:3].tolist()


def test_findings_carry_a_convention_into_other_words() -> None:
    coder = Coder().fit(REPORTS, LABELS)
    assert coder.predict(["sinustachykardie, linksschenkelblock", "sinus bradycardia. lbbb."])[:, 0].all()


def test_the_same_reports_give_the_same_probabilities() -> None:
    one, two = (Coder(words=True).fit(REPORTS, LABELS).probabilities(REPORTS[:3]) for _ in range(2))
    assert np.array_equal(one, two)
