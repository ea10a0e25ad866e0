"""A second modality beside the ECG: the table, the shared space, and search across."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from precordia.cli.main import main
from precordia.core.errors import CheckpointError, InputError, MismatchError, UsageError
from precordia.fitting.signals.pairs import PairsRecipe, fit_space
from precordia.signals.paired.space import PairedSpace, load_space, save_space
from precordia.signals.paired.table import read_pairs
from precordia.simulation import simulate, simulate_batch
from precordia.simulation.ventricle import MRI_FEATURES, mri_vector, ventricle_of


def made(n: int = 300) -> tuple[np.ndarray, np.ndarray]:
    """Vectors of which two directions go with two columns."""
    rng = np.random.default_rng(0)
    hidden = rng.standard_normal((n, 2))
    vectors = rng.standard_normal((n, 12)).astype(np.float32)
    vectors[:, :2] = hidden
    return vectors, np.c_[hidden[:, 0] * 20.0 + 100.0, hidden[:, 1] * 8.0 + 55.0]


@pytest.fixture(
    scope="module",
    params=[PairsRecipe(hidden=16), PairsRecipe(mechanism="regression", shared=2)],
    ids=["contrastive", "regression"],
)
def space(request: pytest.FixtureRequest) -> PairedSpace:
    vectors, values = made()
    return fit_space(vectors, values, ("mass_g", "ef_pct"), "one", request.param)[0]


def test_what_an_ecg_foretells_is_kept_and_nothing_else() -> None:
    vectors, values = made()
    recipe = PairsRecipe(mechanism="regression", shared=2)
    space, curve = fit_space(vectors, values, ("mass_g", "ef_pct"), "one", recipe)
    assert curve == []
    other = vectors.copy()
    other[:, 2:] += 1.0
    moved = np.abs(space.coordinates(other) - space.coordinates(vectors)).mean()
    other = vectors.copy()
    other[:, :2] += 1.0
    assert moved < 0.3 * np.abs(space.coordinates(other) - space.coordinates(vectors)).mean()


def test_ecgs_are_found_by_what_the_other_modality_looked_like(space: PairedSpace) -> None:
    vectors, values = made()
    rows, cosines = space.ecgs_like({"mass_g": 140.0, "ef_pct": 55.0}, vectors, 10)
    assert (np.diff(cosines) <= 0).all()
    assert values[rows, 0].mean() > 115.0
    weak, _ = space.ecgs_like({"ef_pct": 40.0}, vectors, 10)
    assert values[weak, 1].mean() < 50.0


def test_a_column_the_pairs_did_not_have_is_refused(space: PairedSpace) -> None:
    for values in ({"wall_mm": 12.0}, {}):
        with pytest.raises(UsageError, match="mass_g, ef_pct"):
            space.ecgs_like(values, made()[0])


def test_what_is_stored_finds_the_same_and_is_refused_beside_another_encoder(
    space: PairedSpace, tmp_path: Path
) -> None:
    save_space(space, tmp_path)
    vectors = made()[0]
    np.testing.assert_allclose(load_space(tmp_path, "one").of_ecgs(vectors), space.of_ecgs(vectors), atol=1e-6)
    with pytest.raises(MismatchError, match="precordia train pairs"):
        load_space(tmp_path, "another")
    with pytest.raises(CheckpointError, match="precordia train pairs"):
        load_space(tmp_path / "none", "one")


def test_a_table_is_read_with_its_gaps_and_refused_with_its_faults(tmp_path: Path) -> None:
    place = tmp_path / "pairs.csv"
    lines = [f"ecg{n}.dat,{n},{'' if n == 3 else 50}" for n in range(20)]
    place.write_text("\n".join(["ecg,mass_g,ef_pct", *lines]))
    table = read_pairs(place)
    assert table.columns == ("mass_g", "ef_pct")
    assert table.ecgs[0] == tmp_path / "ecg0.dat"
    assert np.isnan(table.values[3, 1])
    for faulty, said in (
        (["ecg,mass_g", *(f"e{n},x" for n in range(20))], "line 2, column 'mass_g'"),
        (["file,mass_g", "a,1"], "needs a column 'ecg'"),
        (["ecg,mass_g", "a,1"], "20 are needed"),
        (["ecg,mass_g", *["a,1"] * 20], "on two lines"),
    ):
        place.write_text("\n".join(faulty))
        with pytest.raises(InputError, match=said):
            read_pairs(place)


def test_the_command_names_the_table_that_is_missing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "pairs", "--pairs", str(tmp_path / "none.csv")]) == 2
    assert "none.csv: cannot be read" in capsys.readouterr().err


def test_a_phantoms_ventricle_follows_its_diseases() -> None:
    healthy, thick, scarred = (
        [ventricle_of(simulate(names, seed=seed, fs=100.0, sex="M").truth, seed) for seed in range(8)]
        for names in ("NORM", "LVH", ["AMI:old", "SR"])
    )
    assert np.mean([v.mass_g for v in thick]) > 1.2 * np.mean([v.mass_g for v in healthy])
    assert np.mean([v.ejection_pct for v in scarred]) < np.mean([v.ejection_pct for v in healthy]) - 6.0


def test_an_image_vector_is_the_same_again_and_another_for_another_patient() -> None:
    heart = ventricle_of(simulate_batch(1, 3).truths[0], 3)
    assert mri_vector(heart, 3).shape == (MRI_FEATURES,)
    np.testing.assert_array_equal(mri_vector(heart, 3), mri_vector(heart, 3))
    assert np.abs(mri_vector(heart, 3) - mri_vector(heart, 4)).max() > 0.1
