"""Training the detector: data by seed, views that keep truth, a loss that learns, a file that can be used."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from recognition.synthesis import draw_photo
from recognition.training import detection_data as data
from recognition.training import detection_views as views
from recognition.training.detection_batches import Batches
from recognition.training.detection_scores import Tally, matched
from recognition.types import RGB

PLATE = (100.0, 80.0, 160.0, 96.0)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> list[data.Photo]:
    """Three small drawn photographs; each label is a box in the middle, right or not."""
    folder = tmp_path_factory.mktemp("data") / "plates-detect" / "train"
    for name in ("images", "labels", "vehicles-pseudo"):
        (folder / name).mkdir(parents=True)
    for number in range(3):
        kind = "motorcycle" if number % 2 else "car"
        picture = draw_photo("BB 6232 RB", kind, number, size=(320, 192))
        stem = f"{'egm' if number % 2 else 'olpr'}_{number:05d}"
        Image.fromarray(picture).save(folder / "images" / f"{stem}.png")
        (folder / "labels" / f"{stem}.txt").write_text("0 0.5 0.6 0.2 0.1\n")
        (folder / "vehicles-pseudo" / f"{stem}.txt").write_text(
            "2 0.5 0.5 0.6 0.6 0.80\n0 0.2 0.5 0.1 0.3 0.1\n"
        )
    found = data.photographs(folder.parents[1], "train")
    return [*found, *data.photographs(folder.parents[1], "held_out")] if len(found) < 3 else found


def grey() -> RGB:
    return np.full((192, 320, 3), 90, np.uint8)


def plate_with_corners() -> data.Targets:
    row = data.plate_target(data.ONE_LINE, PLATE)
    row[data.STATE] = data.GIVEN
    row[data.CORNERS] = (102, 80, 160, 82, 158, 96, 100, 94)
    return row


def test_about_a_tenth_is_held_out_by_name_alone() -> None:
    names = [f"olpr_{number:05d}.jpg" for number in range(2000)]
    kept = [name for name in names if data.held_out(name)]
    assert 160 < len(kept) < 240
    assert all(data.held_out(f"/elsewhere/{Path(name).stem}.png") for name in kept)


def test_missing_photographs_are_named(tmp_path: Path) -> None:
    with pytest.raises(data.DataError, match="plates-detect"):
        data.photographs(tmp_path, "train")


@pytest.mark.parametrize(
    ("box", "source", "wanted"),
    [
        ((0, 0, 40, 40), "egm", data.TWO_LINE),
        ((0, 0, 120, 40), "egm", data.ONE_LINE),
        ((0, 0, 120, 40), "olpr", data.ONE_LINE),
        ((0, 0, 60, 40), "olpr", data.ANY_PLATE),
        ((0, 0, 80, 40), "ro", data.ONE_LINE),
    ],
)
def test_layout_is_taken_from_the_shape_only_where_it_tells(
    box: tuple[float, float, float, float], source: str, wanted: int
) -> None:
    assert data.layout_class(box, source) == wanted


def test_labels_are_read_without_doubtful_vehicles(photos: list[data.Photo]) -> None:
    picture, targets = data.real(photos[0])
    assert picture.shape == (192, 320, 3)
    assert targets[:, 0].tolist() in (
        [data.TWO_LINE, 4.0],
        [data.ANY_PLATE, 4.0],
        [data.ONE_LINE, 4.0],
    )
    assert targets[0, data.STATE] == data.UNKNOWN
    assert targets[1, data.STATE] == data.NO_CORNERS


def test_composites_know_their_corners(photos: list[data.Photo]) -> None:
    _, targets = data.composed(photos[0], 5)
    x1, y1, x2, y2 = targets[0, data.BOX]
    corners = targets[0, data.CORNERS].reshape(4, 2)
    assert targets[0, data.STATE] == data.GIVEN
    assert corners[:, 0].min() == pytest.approx(x1, abs=1e-3)
    assert corners[:, 1].max() == pytest.approx(y2, abs=1e-3)
    assert x1 < x2
    assert y1 < y2


def test_a_mirror_keeps_corners_in_reading_order() -> None:
    picture = grey()
    picture[80:96, 100:160] = 255
    turned, targets = views.mirrored(picture, data.stacked([plate_with_corners()]))
    corners = targets[0, data.CORNERS].reshape(4, 2)
    assert targets[0, data.BOX].tolist() == [160, 80, 220, 96]
    assert corners.tolist() == [[160, 82], [218, 80], [220, 94], [162, 96]]
    assert turned[85, 165, 0] == 255


def test_a_view_moves_boxes_with_the_picture() -> None:
    picture = grey()
    picture[80:96, 100:160] = 255
    matrix = np.array([(2.0, 0, -150), (0, 2.0, -100), (0, 0, 1)])
    shown, targets = views.seen(picture, data.stacked([data.plate_target(0, PLATE)]), matrix, 256)
    assert targets[0, data.BOX].tolist() == [50, 60, 170, 92]
    bright = np.argwhere(shown[:, :, 0] > 180)
    assert abs(bright.min(axis=0) - (60, 50)).max() <= 1
    assert abs(bright.max(axis=0) - (91, 169)).max() <= 1


def test_a_plate_that_is_hardly_in_view_is_greyed() -> None:
    picture = grey()
    picture[80:96, 100:160] = 255
    matrix = np.array([(1.0, 0, -140), (0, 1, 0), (0, 0, 1)])
    shown, targets = views.seen(picture, data.stacked([data.plate_target(0, PLATE)]), matrix, 128)
    assert len(targets) == 0
    assert shown.max() < 130


def test_patches_hold_no_plate() -> None:
    picture = grey()
    picture[80:96, 100:160] = 255
    for seed in range(20):
        shown, targets = views.patch_without_plates(
            picture, data.stacked([data.plate_target(0, PLATE)]), 128, np.random.default_rng(seed)
        )
        assert len(targets) == 0
        assert shown.max() < 130


def test_batches_depend_on_seed_and_step_alone(photos: list[data.Photo]) -> None:
    first, second = (Batches(photos, seed=3, batch=4, sizes=(96, 128)) for _ in range(2))
    first.at(0)
    one, two = first.at(7), second.at(7)
    assert np.array_equal(one.pictures, two.pictures)
    assert all(np.array_equal(a, b) for a, b in zip(one.targets, two.targets, strict=True))
    other = Batches(photos, seed=4, batch=4, sizes=(96, 128)).at(7)
    assert one.pictures.shape != other.pictures.shape or not np.array_equal(one.pictures, other.pictures)


def test_all_targets_lie_in_their_pictures(photos: list[data.Photo]) -> None:
    batches = Batches(photos, seed=1, batch=8, sizes=(128,))
    rows = np.concatenate([rows for step in range(3) for rows in batches.at(step).targets])
    assert len(rows)
    assert rows[:, data.BOX].min() >= 0
    assert rows[:, data.BOX].max() <= 128
    assert (rows[:, 3] > rows[:, 1]).all()


def test_a_label_is_found_once() -> None:
    label = (0.0, 0.0, 10.0, 10.0)
    assert matched([(0, 0, 10, 9), (0, 0, 10, 10), (50, 0, 60, 10)], [label]) == [0, -1, -1]


def test_recall_is_told_at_the_precision_that_is_asked_for() -> None:
    tally = Tally([0.9, 0.8, 0.7, 0.6], [True, True, False, True], 4)
    assert tally.at(0.65) == pytest.approx((0.5, 2 / 3))
    assert tally.best_recall(0.95) == (0.5, 0.8)
    assert tally.best_recall(0.7) == (0.75, 0.6)
    assert tally.average_precision() == pytest.approx(0.25 + 0.25 + 0.25 * 0.75)


def test_a_real_plate_that_nobody_labelled_is_no_mistake() -> None:
    tally = Tally()
    other = (50.0, 0.0, 80.0, 10.0)
    assert tally.add([((0, 0, 10, 10), 0.9), (other, 0.8)], [(0, 0, 10, 10)], [other]) == [0, -1]
    assert (tally.right, tally.wanted) == ([True], 1)


def test_a_plate_that_was_left_unlabelled_is_a_target_too(
    photos: list[data.Photo], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = tmp_path / "listed.csv"
    listed.write_text(f"photo,x1,y1,x2,y2\n{photos[0].image.stem},10,20,50,30\n")
    monkeypatch.setattr(data, "_UNLABELLED", listed)
    data._unlabelled_plates.cache_clear()
    try:
        _, targets = data.real(photos[0])
        assert data.unlabelled(photos[0]) == [(10, 20, 50, 30)]
        assert data.unlabelled(photos[1]) == []
    finally:
        data._unlabelled_plates.cache_clear()
    assert targets[1, : data.BOX.stop].tolist() == [data.ANY_PLATE, 10, 20, 50, 30]


@pytest.mark.models
@pytest.mark.filterwarnings("ignore")
def test_a_run_that_resumes_goes_on_as_if_nothing_had_happened(
    photos: list[data.Photo], tmp_path: Path
) -> None:
    torch = pytest.importorskip("torch")
    pytest.importorskip("ultralytics")
    from recognition.training.detector import Plan, Run, train

    def run(steps: int) -> Run:
        plan = Plan(batch=2, sizes=(96,), most_steps=steps, minutes=10)
        return Run(plan, Batches(photos, seed=1, batch=2, sizes=(96,)))

    whole = run(3)
    train(whole, tmp_path / "whole.pt")
    half = run(3)
    half.advance()
    half.save(tmp_path / "half.pt")
    rest = run(3)
    rest.resume(tmp_path / "half.pt")
    train(rest, tmp_path / "rest.pt")
    assert rest.step == whole.step == 3
    for name, value in whole.average.state.items():
        assert torch.allclose(value, rest.average.state[name], atol=1e-6), name


@pytest.mark.models
@pytest.mark.filterwarnings("ignore")
def test_the_exported_file_answers_as_the_network_does(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    pytest.importorskip("ultralytics")
    import onnxruntime

    from recognition.training import detection_network as parts
    from recognition.training.detection_export import export, halved

    torch.manual_seed(0)
    network = parts.build()
    export(network.state_dict(), tmp_path / "detector.onnx", {"version": "test"})
    parts.load(network, halved(network.state_dict()))
    network.eval()
    pictures = torch.rand(2, 3, 96, 160)
    with torch.inference_mode():
        wanted = network(pictures)[0].numpy()
    session = onnxruntime.InferenceSession(tmp_path / "detector.onnx")
    found = session.run(None, {"images": pictures.numpy()})[0]
    assert found.shape == wanted.shape == (2, 24, 12 * 20 + 6 * 10 + 3 * 5)
    assert np.abs(found - wanted).max() < 0.2
    assert (tmp_path / "detector.onnx").stat().st_size < 7e6
    assert (tmp_path / "detector.pt").stat().st_size < 7e6


@pytest.mark.models
@pytest.mark.filterwarnings("ignore")
def test_plates_without_a_layout_take_the_one_that_the_network_sees() -> None:
    torch = pytest.importorskip("torch")
    pytest.importorskip("ultralytics")
    from recognition.training import detection_network as parts

    parts.prepare()
    feats = [torch.zeros(1, 4, 96 // stride, 96 // stride) for stride in (8, 16, 32)]
    scores = torch.full((1, 8, 12 * 12 + 6 * 6 + 3 * 3), -5.0)
    scores[0, data.TWO_LINE, 6 * 12 + 6] = 2.0
    labels = {
        "batch_idx": torch.zeros(2),
        "cls": torch.tensor([[data.ANY_PLATE], [data.ONE_LINE]]).float(),
        "bboxes": torch.tensor([[0.5, 0.5, 0.4, 0.4], [0.5, 0.5, 0.4, 0.4]]),
    }
    outputs = {"feats": feats, "scores": scores}
    settled = parts.settled(outputs, labels, torch.tensor([8.0, 16.0, 32.0]))
    assert settled["cls"][:, 0].tolist() == [data.TWO_LINE, data.ONE_LINE]
