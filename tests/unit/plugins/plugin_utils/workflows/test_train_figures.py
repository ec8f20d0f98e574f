# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The figures of trained series in a folder: which there are, and when they are drawn again."""

from __future__ import annotations

import os
import pathlib
import re
import typing as t

import numpy as np
import pytest

pytest.importorskip("torch")

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.foresight.capacity.plugins.plugin_utils import engine_local
from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting import lstm_network, training
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.forecast_images import ForecastView
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.training_images import TrainingView
from ansible_collections.foresight.capacity.plugins.plugin_utils.store import Entity, EntityRow, SeriesInfo, open_store
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows import train_figures
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.forecast import forecast
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.forecast_documents import Asked
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.train import train

NOW, STEP = 1_763_700_000, 600
SAMPLES = 60


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_local, "run_each", lambda function, batches, **_how: map(function, batches))
    monkeypatch.setattr(lstm_network, "EPOCHS", 3)


@pytest.fixture
def views(monkeypatch: pytest.MonkeyPatch) -> list[t.Any]:
    """What is drawn, as the function that draws gets it."""
    seen: list[t.Any] = []
    real = train_figures.pictures_of

    def look(figures: t.Any) -> list[bytes]:
        seen.extend(figure.view for figure in figures)
        return real(figures)

    monkeypatch.setattr(train_figures, "pictures_of", look)
    return seen


@pytest.fixture
def store(tmp_path: pathlib.Path) -> str:
    """Two volumes; the second one was generated, and comes from a recording."""
    path = str(tmp_path / "store.db")
    with open_store(path) as opened:
        for name, recorded in (("a", None), ("b", {"shifted_by": 3600})):
            identity = f"lv:web1/{name}"
            attributes = {"size_bytes": 2**40, "recorded": recorded}
            entity = opened.put_entities([EntityRow(identity, f"lv:web1/vg0/{name}", "lv", "web1", attributes, NOW)])[identity]
            number = opened.put_series([(entity, "used_bytes", "bytes", name == "b")])[entity, "used_bytes"]
            values = 1e10 + np.cumsum(np.random.default_rng(len(name)).normal(size=SAMPLES)) * 1e8
            values[20] = np.nan
            opened.write_samples([number] * SAMPLES, [NOW - STEP * (SAMPLES - 1 - place) for place in range(SAMPLES)], values)
    return path


def run(store: str, folder: pathlib.Path, now: int = NOW, **options: t.Any) -> dict[str, t.Any]:
    return train(store=store, now=now, figures=str(folder), **{"models": ["lstm"], **options})


def names(result: dict[str, t.Any]) -> list[list[str]]:
    return [[os.path.basename(path) for path in document["figures"]] for document in result["entities"]]


def test_actual_predicted_parts_and_curve_of_each(store: str, tmp_path: pathlib.Path, views: list[t.Any]) -> None:
    result = run(store, tmp_path / "out")
    assert names(result) == [[f"training-used_bytes-600s-lv_web1_vg0_{name}.png"] for name in "ab"]
    assert sorted(os.listdir(tmp_path / "out")) == sorted(name for found in names(result) for name in found)
    assert result["written"]["figures"] == 2
    assert result["summary"][-1] == f"Figures: 2 drawn in {tmp_path}/out"
    for document in result["entities"]:
        assert pathlib.Path(document["figures"][0]).read_bytes().startswith(b"\x89PNG")
    assert all(isinstance(view, TrainingView) for view in views)
    first = views[0]
    assert (first.synthetic, views[1].synthetic) == (False, True)
    assert "recorded" not in first.title
    assert views[1].title.endswith("(recorded, moved to now)")
    with open_store(store) as opened:
        series = opened.find_series(metric="used_bytes")[0].id
        samples = opened.read_samples([series], start=NOW - SAMPLES * STEP + 1, end=NOW + 1, step=STEP, how="last")[0]
    np.testing.assert_allclose(first.actual * 2**30, samples, rtol=1e-15)
    assert np.isnan(first.actual[20])
    assert np.isfinite(first.predicted[np.isfinite(first.actual)][1:]).sum() >= SAMPLES - 4
    assert [name for name, _begin, _end in first.parts] == ["training", "validation", "test"]
    assert first.times[-1] * 86400 == pytest.approx(NOW, abs=STEP)
    assert len(first.training) == len(first.validation) == result["entities"][0]["metrics"]["epochs"]


def test_a_forecast_that_looks_ahead_has_a_figure_too(store: str, tmp_path: pathlib.Path, views: list[t.Any]) -> None:
    (document,) = forecast(store=store, metrics=["used_bytes"], entities=["lv:*/b"], horizon="2h", now=NOW, limit=1.05e10, model="drift")
    result = run(store, tmp_path / "out")
    assert names(result) == [
        ["training-used_bytes-600s-lv_web1_vg0_a.png"],
        ["training-used_bytes-600s-lv_web1_vg0_b.png", "forecast-used_bytes-600s-lv_web1_vg0_b.png"],
    ]
    (shown,) = [view for view in views if isinstance(view, ForecastView)]
    np.testing.assert_allclose(shown.middle * 2**30, document["quantiles"]["0.5"])
    assert shown.limit * 2**30 == pytest.approx(1.05e10)
    assert len(shown.dates) == sum(seconds is not None for seconds in document["runway"]["seconds"].values())
    assert shown.synthetic
    np.testing.assert_array_equal(shown.history, views[1].actual)
    late = run(store, tmp_path / "late", now=NOW + 3 * 3600)
    assert [len(found) for found in names(late)] == [1, 1], "the horizon is over"


def test_only_what_is_missing_or_shows_something_else_is_drawn_again(store: str, tmp_path: pathlib.Path, views: list[t.Any]) -> None:
    folder = tmp_path / "out"
    first = run(store, folder)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert run(store, folder, now=NOW + 60)["written"]["figures"] == 0
    (folder / "training-used_bytes-600s-lv_web1_vg0_a.png").unlink()
    views.clear()
    again = run(store, folder, now=NOW + 60)
    assert [view.title.partition(",")[0] for view in views] == ["lv:web1/vg0/a"]
    assert names(again) == names(first)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before, "what a stored network says in hindsight is the same"
    forecast(store=store, metrics=["used_bytes"], entities=["lv:*/b"], horizon="2h", now=NOW)
    assert run(store, folder, now=NOW + 60)["written"]["figures"] == 1
    views.clear()
    assert run(store, folder, now=NOW + 60, seed=3)["written"]["figures"] == 2, "another network"


def test_a_stored_network_is_asked_with_its_own_season(store: str, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "season_of", lambda *_arguments: 7)
    assert [one["season"] for one in run(store, tmp_path / "out")["entities"]] == [7, 7]
    monkeypatch.setattr(training, "season_of", lambda *_arguments: 1)
    assert run(store, tmp_path / "again")["written"]["figures"] == 2
    for path in (tmp_path / "out").iterdir():
        assert (tmp_path / "again" / path.name).read_bytes() == path.read_bytes()


def test_a_figure_that_was_not_drawn_before_the_run_was_killed_is_made_up_for(
    store: str, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(_self: t.Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(train_figures.Album, "draw", killed)
        with pytest.raises(KeyboardInterrupt):
            run(store, tmp_path / "out")
    result = run(store, tmp_path / "out")
    assert [document["status"] for document in result["entities"]] == ["unchanged"] * 2
    assert result["written"]["figures"] == 2


def test_a_folder_that_cannot_be_written_is_told_and_costs_no_model(store: str, tmp_path: pathlib.Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"Cannot write the figure to .*O\(figures\)"):
        run(store, tmp_path / "file" / "out")
    assert [document["status"] for document in train(store=store, now=NOW, models=["lstm"])["entities"]] == ["unchanged"] * 2


TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


@given(st.tuples(TEXT, TEXT, st.integers(1, 10**6)), st.tuples(TEXT, TEXT, st.integers(1, 10**6)))
def test_any_series_has_a_file_name_of_its_own(one: tuple[str, str, int], other: tuple[str, str, int]) -> None:
    def name(key: str, metric: str, step: int) -> str:
        entity = Entity(1, key, f"lv:{key}", "lv", "web1", {}, 0, 0, True)
        return train_figures.figure_name(
            "training", Asked(entity, SeriesInfo(1, 1, metric, "bytes", False), step, step, 0, 0, 1, False, None)
        )

    assert re.fullmatch(r"training-[A-Za-z0-9._-]{1,245}\.png", name(*one))
    assert (name(*one) == name(*other)) == (one == other)
