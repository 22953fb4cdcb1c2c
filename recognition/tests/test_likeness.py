"""Near misses: every key within a few edits, and how like a read is to what is looked for."""

import random

import pytest

from recognition.likeness import FOLDED_ALPHABET, score, within


def distance(first: str, second: str) -> int:
    """Edits between two texts, the plain way."""
    row = list(range(len(second) + 1))
    for i, mine in enumerate(first, start=1):
        before, row = row, [i, *[0] * len(second)]
        for j, theirs in enumerate(second, start=1):
            row[j] = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (mine != theirs))
    return row[-1]


@pytest.mark.parametrize("edits", [0, 1, 2])
def test_within_is_every_text_of_that_many_edits_and_no_other(edits: int) -> None:
    chance = random.Random(edits)
    key = "886232"
    found = within(key, edits)
    assert all(distance(key, near) <= edits for near in chance.sample(sorted(found), min(len(found), 2000)))
    for _ in range(3000):
        text = list(key)
        for _edit in range(chance.randint(0, 3)):
            place, character = chance.randrange(len(text)), chance.choice(FOLDED_ALPHABET)
            match chance.randrange(3):
                case 0:
                    text[place] = character
                case 1:
                    text.insert(place, character)
                case _ if len(text) > 1:
                    del text[place]
        assert ("".join(text) in found) == (distance(key, "".join(text)) <= edits)


def test_a_confusion_costs_less_than_another_character_and_a_doubted_one_less_again() -> None:
    same, confused, different = (score(read, "BB6232RB") for read in ("BB6232", "8B6232RB", "KB6232RB"))
    assert same == 1.0 > confused > different > 0
    sure, doubted = (score("8B6232RB", "BB6232", [share] + [1.0] * 7) for share in (1.0, 0.4))
    assert sure == confused < doubted < 1.0


def test_a_character_lost_at_an_end_costs_less_than_one_in_the_middle() -> None:
    assert score("B6232", "AB6232") > score("AB632", "AB6232")
    assert score("AB62321", "AB6232") > score("AB6K232", "AB6232")


def test_confidences_are_taken_from_behind_a_mark_in_front_and_past_a_missing_character() -> None:
    # TG is left out of the comparison; the doubted character is the fourth of the text as read.
    doubted = [1.0, 1.0, 1.0, 0.3, 1.0, 1.0, 1.0, 1.0]
    assert score("TG1858DR", "1958DR", doubted) > score("TG1858DR", "1958DR", [1.0] * 8)
    lost_first = [1.0, 1.0, 0.3, 1.0, 1.0]
    assert score("B6732", "AB6232", lost_first) > score("B6732", "AB6232", [1.0] * 5)


def test_confidences_of_another_text_are_left_out() -> None:
    assert score("8B6232", "BB6232", [0.1]) == score("8B6232", "BB6232")
