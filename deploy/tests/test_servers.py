"""The embedded servers, as they really start, die and come back."""

import os
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import environ
import psycopg2
import pytest

from deploy import embedded, postgres_installation
from deploy.embedded import REPOSITORY, Servers, ServersBusyError
from deploy.processes import DeployError, exists, wait_until, working_in
from deploy.redis_server import ask, check_given

FLAVOURS = ["system", "embedded"]


def query(url: str, sql: str) -> str:
    """The first value of the first row, as text."""
    connection = psycopg2.connect(url)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(sql)
            return str(cursor.fetchone()[0]) if cursor.description else ""
    finally:
        connection.close()


def socket_directory(servers: Servers) -> Path:
    return Path(environ.Env.db_url_config(servers.database_url)["OPTIONS"]["host"])


def own(var: Path, **environment: str) -> Servers:
    """Servers of this test's own, whatever DATABASE_URL the test run itself got."""
    return Servers(var, for_tests=True, environ=environment)


def open_directory() -> Iterator[Path]:
    """A directory that PostgreSQL's user may enter; pytest's own ones are closed to all but ourselves."""
    with tempfile.TemporaryDirectory(prefix="anpr-test-") as directory:
        Path(directory).chmod(0o755)
        yield Path(directory)


place = pytest.fixture(name="place")(open_directory)
module_place = pytest.fixture(scope="module", name="module_place")(open_directory)


@pytest.fixture(scope="module", params=FLAVOURS)
def servers(request: pytest.FixtureRequest, module_place: Path) -> Iterator[Servers]:
    """Running servers, once with each kind of PostgreSQL."""
    if request.param == "system" and not postgres_installation.system_installations():
        pytest.skip("no PostgreSQL 14 or newer is installed on this machine: apt-get install postgresql")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ANPR_POSTGRES", request.param)
        with own(module_place / str(request.param)) as running:
            assert running.postgres is not None
            assert running.postgres.installation.flavour == request.param
            yield running


def test_django_environ_and_psycopg2_read_the_same_url(servers: Servers) -> None:
    parsed = environ.Env.db_url_config(servers.database_url)
    assert (parsed["NAME"], parsed["USER"]) == ("anpr", "anpr")
    connection = psycopg2.connect(dbname=parsed["NAME"], user=parsed["USER"], **parsed["OPTIONS"])
    connection.close()
    assert query(servers.database_url, "SELECT current_database()") == "anpr"


def test_the_database_is_utf8_and_the_role_can_create_test_databases(servers: Servers) -> None:
    assert query(servers.database_url, "SHOW server_encoding") == "UTF8"
    assert query(servers.database_url, "SELECT lower('É')") == "é"
    assert (
        query(servers.database_url, "SELECT rolcreatedb AND NOT rolsuper FROM pg_roles WHERE rolname='anpr'")
        == "True"
    )


@pytest.mark.parametrize("name", ["pg_trgm", "btree_gin", "unaccent"])
def test_migrations_can_create_the_extensions(servers: Servers, name: str) -> None:
    query(servers.database_url, f"CREATE EXTENSION IF NOT EXISTS {name}")


def test_pg_stat_statements_is_there(servers: Servers) -> None:
    assert int(query(servers.database_url, "SELECT count(*) FROM pg_stat_statements")) > 0


def test_postgres_listens_on_a_private_socket_only(servers: Servers) -> None:
    assert query(servers.database_url, "SHOW listen_addresses") == ""
    directory = socket_directory(servers)
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700


@pytest.mark.parametrize("mode", ["fast", "immediate", "kill"])
def test_committed_rows_survive_a_stop_and_a_crash(servers: Servers, mode: str) -> None:
    url = servers.database_url
    query(url, f"CREATE TABLE survivor_{mode} AS SELECT 42 AS answer")
    servers.stop_postgres(mode)
    with pytest.raises(psycopg2.OperationalError):
        query(url, "SELECT 1")
    servers.start_postgres()
    assert servers.database_url == url
    assert query(url, f"SELECT answer FROM survivor_{mode}") == "42"


def test_a_stale_pid_file_with_a_recycled_id_is_no_obstacle(servers: Servers) -> None:
    assert servers.postgres is not None
    servers.stop_postgres()
    # Our own id: PostgreSQL alone would take it for a living server and refuse.
    (servers.postgres.data / "postmaster.pid").write_text(
        f"{os.getpid()}\n{servers.postgres.data}\n1\n5432\n"
    )
    servers.start_postgres()
    assert query(servers.database_url, "SELECT 1") == "1"


def test_redis_needs_its_password(servers: Servers) -> None:
    assert ask(servers.redis_url, ["PING"]) == ["+PONG"]
    without = f"redis://127.0.0.1:{servers.redis_url.rsplit(':', 1)[1]}"
    with pytest.raises(DeployError, match="NOAUTH"):
        ask(without, ["PING"])


def test_the_redis_password_is_neither_on_a_command_line_nor_readable_by_others(servers: Servers) -> None:
    assert servers.redis is not None
    password = servers.redis_url.split(":")[2].split("@")[0]
    command_line = Path(f"/proc/{servers.redis.pid}/cmdline").read_text()
    assert password not in command_line
    configuration = servers.redis.directory / "redis.conf"
    assert password in configuration.read_text()
    assert stat.S_IMODE(configuration.stat().st_mode) == 0o600


@pytest.mark.parametrize(("keep", "answer"), [(True, "$5"), (False, "$-1")])
def test_killed_redis_comes_back_on_its_port_with_or_without_data(
    servers: Servers, keep: bool, answer: str
) -> None:
    url = servers.redis_url
    ask(url, ["SET", "plate", "AB123"])
    servers.kill_redis(keep_data=keep)
    with pytest.raises(OSError, match="refused"):
        ask(url, ["PING"])
    servers.start_redis()
    assert servers.redis_url == url
    assert ask(url, ["GET", "plate"]) == [answer]


def test_a_second_run_on_the_same_directory_is_refused_or_takes_the_next(servers: Servers) -> None:
    second = Servers(servers.var, environ={})
    with pytest.raises(ServersBusyError, match=str(os.getpid())):
        second.start()
    with own(servers.var) as third:
        assert third.var != servers.var
        assert query(third.database_url, "SELECT 1") == "1"


def test_given_servers_are_used_and_nothing_is_started(servers: Servers, tmp_path: Path) -> None:
    (tmp_path / "redis_url").write_text(servers.redis_url + "\n")
    given = own(tmp_path, DATABASE_URL=servers.database_url, REDIS_URL_FILE=str(tmp_path / "redis_url"))
    with given:
        assert given.urls == servers.urls
        assert given.postgres is None
        assert given.redis is None
    assert query(servers.database_url, "SELECT 1") == "1"


def test_given_servers_that_do_not_answer_are_named(servers: Servers, tmp_path: Path) -> None:
    with pytest.raises(DeployError, match=r"DATABASE_URL is set.*127\.0\.0\.1, port 1 "):
        own(tmp_path, DATABASE_URL="postgres://u:p@127.0.0.1:1/x").start()
    with pytest.raises(DeployError, match=r"REDIS_URL is set.*127\.0\.0\.1:1 "):
        own(tmp_path, DATABASE_URL=servers.database_url, REDIS_URL="redis://127.0.0.1:1/0").start()
    with pytest.raises(DeployError, match="refuses it"):
        check_given(servers.redis_url.replace("redis://:", "redis://:wrong"))


def test_what_answers_in_the_place_of_postgres_is_recognised(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def greet() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(8)
                connection.sendall(b"HTTP/1.1 400")

        thread = threading.Thread(target=greet)
        thread.start()
        port = listener.getsockname()[1]
        with pytest.raises(DeployError, match="is not PostgreSQL"):
            embedded.check_given_database(f"postgres://u@127.0.0.1:{port}/x")
        thread.join()


def test_the_servers_die_with_a_killed_run_and_the_next_one_starts(place: Path) -> None:
    code = f"""
import time
from pathlib import Path
from deploy.embedded import Servers
servers = Servers(Path({str(place / "var")!r}), for_tests=True, environ={{}}, say=lambda line: None)
servers.start()
print(servers.postgres.pid, servers.redis.pid, servers.postgres.data, flush=True)
time.sleep(600)
"""
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=REPOSITORY
    )
    assert process.stdout is not None
    with process.stdout:
        postgres, redis, data = process.stdout.readline().split()
        process.kill()
        process.wait()
    assert wait_until(lambda: not exists(int(redis)) and not exists(int(postgres)), 15)
    assert wait_until(lambda: not working_in(Path(data)), 5)
    with own(place / "var") as servers:
        assert query(servers.database_url, "SELECT 1") == "1"


def test_a_server_that_an_earlier_run_left_alive_is_stopped_first(place: Path) -> None:
    with own(place / "var") as servers:
        assert servers.postgres is not None
        left_behind, data = servers.postgres.pid, servers.postgres.data
        # As if this run forgot it: lock free, server alive.
        assert servers._lock is not None
        servers._lock.close()
        try:
            with own(place / "var") as second:
                assert second.postgres is not None
                assert second.postgres.data == data
                assert not exists(left_behind)
                assert query(second.database_url, "SELECT 1") == "1"
        finally:
            servers._lock = None


def test_an_interrupted_initdb_leaves_no_broken_cluster(place: Path) -> None:
    unfinished = place / "var" / "postgres.new-4711"
    unfinished.mkdir(parents=True)
    (unfinished / "PG_VERSION").write_text("15\n")
    (place / "var" / "postgres").mkdir()
    with own(place / "var") as servers:
        assert not unfinished.exists()
        assert query(servers.database_url, "SELECT 1") == "1"


def test_a_cluster_of_another_version_is_left_alone_with_a_clear_message(place: Path) -> None:
    data = place / "var" / "postgres"
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("9\n")
    with pytest.raises(DeployError, match=r"made by PostgreSQL 9, but only .* is here"):
        own(place / "var").start()
    assert (data / "PG_VERSION").exists()


def test_a_long_or_odd_path_gets_a_short_socket_directory(place: Path) -> None:
    var = place / ("long name, with commas " * 5)
    with own(var) as servers:
        assert servers.postgres is not None
        assert query(servers.database_url, "SELECT 1") == "1"
        directory = socket_directory(servers)
        assert not directory.is_relative_to(var)
    assert not directory.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives PostgreSQL to another user")
@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_project_that_the_server_user_cannot_enter_keeps_its_cluster_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flavour: str
) -> None:
    if flavour == "system" and not postgres_installation.system_installations():
        pytest.skip("no PostgreSQL 14 or newer is installed on this machine: apt-get install postgresql")
    monkeypatch.setenv("ANPR_POSTGRES", flavour)
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    said: list[str] = []
    servers = Servers(private / "var", for_tests=True, environ={}, say=said.append)
    with servers:
        assert servers.postgres is not None
        home = servers.postgres.home
        assert home.is_relative_to("/var/tmp")
        assert any(str(home) in line for line in said)
        assert query(servers.database_url, "SELECT 1") == "1"
    subprocess.run(["rm", "-r", str(home)], check=True)


def test_the_command_line_passes_urls_arguments_and_exit_status_on(place: Path) -> None:
    show = (
        "import os, sys; print(os.environ['DATABASE_URL'], os.environ['REDIS_URL'], sys.argv[1]); sys.exit(7)"
    )
    command = ["run", "--tests", "--var", str(place / "var"), "--", sys.executable, "-c", show, "--option"]
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_URL")}
    result = subprocess.run(
        [sys.executable, "-m", "deploy.embedded", *command],
        env=environment,
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
    )
    assert result.returncode == 7, result.stderr
    database, redis, option = result.stdout.split()
    assert database.startswith("postgres://anpr@/anpr?host=")
    assert redis.startswith("redis://:")
    assert option == "--option"
    assert not (place / "var" / "servers.json").exists()


def test_sigterm_ends_the_command_and_then_the_servers(place: Path) -> None:
    var = place / "var"
    show = "import time; print('running', flush=True); time.sleep(600)"
    command = ["run", "--tests", "--var", str(var), "--", sys.executable, "-c", show]
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_URL")}
    process = subprocess.Popen(
        [sys.executable, "-m", "deploy.embedded", *command],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        cwd=REPOSITORY,
    )
    assert process.stdout is not None
    with process.stdout:
        assert process.stdout.readline() == "running\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(15) == 128 + signal.SIGTERM
    assert working_in(var / "postgres") == []
