"""Agreement with the carts' own measurements that stand in vendor files."""

from __future__ import annotations

from pathlib import Path

import pytest

from precordia.measurements import measure
from precordia.records.read import read_recording

FILES = (
    "ge_muse_xml_musePHI/muse_ecg1.xml",
    "ge_muse_xml_musePHI/muse_ecg2.xml",
    "cardio_testdata/sample.dcm",
    "cardio_testdata/sample.xml",
    "dicom_ecg_plot/anonymous_ecg.dcm",
    "ecgtoolkit_scp_dcm_aecg/Example.scp",
    "philips_sierra_xml/2020-5-18_15-48-11.xml",
)


@pytest.mark.data
@pytest.mark.parametrize("name", FILES)
def test_measurements_agree_with_the_cart(data_dir: Path, name: str) -> None:
    recording = read_recording(str(data_dir / "formats" / name))
    cart, m = recording.vendor_measurements, measure(recording)
    assert m.pr_ms == pytest.approx(cart["pr_ms"], abs=15)
    assert m.qrs_ms == pytest.approx(cart["qrs_ms"], abs=15)
    assert m.qt_ms == pytest.approx(cart["qt_ms"], abs=22)
    assert m.axis_deg == pytest.approx(cart["axis_deg"], abs=15)
    assert m.p_axis_deg == pytest.approx(cart["p_axis_deg"], abs=20)
    assert m.t_axis_deg == pytest.approx(cart["t_axis_deg"], abs=15)
    if "heart_rate_bpm" in cart:
        assert m.heart_rate_bpm == pytest.approx(cart["heart_rate_bpm"], abs=2)
