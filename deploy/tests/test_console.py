"""What reaches the terminal during `make run`."""

import pytest

from deploy.console import Console, LevelFilter


@pytest.mark.parametrize(
    ("threshold", "line", "shown"),
    [
        ("WARNING", "2026-01-02 03:04:05,678 INFO celery.worker default@host ready.", False),
        ("WARNING", "2026-01-02 03:04:05,678 WARNING django.request Not Found", True),
        ("WARNING", "[ERROR] Application callable raised an exception", True),
        ("WARNING", "[INFO] Listening at: http://127.0.0.1:8000", False),
        ("WARNING", "2026-01-02 03:04:05,678 INFO cameras this INFO line quotes an old WARNING", False),
        ("ERROR", "2026-01-02 03:04:05,678 WARNING django.request Not Found", False),
        ("INFO", "[INFO] Listening at: http://127.0.0.1:8000", True),
        ("INFO", "a line without a level", True),
        ("WARNING", "a line without a level", False),
        ("nonsense", "WARNING counts as the default", True),
    ],
)
def test_a_line_is_shown_from_its_level_on(threshold: str, line: str, shown: bool) -> None:
    assert LevelFilter(threshold).shows(line) is shown


def test_a_traceback_goes_with_its_error_and_ends_at_the_next_line_with_a_level() -> None:
    chosen = LevelFilter("WARNING")
    lines = [
        "ERROR x failed",
        "Traceback (most recent call last):",
        "  File ...",
        "ValueError: y",
        "INFO back",
    ]
    assert [chosen.shows(line) for line in lines] == [True, True, True, True, False]


def test_a_step_shows_its_number_time_and_then_its_notes(capsys: pytest.CaptureFixture[str]) -> None:
    console = Console(colours=False)
    with console.step(3, 8, "Migrations"):
        console.say("une note")
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("[3/8] Migrations ... 0,")
    assert first.endswith(" s")
    assert second.strip() == "une note"


def test_a_step_that_fails_says_so_and_lets_the_error_through(capsys: pytest.CaptureFixture[str]) -> None:
    console = Console(colours=False)
    with pytest.raises(ValueError, match="broken"), console.step(1, 8, "Migrations"):
        raise ValueError("broken")
    assert "ÉCHEC" in capsys.readouterr().out


def test_serious_lines_of_a_child_carry_its_name(capsys: pytest.CaptureFixture[str]) -> None:
    console = Console("WARNING", colours=False)
    console.child_line("web", "INFO calm")
    console.child_line("beat", "ERROR no broker")
    assert capsys.readouterr().out.strip() == "beat | ERROR no broker"
