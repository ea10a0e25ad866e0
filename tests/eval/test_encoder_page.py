import csv
from pathlib import Path

import pytest

from benchmarks import encoder_page
from benchmarks.encoder_figures import curves
from precordia.eval.harness.task import Row

PAGE = Path(__file__).parents[2] / "docs" / "encoder.md"


def test_a_table_is_replaced_and_nothing_else() -> None:
    page = "before\n<!-- table a -->\nold\n<!-- end -->\nbetween\n<!-- table b -->\nkept\n<!-- end -->\n"
    found = encoder_page.fill(page, "a", "| new |")
    assert found == page.replace("old", "| new |")
    with pytest.raises(ValueError, match="0 tables"):
        encoder_page.fill(page, "c", "x")


def test_every_table_has_one_place_on_the_page() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for name in encoder_page.TABLES:
        assert encoder_page.fill(page, name, "x") != page


def test_tables_set_systems_against_questions() -> None:
    rows = (
        Row("precordia", "macro AUROC, superclasses", 0.9, 0.8, 0.95, 10, goal=0.925),
        Row("untrained", "macro AUROC, superclasses", 0.7, 0.6, 0.8, 10),
        Row("precordia", "AUROC", 0.91, 0.8, 0.95, 10, "NORM"),
        Row("precordia", "macro AUROC, superclasses: ahead of", 0.2, 0.1, 0.3, 10, "untrained"),
        Row(
            "precordia",
            "macro AUROC, superclasses, 1% of labels",
            0.85,
            0.8,
            0.9,
            10,
            "mean, lowest and highest of 10 draws",
        ),
        Row("precordia", "precision@10, shared superclass", 0.8, 0.7, 0.9, 10),
        Row("chance", "precision@10, shared superclass", 0.4, n=10),
        Row("precordia", "macro AUROC, superclasses", 0.86, 0.8, 0.9, 10, "leads: I"),
        Row("precordia", "fall of macro AUROC, superclasses", 0.04, 0.01, 0.07, 10, "leads: I"),
        Row("precordia, zero-shot", "macro AUROC, superclasses", 0.88, 0.85, 0.9, 10),
    )
    assert encoder_page.systems(rows).splitlines() == [
        "| macro AUROC | superclasses | superclasses, 1% of labels |",
        "| --- | --- | --- |",
        "| precordia | 0.900 (0.800 to 0.950) | 0.850 (0.800 to 0.900) |",
        "| untrained | 0.700 (0.600 to 0.800) |  |",
    ]
    assert encoder_page.ahead(rows).splitlines()[2] == "| untrained | 0.200 (0.100 to 0.300) |"
    assert encoder_page.neighbours(rows).splitlines()[3] == "| chance | 0.400 |"
    assert (
        encoder_page.changed(rows).splitlines()[2] == "| leads: I | 0.860 (0.800 to 0.900) | 0.040 (0.010 to 0.070) |"
    )
    assert "0.880" in encoder_page.text(rows)
    ablation = [Row("masked", "macro AUROC, superclasses", 0.8, 0.7, 0.9, 10, "fold 8")]
    assert "| masked | 0.800 (0.700 to 0.900) |" in encoder_page.ablation("fold 8")(ablation)
    assert "masked" not in encoder_page.ablation("fold 9")(ablation)


def test_every_objective_of_a_curve_is_drawn(tmp_path: Path) -> None:
    with (tmp_path / "curve.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerows([["epoch", "loss", "a", "b", "learning_rate", "held_out_loss", "held_out_a", "held_out_b"],
                          [1, 3, 2, 1, 0.1, "", "", ""], [2, 2, 1.5, 0.5, 0.1, 2, 1.6, 0.6]])  # fmt: skip
    figure = curves(tmp_path / "curve.csv")
    assert [axis.get_title() for axis in figure.axes] == ["a", "b"]
    assert [len(line.get_xdata()) for line in figure.axes[0].lines] == [2, 1]


def test_seeds_of_one_recipe_are_one_row_between_the_lowest_and_the_highest() -> None:
    rows = [Row(f"contrast-{seed}", "m", value, value - 0.1, value + 0.1, 9) for seed, value in ((42, 0.5), (43, 0.8))]
    (found,) = encoder_page.over_seeds(rows)
    assert (found.system, found.value, found.low, found.high) == ("contrast, 2 seeds", 0.65, 0.5, 0.8)
    assert encoder_page.over_seeds([Row("default", "m", 0.9, 0.8, 1.0, 9)])[0].low == 0.8
