"""`make run`: the whole product on this machine, step by step, until Ctrl-C.

Settings: PORT (8000), WEBSOCKET_PORT (PORT + 1), DATABASE_URL, REDIS_URL, LOG_LEVEL (which lines of the
processes reach the terminal: WARNING; the logs in var/log hold all), and everything in `.env`.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType

from anpr_site.environment import load_dotenv
from deploy import environment_file
from deploy.console import Console
from deploy.embedded import REPOSITORY, VAR
from deploy.processes import DeployError
from deploy.stack import CommandFailedError, Stack

DEFAULT_PORT = 8000
TAIL_LINES = 25
RESET_HINT = (
    "Les mots de passe ont été montrés au premier lancement. Pour en faire de nouveaux :\n"
    "    .venv/bin/python -m deploy.embedded run -- .venv/bin/python manage.py demo --reset-passwords"
)


class Run:
    """One `make run`, from the first step to the last process stopped."""

    def __init__(self, console: Console) -> None:
        """Nothing happens yet."""
        self._console = console
        self._stack: Stack | None = None

    def steps(self) -> list[tuple[str, Callable[[], None], str]]:
        """Title, action, and what to do when it fails."""
        return [
            ("Fichier .env", self._environment_file, "Vérifiez les droits sur le dossier du projet."),
            ("PostgreSQL et Redis", self._servers, "Journaux : var/log/postgresql.log, var/log/redis.log."),
            ("Migrations", lambda: self._manage("migrate", "--noinput"), "La base a-t-elle été modifiée ?"),
            ("Données de démonstration", self._demo, "Base neuve : supprimez var/postgres et relancez."),
            ("Démarrage des processus", lambda: self.stack.start_processes(), "Journaux : var/log/"),
            ("Pages web", lambda: self.stack.wait_web(120), "Journaux : var/log/web.log, websocket.log"),
            (
                "Workers",
                lambda: self.stack.wait_workers(120),
                "Journaux : var/log/default.log et autres",
            ),
        ]

    @property
    def stack(self) -> Stack:
        """The product; known after the second step."""
        if self._stack is None:
            raise DeployError("Les serveurs ne sont pas démarrés.")
        return self._stack

    def start(self) -> bool:
        """Go through the steps. False when one failed: the terminal then shows which, why and what to do."""
        steps = self.steps()
        for number, (title, action, hint) in enumerate(steps, start=1):
            try:
                with self._console.step(number, len(steps), title):
                    action()
            except (DeployError, OSError) as error:
                self._complain(title, error, hint)
                self._show_log_ins()  # the database has them now: unseen, they would be lost
                return False
        self._welcome()
        return True

    def stop(self) -> None:
        """Stop whatever runs."""
        if self._stack is not None:
            self._stack.stop()

    def hurry(self) -> None:
        """Do not wait any longer for processes to end by themselves."""
        if self._stack is not None:
            self._stack.hurry()

    def _environment_file(self) -> None:
        path = REPOSITORY / ".env"
        if environment_file.ensure(path, os.environ):
            self._console.say(f"créé : {path} (clé secrète propre à cette machine)")
        load_dotenv(path)

    def _servers(self) -> None:
        port = int(os.environ.get("PORT", DEFAULT_PORT))
        socket_port = int(os.environ.get("WEBSOCKET_PORT", port + 1))
        self._stack = stack = Stack(
            VAR,
            port=port,
            websocket_port=socket_port,
            say=self._console.say,
            echo=self._console.child_line,
        )
        for wanted, got in ((port, stack.port), (socket_port, stack.websocket_port)):
            if wanted != got:
                self._console.say(f"le port {wanted} est occupé : {got} à la place")
        stack.servers.start()

    def _manage(self, *arguments: str) -> None:
        self.stack.manage(*arguments)

    def _demo(self) -> None:
        self.stack.demo = self.stack.manage("demo")

    def _complain(self, title: str, error: Exception, hint: str) -> None:
        text = error.output if isinstance(error, CommandFailedError) else str(error)
        lines = text.splitlines()[-TAIL_LINES:]
        what = str(error) if isinstance(error, CommandFailedError) else ""
        self._console.alarm(f"\nÉchec : {title}. {what}")
        self._console.say("\n".join(f"  {line}" for line in lines))
        self._console.alarm(f"Que faire : {hint}")

    def _welcome(self) -> None:
        rule = "─" * 78
        say, bold = self._console.say, self._console.bold
        say(f"\n{rule}\n  {bold(self.stack.url)}\n")
        if not self._show_log_ins():
            say(f"  {RESET_HINT}")
        say(f"\n  Journaux / logs : {VAR / 'log'}")
        say(f"  {bold('Ctrl-C arrête tout / stops everything')}\n{rule}\n")

    def _show_log_ins(self) -> bool:
        """Show what `manage.py demo` said (it speaks only of log-ins it made); False if it said nothing."""
        demo = self._stack.demo.strip() if self._stack is not None else ""
        if demo:
            self._console.say("  Montrés cette seule fois / shown only this once:\n")
            self._console.say("\n".join(f"    {line}" for line in demo.splitlines()))
        return bool(demo)


def main() -> int:
    """Run until Ctrl-C, SIGTERM or SIGHUP; exit status 1 when a step failed, 0 after an ordered end."""
    console = Console(os.environ.get("LOG_LEVEL", "WARNING"))
    run = Run(console)

    def again(_number: int, _frame: FrameType | None) -> None:
        run.hurry()

    def interrupted(_number: int, _frame: FrameType | None) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, again)
        raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupted)
    try:
        if not run.start():
            return 1
        threading.Event().wait()
    except KeyboardInterrupt:
        console.say("\nArrêt en cours ... (Ctrl-C à nouveau : sans attendre)")
    finally:
        run.stop()
    console.say("Tout est arrêté.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
