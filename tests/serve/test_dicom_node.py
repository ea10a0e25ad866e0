"""The DICOM node: an ECG that is sent is on the disk when its sender is told so, and nothing else is taken."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from precordia import read_recording
from precordia.core.errors import UsageError
from precordia.serve.dicom_node import ECG_CLASSES, receiving
from precordia.simulation import simulate
from precordia.simulation.writers import WRITERS

pynetdicom = pytest.importorskip("pynetdicom")


def association(port: int, title: str = "CART", called: str = "PRECORDIA", kind: str = ECG_CLASSES[0]) -> Any:
    sender = pynetdicom.AE(ae_title=title)
    sender.add_requested_context(kind)
    return sender.associate("127.0.0.1", port, ae_title=called)


@pytest.fixture
def ecg(tmp_path: Path) -> Path:
    (tmp_path / "sent").mkdir()
    return WRITERS.get("dicom")(tmp_path / "sent" / "ecg", simulate("NORM", seed=1).recording)


def test_an_ecg_that_is_sent_is_on_the_disk(ecg: Path, tmp_path: Path) -> None:
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    with receiving(inbox, 0) as port:
        for _ in range(2):  # sent twice it is there once
            sent = association(port)
            assert sent.is_established
            assert sent.send_c_store(str(ecg)).Status == 0
            (file,) = inbox.iterdir()
            sent.release()
        assert read_recording(file).content_hash == read_recording(ecg).content_hash


def test_what_is_no_ecg_is_not_taken(tmp_path: Path) -> None:
    with receiving(tmp_path, 0) as port:
        assert not association(port, kind="1.2.840.10008.5.1.4.1.1.2").is_established


def test_only_the_titles_that_are_named_may_send(tmp_path: Path) -> None:
    with receiving(tmp_path, 0, senders=("CART",)) as port:
        known = association(port, "CART")
        assert known.is_established
        known.release()
        assert not association(port, "STRANGER").is_established
        assert not association(port, "CART", called="OTHER").is_established


def test_a_folder_that_is_gone_is_no_success(ecg: Path, tmp_path: Path) -> None:
    with receiving(tmp_path / "gone", 0) as port:
        sent = association(port)
        assert sent.send_c_store(str(ecg)).Status != 0
        sent.release()


def test_a_port_in_use_and_a_title_that_is_none_are_refused(tmp_path: Path) -> None:
    with receiving(tmp_path, 0) as port, pytest.raises(UsageError), receiving(tmp_path, port):
        pass
    with pytest.raises(UsageError), receiving(tmp_path, 0, title="far too long for a title"):
        pass
