"""What every case store must do: a test class inherits :class:`CaseStoreContract` and gives ``make``."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from precordia.core.errors import FilterError
from precordia.core.protocols import CaseStore


class CaseStoreContract:
    """Cases by id, signals by id, and conditions."""

    def make(self, folder: Path) -> CaseStore:
        """A store with the cases 3, 5 and 8, of whom only 5 is 70 years old."""
        raise NotImplementedError

    def test_cases_come_in_the_order_asked_for(self, tmp_path: Path) -> None:
        store = self.make(tmp_path)
        assert isinstance(store, CaseStore)
        assert len(store) == 3
        assert [case.case_id for case in store.get([8, 3])] == [8, 3]

    def test_an_id_that_is_not_there_is_a_key_error(self, tmp_path: Path) -> None:
        store = self.make(tmp_path)
        for ask in (lambda: store.get([4]), lambda: store.recording(4), lambda: store.waveform(4)):
            with pytest.raises(KeyError):
                ask()

    def test_a_recording_is_that_of_its_case(self, tmp_path: Path) -> None:
        store = self.make(tmp_path)
        (case,) = store.get([5])
        recording = store.recording(5)
        assert recording.recording_id == case.recording_id
        one = store.waveform(5, [recording.leads[1]])
        assert one.leads == recording.leads[1:2]
        np.testing.assert_array_equal(one.signal, recording.signal[1:2])

    def test_conditions_choose_ids_ascending(self, tmp_path: Path) -> None:
        store = self.make(tmp_path)
        assert store.select(None).tolist() == [3, 5, 8]
        assert store.select("age = 70").tolist() == [5]
        with pytest.raises(FilterError, match="age"):
            store.select("agee = 70")
