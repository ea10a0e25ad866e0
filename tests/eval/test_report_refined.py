"""ECG-ReGen's protocol: the nearest report stands in the prompt as data, and what is written is scored beside a copy of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_report_arms import SAMPLES, sample

from precordia.cli.main import main
from precordia.core.drafts import Prompt, Reply
from precordia.core.errors import LanguageModelError
from precordia.core.protocols import LanguageModel
from precordia.eval.harness.task import Settings
from precordia.eval.tasks.reports.refined_task import ALONE, REFINED, _figures, _reports, prompt_of
from precordia.eval.tasks.reports.scores import Scored
from precordia.eval.tasks.reports.systems import CONSENSUS, NEAREST

SETTINGS = Settings(Path())


class Copies(LanguageModel):
    """Gives back the report that it is shown, and an invention beside it."""

    name = "copies"

    def reply(self, prompt: Prompt) -> Reply:
        if not prompt.hits:
            return Reply("Normal ECG.")
        return Reply(f"{prompt.hits[0].case.report} The patient takes aspirin.")


def test_the_nearest_report_is_shown_as_data_and_no_order_in_it() -> None:
    shown = prompt_of(sample("c", "sinus rhythm.", 1), with_report=True).messages[-1].content
    assert "§sinus rhythm. left bundle branch block.§" in shown
    assert "72 bpm" in shown
    alone = prompt_of(sample("c", "sinus rhythm.", 1), with_report=False)
    assert alone.hits == ()
    assert "branch" not in alone.messages[-1].content


def test_refined_reports_are_scored_beside_the_copied_one() -> None:
    reports = _reports(SAMPLES, Copies(), SETTINGS)
    assert list(reports) == [NEAREST, ALONE, REFINED, f"{REFINED}, proved", CONSENSUS]
    assert "aspirin" in reports[REFINED][0].text  # what a model writes is scored as it is
    assert "aspirin" not in reports[f"{REFINED}, proved"][0].text
    scored = {name: Scored(name, SAMPLES, some) for name, some in reports.items()}
    value = {(row.system, row.metric): row.value for row in _figures(scored, "PTB-XL", 42)}
    f1 = "micro F1 of findings"
    assert value[NEAREST, f1] == value[REFINED, f1] == value[CONSENSUS, f1] == 1.0
    assert value[f"{ALONE} less {NEAREST}", f1] < 0


def test_a_model_that_fails_ends_it() -> None:
    class Down(LanguageModel):
        name = "down"

        def reply(self, prompt: Prompt) -> Reply:
            raise LanguageModelError("down")

    with pytest.raises(LanguageModelError, match="down"):
        _reports(SAMPLES, Down(), SETTINGS)


def test_options_that_make_no_sense_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    for options, says in (
        ((), "--llm local"),
        (("--set", "tokens=0"), "tokens='0'"),
        (("--set", "x=1"), "no setting x"),
    ):
        assert main(["eval", "report-refined", *options]) == 2
        assert says in capsys.readouterr().err
