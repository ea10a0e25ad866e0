"""A knowledge base says what built it, and refuses everything else with the remedy."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from indexing_fakes import FakeEncoder, FakeTextEncoder

from precordia.core.errors import DamageError, KnowledgeBaseError, KnowledgeBaseNotFoundError, MismatchError
from precordia.indexing.manifest import Manifest, mend_manifest
from precordia.indexing.seals import sealed


def _manifest() -> Manifest:
    return Manifest.of(FakeEncoder(), "fake", FakeTextEncoder(), "letters")


def _rewrite(folder: Path, **fields: object) -> None:
    """Other fields, under a checksum that fits them."""
    written = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_bytes(sealed({**written, **fields}))


def test_it_comes_back_as_it_was(tmp_path: Path) -> None:
    _manifest().save(tmp_path)
    assert Manifest.load(tmp_path) == _manifest()
    assert sorted(file.name for file in tmp_path.iterdir() if file.is_file()) == [
        "manifest.copy.json",
        "manifest.json",
    ]


def test_it_states_format_versions_and_encoders(tmp_path: Path) -> None:
    _manifest().save(tmp_path)
    written = json.loads((tmp_path / "manifest.json").read_text())
    assert written["format"] == "precordia knowledge base"
    assert {"format_version", "schema_version", "created_by", "encoder_fingerprint", "text_encoder_fingerprint"} <= set(
        written
    )


def test_a_folder_without_one_is_no_knowledge_base(tmp_path: Path) -> None:
    with pytest.raises(KnowledgeBaseNotFoundError, match=str(tmp_path)):
        Manifest.load(tmp_path)
    assert not Manifest.exists(tmp_path)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b"\xff\xfe", b'{"format": "x"}'])
def test_a_damaged_one_is_an_error_in_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "manifest.json").write_bytes(content)
    with pytest.raises(KnowledgeBaseError, match="damaged"):
        Manifest.load(tmp_path)


@pytest.mark.parametrize("key", ["format_version", "schema_version"])
def test_another_version_is_refused(tmp_path: Path, key: str) -> None:
    _manifest().save(tmp_path)
    _rewrite(tmp_path, **{key: 99})
    with pytest.raises(MismatchError, match="build it again"):
        Manifest.load(tmp_path)


def test_the_same_encoders_are_accepted() -> None:
    _manifest().check(FakeEncoder(), FakeTextEncoder(), "kb")
    _manifest().check(FakeEncoder(), None, "kb")


def test_another_encoder_is_refused_with_the_remedy() -> None:
    with pytest.raises(
        MismatchError, match=r"knowledge base kb: built with encoder 'fake'.*open it with encoder 'fake'"
    ):
        _manifest().check(FakeEncoder("other"), None, "kb")


def test_a_text_encoder_is_refused_where_none_or_another_was_used() -> None:
    without = Manifest.of(FakeEncoder(), "fake")
    with pytest.raises(MismatchError, match="no text encoder"):
        without.check(FakeEncoder(), FakeTextEncoder())
    other = FakeTextEncoder()
    other.fingerprint = "other"  # type: ignore[misc]
    with pytest.raises(MismatchError, match="text encoder 'letters'"):
        _manifest().check(FakeEncoder(), other)


@pytest.mark.parametrize(
    "fields",
    [
        {"encoder": 5},
        {"encoder": ""},
        {"encoder_fingerprint": None},
        {"dim": "256"},
        {"dim": 0},
        {"dim": True},
        {"dim": 10**12},
        {"text_dim": None},
        {"text_encoder": ["letters"]},
        {"signal_spec": []},
        {"another": 1},
    ],
)
def test_fields_that_cannot_be_are_refused_by_name(tmp_path: Path, fields: dict[str, object]) -> None:
    _manifest().save(tmp_path)
    _rewrite(tmp_path, **fields)
    with pytest.raises(DamageError, match=r"manifest\.json is damaged .*precordia check --kb .* --repair"):
        Manifest.load(tmp_path)


def test_every_flipped_bit_is_noticed_and_the_copy_mends_it(tmp_path: Path) -> None:
    _manifest().save(tmp_path)
    file = tmp_path / "manifest.json"
    sound = file.read_bytes()
    for bit in range(0, 8 * len(sound), 13):
        flipped = bytearray(sound)
        flipped[bit // 8] ^= 1 << bit % 8
        file.write_bytes(flipped)
        try:
            assert Manifest.load(tmp_path) == _manifest()  # a space that became another space says the same
        except DamageError:
            assert mend_manifest(tmp_path)
        else:
            file.write_bytes(sound)
        assert file.read_bytes() == sound
    assert not mend_manifest(tmp_path)


def test_a_missing_one_is_not_taken_for_no_knowledge_base(tmp_path: Path) -> None:
    _manifest().save(tmp_path)
    (tmp_path / "manifest.json").unlink()
    assert Manifest.exists(tmp_path)
    with pytest.raises(DamageError, match="missing"):
        Manifest.load(tmp_path)
    assert mend_manifest(tmp_path)
    assert Manifest.load(tmp_path) == _manifest()
