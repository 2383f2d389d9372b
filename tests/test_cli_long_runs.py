"""Long runs: folders of shards, what a second run skips, and what is left when a run is killed."""

import fcntl
import gzip
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any, TypeAlias

import orjson
import pytest

from unappeal.artefact import DEFAULT_MODEL
from unappeal.cli import main

Cli: TypeAlias = Callable[..., CompletedProcess[bytes]]
N_KILLS = 10


def make_shards(folder: Path, page: str, n_shards: int, n_records: int = 3) -> Path:
    for i in range(n_shards):
        path = folder / f"part-{i % 3}" / f"{i:03}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        rows = [orjson.dumps({"id": f"{i}-{j}", "text": f"{page}\n\nPage {i}-{j}"}) for j in range(n_records)]
        path.write_bytes(b"\n".join(rows) + (b"\n{broken\n" if i == 1 else b"\n"))
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    """All files but markers, which hold times."""
    files = (path for path in folder.rglob("*") if path.is_file())
    found = {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}
    return {
        name: data for name, data in found.items() if not (name.startswith(".unappeal/") and name.endswith(".json"))
    }


def summary_of(out: Path) -> dict[str, Any]:
    content: dict[str, Any] = orjson.loads((out / ".unappeal" / "run.json").read_bytes())
    return content


def run(source: Path, out: Path, *options: object) -> int:
    return main(["filter", str(source), "-o", str(out), "--quiet", *map(str, options)])


def test_a_second_run_skips_what_is_done_and_redoes_what_changed(page: str, tmp_path: Path) -> None:
    source, out = make_shards(tmp_path / "in", page, 6), tmp_path / "out"
    assert run(source, out) == 1
    first = summary_of(out)
    assert (first["done"], first["skipped"], first["total"]["bad"]) == (6, 0, {"broken JSON": 1})
    times = {path: path.stat().st_mtime_ns for path in out.rglob("*.jsonl")}
    assert run(source, out) == 1
    again = summary_of(out)
    assert (again["done"], again["skipped"], again["total"]) == (0, 6, first["total"])
    assert {path: path.stat().st_mtime_ns for path in times} == times
    changed = source / "part-1" / "004.jsonl"
    changed.write_bytes(changed.read_bytes() * 2)
    (out / "part-2" / "002.jsonl").write_bytes(b"spoilt")
    assert run(source, out) == 1
    assert (summary_of(out)["done"], summary_of(out)["skipped"]) == (2, 4)
    assert summary_of(out)["total"]["documents"] == 21
    assert len((out / "part-2" / "002.jsonl").read_bytes().splitlines()) == 3


@pytest.mark.parametrize("option", ["--max-body-loss=0.001", "--drop=appeal", "--text-key=id", "--model"])
def test_other_options_redo_everything(option: str, page: str, tmp_path: Path, root: Path) -> None:
    source, out = make_shards(tmp_path / "in", page, 1), tmp_path / "out"
    other_model = shutil.copytree(root / "model" / "unappeal" / "artefacts" / DEFAULT_MODEL, tmp_path / "other")
    description = orjson.loads((other_model / "model.json").read_bytes())
    (other_model / "model.json").write_bytes(orjson.dumps({**description, "version": "other"}))
    assert run(source, out) == 0
    assert run(source, out, *([option, other_model] if option == "--model" else [option])) == 0
    assert summary_of(out)["done"] == 1


def test_side_files_cover_skipped_shards_too(page: str, tmp_path: Path) -> None:
    source, out = make_shards(tmp_path / "in", page, 3), tmp_path / "out"
    options = ["--rejects", tmp_path / "rejects", "--bad-records", tmp_path / "bad.jsonl"]
    for _ in range(2):
        assert run(source, out, *options) == 1
        (bad,) = (orjson.loads(line) for line in (tmp_path / "bad.jsonl").read_bytes().splitlines())
        assert (bad["path"], bad["line"]) == (str(source / "part-1" / "001.jsonl"), 4)
        rejected = orjson.loads((tmp_path / "rejects" / "part-0" / "000.jsonl").read_bytes().splitlines()[0])
        assert rejected["id"] == "0-0"
    (tmp_path / "rejects" / "part-0" / "000.jsonl").unlink()
    assert run(source, out, *options) == 1
    assert summary_of(out)["done"] == 1


def test_a_shard_truncated_mid_record_is_told_by_every_run_until_it_is_whole(
    page: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    rows = [orjson.dumps({"text": f"{page} {random.Random(i).randbytes(600).hex()}"}) + b"\n" for i in range(9)]
    for name in ("a", "b"):
        (source / f"{name}.jsonl.gz").write_bytes(gzip.compress(b"".join(rows)))
    cut = source / "b.jsonl.gz"
    cut.write_bytes(cut.read_bytes()[:-300])
    bad = out / ".unappeal" / "b.jsonl.gz.bad.jsonl"
    for n_skipped, message in (
        (0, f"{cut}:9: damaged: truncated gzip data: the file ends too early\n"),
        (2, f"{cut}: done before, with 1 bad record: see {bad}\n"),
    ):
        assert run(source, out) == 1
        assert capfd.readouterr().err == message
        assert summary_of(out)["skipped"] == n_skipped
        assert gzip.decompress((out / "b.jsonl.gz").read_bytes()).count(b"\n") == 8
    cut.write_bytes(gzip.compress(b"".join(rows)))
    assert run(source, out) == 0
    assert (summary_of(out)["done"], summary_of(out)["skipped"]) == (1, 1)
    assert (out / "a.jsonl.gz").read_bytes() == (out / "b.jsonl.gz").read_bytes()
    assert not bad.exists()


def test_standard_input_is_never_taken_for_done(page: str, tmp_path: Path, cli: Cli) -> None:
    for number in (1, 2):
        done = cli("filter", "-", "-o", f"{tmp_path}/out/", "--quiet", stdin=orjson.dumps({"text": f"Rain {number}."}))
        assert done.returncode == 0
        assert (tmp_path / "out" / "stdin.jsonl").read_bytes() == b'{"text":"Rain %d."}\n' % number


def test_two_runs_do_not_write_one_file(page: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    source, out = make_shards(tmp_path / "in", page, 1), tmp_path / "out"
    aside = out / "part-0" / ".000.jsonl.tmp"
    aside.parent.mkdir(parents=True)
    with aside.open("wb") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        assert run(source, out) == 1
        assert capfd.readouterr().err == f"unappeal: error: {aside}: cannot be written: another run is writing it\n"
        assert aside.exists()
    assert run(source, out) == 0


@pytest.mark.parametrize("workers", [1, 2])
def test_a_run_killed_again_and_again_ends_as_an_undisturbed_one(workers: int, page: str, tmp_path: Path) -> None:
    source = make_shards(tmp_path / "in", page, 200)
    options = ["--quiet", "--workers", str(workers), "--rejects"]
    command = [sys.executable, "-m", "unappeal", "filter", str(source)]
    calm, out = tmp_path / "calm", tmp_path / "out"
    subprocess.run(
        [*command, "-o", str(calm), *options, str(tmp_path / "calm-rejects")], capture_output=True, check=False
    )
    chance, n_done = random.Random(workers), 0
    states: dict[Path, tuple[int, int]] = {}
    for _ in range(N_KILLS):
        process = subprocess.Popen(
            [*command, "-o", str(out), *options, str(tmp_path / "rejects")], start_new_session=True
        )
        while not list(out.rglob("*.jsonl"))[n_done + chance.randrange(5) :] and process.poll() is None:
            time.sleep(0.005)
        time.sleep(chance.random() / 50)
        process.kill()
        process.wait()
        n_done = len(list((out / ".unappeal").rglob("*.jsonl.json")))
        states = {**written(out), **states}
    assert 0 < n_done < 200
    done = subprocess.run(
        [*command, "-o", str(out), *options, str(tmp_path / "rejects")], capture_output=True, check=False
    )
    assert done.returncode == 1
    assert contents(out) == contents(calm)
    assert contents(tmp_path / "rejects") == contents(tmp_path / "calm-rejects")
    assert summary_of(out)["total"] == summary_of(calm)["total"]
    assert summary_of(out)["done"] + summary_of(out)["skipped"] == 200
    assert states.items() <= written(out).items()  # no shard was done twice


def written(out: Path) -> dict[Path, tuple[int, int]]:
    """Output shards and what changes when one is written anew."""
    states = {path: path.stat() for path in out.glob("part-*/[0-9]*.jsonl")}
    return {path: (state.st_ino, state.st_mtime_ns) for path, state in states.items()}


KILLED_AT_RENAME = """
import os, pathlib, signal, sys
from unappeal.cli import main
left = int(sys.argv.pop(1))
rename = pathlib.Path.replace
def replace(path, target):
    global left
    left -= 1
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)
    return rename(path, target)
pathlib.Path.replace = replace
main(sys.argv[1:])
"""


@pytest.mark.parametrize(("rename", "n_skipped"), [(4, 1), (5, 1), (6, 2)])  # of rejects, output, marker
def test_a_run_killed_before_any_of_its_renames_goes_on(rename: int, n_skipped: int, page: str, tmp_path: Path) -> None:
    source, calm, out = make_shards(tmp_path / "in", page, 4), tmp_path / "calm", tmp_path / "out"
    run(source, calm, "--rejects", tmp_path / "calm-rejects")
    arguments = ["filter", str(source), "-o", str(out), "--quiet", "--rejects", str(tmp_path / "rejects")]
    done = subprocess.run([sys.executable, "-c", KILLED_AT_RENAME, str(rename), *arguments], check=False)
    assert done.returncode == -signal.SIGKILL
    assert run(source, out, "--rejects", tmp_path / "rejects") == 1
    assert (summary_of(out)["skipped"], summary_of(out)["done"]) == (n_skipped, 4 - n_skipped)
    assert contents(out) == contents(calm)
    assert contents(tmp_path / "rejects") == contents(tmp_path / "calm-rejects")


def test_workers_end_with_a_killed_parent(page: str, tmp_path: Path) -> None:
    source = tmp_path / "in.jsonl"
    source.write_bytes(b"".join(orjson.dumps({"text": page}) + b"\n" for _ in range(60000)))
    command = [sys.executable, "-m", "unappeal", "filter", str(source), "-o", str(tmp_path / "out.jsonl")]
    process = subprocess.Popen([*command, "--workers", "2", "--quiet"], start_new_session=True)
    wait_for(lambda: (tmp_path / ".out.jsonl.tmp").exists())
    assert group_size(process.pid) >= 3
    process.kill()
    process.wait()
    wait_for(lambda: group_size(process.pid) == 0)
    assert not (tmp_path / "out.jsonl").exists()


@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.parametrize("while_it_writes", [False, True])
def test_a_worker_that_dies_ends_the_run_with_nothing_half(
    while_it_writes: bool, number: int, page: str, tmp_path: Path
) -> None:
    source = tmp_path / "in.jsonl"
    source.write_bytes(b"".join(orjson.dumps({"text": page}) + b"\n" for _ in range(60000)))
    command = [sys.executable, "-m", "unappeal", "filter", str(source), "-o", str(tmp_path / "out.jsonl")]
    process = subprocess.Popen([*command, "--workers", "2", "--quiet"], stderr=subprocess.PIPE)
    wait_for(lambda: (tmp_path / ".out.jsonl.tmp").exists())
    os.kill(process.pid, signal.SIGSTOP)
    found = subprocess.run(
        ["ps", "-ww", "-o", "pid=,args=", "--ppid", str(process.pid)], capture_output=True, text=True
    )
    workers = [int(row.split()[0]) for row in found.stdout.splitlines() if "resource_tracker" not in row]
    if while_it_writes:  # as nobody reads, each gets stuck in the middle of what it gives back
        wait_for(lambda: all(is_waiting(worker) for worker in workers))
    os.kill(workers[number], signal.SIGKILL)
    os.kill(process.pid, signal.SIGCONT)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 1
    assert told.startswith(b"unappeal: error: a worker process died (killed, or out of memory): ")
    assert [path.name for path in tmp_path.iterdir()] == ["in.jsonl"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("workers", [1, 2])
def test_an_interrupted_run_leaves_nothing_half(number: int, workers: int, page: str, tmp_path: Path) -> None:
    source = tmp_path / "in.jsonl"
    source.write_bytes(b"".join(orjson.dumps({"text": page}) + b"\n" for _ in range(60000)))
    (tmp_path / "out.jsonl").write_bytes(b"as before")
    command = [sys.executable, "-m", "unappeal", "filter", str(source), "-o", str(tmp_path / "out.jsonl"), "--quiet"]
    process = subprocess.Popen([*command, "--workers", str(workers)], stderr=subprocess.PIPE, start_new_session=True)
    wait_for(lambda: (tmp_path / ".out.jsonl.tmp").exists())
    os.killpg(process.pid, number)
    _, told = process.communicate(timeout=20)
    assert (process.returncode, told) == (130, b"unappeal: interrupted\n")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.jsonl", "out.jsonl"]
    assert (tmp_path / "out.jsonl").read_bytes() == b"as before"


def test_an_input_that_vanishes_is_told_and_the_others_are_done(
    page: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    source, out = make_shards(tmp_path / "in", page, 3), tmp_path / "out"
    gone = source / "part-1" / "001.jsonl"
    gone.unlink()
    gone.symlink_to(tmp_path / "nowhere.jsonl")
    assert run(source, out) == 1
    assert capfd.readouterr().err == f"{gone}: cannot be read: No such file or directory\n"
    assert (summary_of(out)["done"], summary_of(out)["failed"]) == (2, 1)
    assert sorted(contents(out)) == ["part-0/000.jsonl", "part-2/002.jsonl"]
    make_shards(tmp_path, page, 1)
    (tmp_path / "part-0" / "000.jsonl").rename(tmp_path / "nowhere.jsonl")
    assert run(source, out) == 0
    assert (summary_of(out)["done"], summary_of(out)["skipped"]) == (1, 2)


@pytest.mark.skipif(shutil.which("mount") is None or os.geteuid() != 0, reason="needs root, to mount a small disk")
def test_a_full_disk_leaves_whole_shards_only(page: str, tmp_path: Path, cli: Cli) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(disk)], check=True)
    try:
        source = make_shards(tmp_path / "in", page, 20, 100)
        done = cli("filter", source, "-o", disk / "out", "--quiet")
        (told,) = (line for line in done.stderr.decode().splitlines() if line.startswith("unappeal: "))
        assert done.returncode == 1
        assert told.endswith("cannot be written: No space left on device")
        written = [path for path in (disk / "out").rglob("*") if path.is_file() and ".unappeal" not in path.parts]
        assert 0 < len(written) < 20
        assert all(path.suffix == ".jsonl" for path in written)
        assert {len(path.read_bytes().splitlines()) for path in written} == {100}
        subprocess.run(["mount", "-o", "remount,size=40m", str(disk)], check=True)
        assert cli("filter", source, "-o", disk / "out", "--quiet").returncode == 1
        assert summary_of(disk / "out")["skipped"] >= len(written) - 1
        assert run(source, tmp_path / "calm") == 1
        assert contents(disk / "out") == contents(tmp_path / "calm")
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def wait_for(condition: Callable[[], bool], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)


def is_waiting(process: int) -> bool:
    """Tell whether a process sleeps, and did nothing for a while."""
    before = usage(process)
    time.sleep(0.3)
    return usage(process) == before and before[0] == "S"


def usage(process: int) -> tuple[str, str, str]:
    """State and processor time, in the user's code and in the system's."""
    fields = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
    return fields[0], fields[11], fields[12]


def group_size(leader: int) -> int:
    """Number of living processes of a process group."""
    found = subprocess.run(["ps", "-eo", "pgid=,stat="], capture_output=True, text=True, check=True).stdout.splitlines()
    return sum(int(row.split()[0]) == leader and not row.split()[1].startswith("Z") for row in found)
