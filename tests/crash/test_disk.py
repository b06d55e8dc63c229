#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""That the disk of these tests (disk.so, cut.py) loses and keeps what a disk does.

   test_disk.py DISK.SO          each case is a process of its own with the library before it
"""
import errno
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent


def make(name, data, sync=True):
    fd = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o640)
    os.write(fd, data)
    if sync:
        os.fdatasync(fd)
    return fd


def sync_names():
    fd = os.open(os.environ["DISK_DIR"], os.O_RDONLY | os.O_DIRECTORY)
    os.fsync(fd)
    os.close(fd)


def error_of(fn, *args):
    try:
        fn(*args)
    except OSError as error:
        return error.errno
    return 0


def rules(text):
    Path(os.environ["DISK_RULES"]).write_text(text)


# What a process does in the directory, and what a power cut leaves: name -> bytes.


def synced():
    make("a", b"one")
    sync_names()
    return {"a": b"one"}


def bytes_unsynced():
    fd = make("a", b"one")
    sync_names()
    os.write(fd, b"two")
    return {"a": b"one"}


def name_unsynced():
    make("a", b"one")
    return {}


def nothing_but_a_name():
    make("a", b"one", sync=False)
    sync_names()
    return {"a": b""}


def rename_unsynced():
    make("a", b"one")
    sync_names()
    os.rename("a", "b")
    return {"a": b"one"}


def rename_synced():
    fd = make("a", b"one")
    sync_names()
    os.rename("a", "b")
    sync_names()
    os.write(fd, b"two")
    os.fdatasync(fd)
    return {"b": b"onetwo"}


def removal_unsynced():
    make("a", b"one")
    sync_names()
    os.unlink("a")
    return {"a": b"one"}


def second_name():
    make("a", b"one")
    os.link("a", "b")
    sync_names()
    os.unlink("a")
    sync_names()
    return {"b": b"one"}


def failed_sync_loses_for_good():
    fd = make("a", b"one")
    sync_names()
    os.write(fd, b"two")
    rules("sync 1 1 EIO")
    assert error_of(os.fdatasync, fd) == errno.EIO
    os.write(fd, b"six")
    os.fdatasync(fd)
    return {"a": b"one\0\0\0six"}


def lying_sync():
    fd = make("a", b"one")
    sync_names()
    rules("sync 1 - lie")
    os.write(fd, b"two")
    os.fdatasync(fd)
    return {"a": b"one"}


def errors_at_their_call():
    fd = make("a", b"one")
    sync_names()
    rules("write 2 3 ENOSPC\nany 5 - EROFS")
    assert [error_of(os.write, fd, b"+") for _ in range(5)] == [0, errno.ENOSPC, errno.ENOSPC, 0, errno.EROFS]
    rules("write 1 1 short")
    assert os.write(fd, b"1234") == 2
    rules("")
    os.fdatasync(fd)
    return {"a": b"one++12"}


def killed_before():
    fd = make("a", b"one")
    sync_names()
    os.write(fd, b"two")
    rules("sync 1 1 kill")
    sys.stdout.write(repr({"a": b"one"}))
    sys.stdout.flush()
    os.fdatasync(fd)


def killed_after():
    fd = make("a", b"one")
    sync_names()
    os.write(fd, b"two")
    rules("sync 1 1 after")
    sys.stdout.write(repr({"a": b"onetwo"}))
    sys.stdout.flush()
    os.fdatasync(fd)


CASES = [synced, bytes_unsynced, name_unsynced, nothing_but_a_name, rename_unsynced, rename_synced,
         removal_unsynced, second_name, failed_sync_loses_for_good, lying_sync, errors_at_their_call,
         killed_before, killed_after]


def run_case(library, case):
    with tempfile.TemporaryDirectory() as name:
        base = Path(name).resolve()
        for folder in ("dir", "shadow/volatile", "shadow/durable"):
            (base / folder).mkdir(parents=True)
        (base / "rules").touch()
        environment = {**os.environ, "LD_PRELOAD": library, "DISK_DIR": str(base / "dir"),
                       "DISK_RULES": str(base / "rules"), "DISK_SHADOW": str(base / "shadow"),
                       "DISK_TRACE": str(base / "trace"), "PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run([sys.executable, __file__, "--case", case.__name__], cwd=base / "dir",
                              env=environment, stdout=subprocess.PIPE, check=False)
        assert done.returncode == (-9 if case.__name__.startswith("killed") else 0), done
        subprocess.run([HERE / "cut.py", base / "dir", base / "shadow"], check=True,
                       stdout=subprocess.DEVNULL)
        found = {path.name: path.read_bytes() for path in (base / "dir").iterdir()}
        wanted = eval(done.stdout)  # our own words
        if found != wanted:
            print(f"{case.__name__}: the cut left {found}, not {wanted}\n{(base / 'trace').read_text()}")
        return found == wanted


def main():
    if sys.argv[1] == "--case":
        case = next(case for case in CASES if case.__name__ == sys.argv[2])
        os.environ["PWD"] = os.environ["DISK_DIR"]
        absolute(case)
        return 0
    failed = [case.__name__ for case in CASES if not run_case(os.path.abspath(sys.argv[1]), case)]
    return 1 if failed else 0


def absolute(case):
    """The library goes by whole paths, as the journal uses them."""
    whole = lambda name: os.path.join(os.environ["DISK_DIR"], name)  # noqa: E731
    for verb in ("open", "rename", "link", "unlink"):
        real = getattr(os, verb)
        setattr(os, verb, lambda *args, real=real: real(
            *(whole(arg) if isinstance(arg, str) else arg for arg in args)))
    left = case()
    if left is not None:
        sys.stdout.write(repr(left))


if __name__ == "__main__":
    sys.exit(main())
