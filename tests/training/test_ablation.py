from dataclasses import replace
from pathlib import Path

import pytest

from checkout_age.training.__main__ import main
from checkout_age.training.dataset import pack
from checkout_age.training.fitting import ablation_variants, initialisation
from checkout_age.training.fitting.ablation import ablate
from checkout_age.training.fitting.ablation_variants import BASE, VARIANTS, base_of, chosen
from checkout_age.training.fitting.initialisation import FROM_RANDOM
from checkout_age.training.fitting.recipe import Stage
from tests.faces import BrightPhotosHaveFaces
from tests.training.small import bright_faces, small_network

SMALL = replace(
    BASE,
    stages=(Stage(side=32, epochs=1, batch_size=8, rate_from=0.02, rate_to=0.0),),
    pack_side=36,
)


def test_each_change_is_a_row_beside_the_base_and_no_run_is_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(initialisation, "build_network", small_network)
    monkeypatch.setattr(pack, "FaceFinder", BrightPhotosHaveFaces)
    faces = bright_faces(tmp_path)
    some = {
        name: VARIANTS[name]
        for name in ("base", "one neuron, absolute error", "ordinal: CORAL", "no mixup")
    }
    said: list[str] = []

    def rows() -> list[str]:
        compared = ablate(
            faces,
            faces,
            FROM_RANDOM,
            tmp_path / "runs",
            base=SMALL,
            variants=some,
            cache=None,
            say=said.append,
        )
        return [str(row) for row in compared]

    first = rows()
    assert len(first) == 5  # mirrored chips are asked of the base's network
    assert "better=0.0, low=0.0, high=0.0" in first[0]
    assert sum(line.startswith("epoch 1/1") for line in said) == 4
    assert rows() == first
    assert sum(line.startswith("epoch 1/1") for line in said) == 4


def test_every_variant_changes_the_recipe_and_keeps_its_cost() -> None:
    changed = {name: make(BASE) for name, make in VARIANTS.items()}
    assert changed.pop("base") == BASE
    for recipe in changed.values():
        assert recipe != BASE
        assert [stage.epochs for stage in recipe.stages] == [1]


def test_some_changes_can_be_chosen_and_the_base_is_always_among_them() -> None:
    assert list(chosen(["no mixup"])) == ["base", "no mixup"]
    assert chosen(None) == VARIANTS


def test_a_base_of_another_side_draws_from_chips_as_much_larger() -> None:
    base = base_of(96, epochs=3)
    assert (base.side, base.pack_side, base.epochs) == (96, 108, 3)
    assert base.seed == BASE.seed
    assert base_of(96, epochs=3, seed=11) == replace(base, seed=11)


def test_an_ablation_trains_on_as_many_photos_as_are_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(initialisation, "build_network", small_network)
    monkeypatch.setattr(pack, "FaceFinder", BrightPhotosHaveFaces)
    few = replace(SMALL, stages=(replace(SMALL.stages[0], batch_size=4),))
    monkeypatch.setattr(ablation_variants, "BASE", few)
    monkeypatch.chdir(tmp_path)  # its cache, too
    (tmp_path / "final_files").mkdir()
    faces = bright_faces(tmp_path / "final_files")
    names = [photo.name for photo in faces.photos]
    rows = [f"{name},{age:.0f}" for name, age in zip(names, faces.ages, strict=True)]
    (tmp_path / "labels.csv").write_text("\n".join(["file_name,real_age", *rows]))
    splits = [f"{name},{'valid' if n % 4 == 0 else 'train'}" for n, name in enumerate(names)]
    (tmp_path / "splits.csv").write_text("\n".join(["file_name,split", *splits]))
    only = ("--only", "no mixup", "--side", "32", "--photos", "6")
    main(["ablate", "--faces", str(tmp_path), *only, "--out", str(tmp_path / "runs")])
    told = capsys.readouterr().out
    assert "6 of 6 train photos show a face" in told
    assert "no mixup" in told
