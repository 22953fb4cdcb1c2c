"""Training the plate reader: the same seed gives the same pictures, and a run that was cut off goes on."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from recognition.characters import ALPHABET

pytestmark = pytest.mark.models


def test_batches_depend_on_the_seed_and_their_number_alone() -> None:
    from recognition.training.reader_data import ExampleStream

    first, again = ExampleStream(3, 8, fonts="train"), ExampleStream(3, 8, fonts="train")
    for number in range(3):
        first.batch(number)
    late, early = first.batch(3), again.batch(3)
    assert np.array_equal(late.crops, early.crops)
    assert np.array_equal(late.texts, early.texts)
    assert not np.array_equal(early.crops, again.batch(4).crops)


def test_a_batch_spells_its_texts() -> None:
    from recognition.training.reader_data import COLOURS, UNKNOWN, Example, batch_of

    crop = np.zeros((64, 160, 3), np.uint8)
    corners = ((0.0, 0.0), (9.0, 0.0), (9.0, 9.0), (0.0, 9.0))
    batch = batch_of([(crop, Example(crop, corners, text, 1, UNKNOWN)) for text in ("A9", "2B")])
    assert "".join(ALPHABET[number - 1] for number in batch.texts) == "A92B"
    assert batch.lengths.tolist() == [2, 2]
    assert batch.layouts.tolist() == [1, 1]
    assert UNKNOWN not in range(len(COLOURS))


def test_a_resumed_run_continues_where_it_stopped(tmp_path: Path) -> None:
    import torch

    from recognition.training.reader import Trainer
    from recognition.training.reader_data import ExampleStream

    stream = ExampleStream(5, 4, fonts="train")
    torch.manual_seed(1)
    whole = Trainer(60, width=32)
    for number in range(2):
        whole.learn(stream.batch(number))
    whole.save(tmp_path / "reader.pt")
    resumed = Trainer(60, width=32)
    resumed.load(tmp_path / "reader.pt")
    assert (resumed.step, resumed.rate()) == (whole.step, whole.rate())
    assert whole.learn(stream.batch(2)) == pytest.approx(resumed.learn(stream.batch(2)), rel=1e-3)


def test_learning_lowers_the_loss() -> None:
    import torch

    from recognition.training.reader import Trainer
    from recognition.training.reader_data import ExampleStream

    torch.manual_seed(1)
    trainer, batch = Trainer(60, width=32), ExampleStream(5, 8, fonts="train").batch(0)
    trainer.step = 300  # past the slow start
    losses = [trainer.learn(batch) for _ in range(15)]
    assert losses[-1] < 0.5 * losses[0]


def test_greedy_reading_joins_repeats_and_drops_blanks() -> None:
    import torch

    from recognition.training.reader import greedy

    steps = [0, ALPHABET.index("A") + 1, ALPHABET.index("A") + 1, 0, ALPHABET.index("A") + 1]
    chances = torch.full((1, len(steps), len(ALPHABET) + 1), -9.0)
    for step, number in enumerate(steps):
        chances[0, step, number] = 0.0
    assert greedy(chances) == ["AA"]


def test_the_shipped_file_answers_as_the_network_does(tmp_path: Path) -> None:
    import onnxruntime
    import torch

    from recognition.training.reader import new_network
    from recognition.training.reader_export import export

    torch.manual_seed(2)
    net = new_network(32).eval()
    export(net, tmp_path / "reader.onnx", temperature=2.0, version="test")
    session = onnxruntime.InferenceSession(str(tmp_path / "reader.onnx"), providers=["CPUExecutionProvider"])
    plates = np.random.default_rng(0).integers(0, 256, (3, 64, 160, 3), dtype=np.uint8)
    characters, layouts, _ = session.run(None, {"plates": plates})
    with torch.inference_mode():
        expected = net(torch.from_numpy(plates).permute(0, 3, 1, 2).float() / 255)
        calibrated = torch.log_softmax(expected[0] / 2.0, dim=2)
    # Weights are kept in 16 bits.
    assert np.abs(characters - calibrated.numpy()).max() < 0.02
    assert np.abs(layouts - expected[1].numpy()).max() < 0.02
    facts = session.get_modelmeta().custom_metadata_map
    assert facts["alphabet"] == ALPHABET
    assert json.loads(facts["layouts"]) == ["one_line", "two_line"]


def test_likelihood_counts_every_way_to_spell_a_text() -> None:
    import torch

    from recognition.training.reader_export import likelihoods

    # Two steps, A or blank with even chances: "A" is spelled by A-, -A and AA.
    scores = torch.full((1, 2, len(ALPHABET) + 1), -40.0)
    scores[0, :, [0, 1]] = 0.0
    assert likelihoods(scores, ["A"])[0] == pytest.approx(0.75, abs=1e-4)


def test_the_labels_of_real_plates_are_sound() -> None:
    from recognition.training.reader_real import LABELS

    with LABELS.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) > 1000
    assert all(2 <= len(row["text"]) <= 11 and set(row["text"]) <= set(ALPHABET) for row in rows)
    assert {row["layout"] for row in rows} == {"one_line", "two_line"}
    assert len({(row["photo"], row["plate"]) for row in rows}) == len(rows)
