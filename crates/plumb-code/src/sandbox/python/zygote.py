# The zygote: a warm interpreter, made so that forking it costs little, that then serves samples by sample.py. Follows wire.py.
#
# A fork shares all memory until one side writes to it, and an interpreter writes wherever it looks: to counts of references.
# Each page that is written to must first be copied, some 300 of them a sample and most of its processor time. Hence the order
# here: what takes memory and is not used by samples comes first, holes that it left are filled, and what every
# sample uses is made last, side by side.
import _sitebuiltins
import _socket
import bisect
import builtins
import collections
import copy
import ctypes
import errno
import functools
import gc
import heapq
import itertools
import json
import marshal
import math
import mmap
import operator
import re
import resource
import select
import signal
import stat
import string
import sys
import time
import typing

# `random` asks to be seeded anew in each child; samples want the seed that the zygote sets, and their own children a new one.
at_fork, os.register_at_fork = os.register_at_fork, lambda **_: None
import random

os.register_at_fork = at_fork

CONTROL = 3
WRITE = 2  # PROT_WRITE

# Much of the language in few lines; it is ours, and harmless.
FIRST = """
from typing import Any, Dict, List, Optional, Set, Tuple, Union
import math
def first(xs: List[int], *rest: Any, by: Optional[str] = None) -> Tuple[int, float]:
    ''' >>> first([1, 2]) '''
    seen, out = {x: str(x) for x in xs}, [x for x in sorted(xs, key=lambda x: -x) if x % 2 == 0]
    class Point:
        def __init__(self, x):
            self.x = x
    for at, (x, y) in enumerate(zip(xs, reversed(xs))):
        while x > 100 and not y or x is None:
            x, y = x // 2, y ** 2
        try:
            seen[x] += "%d, {}".format(at) if y else f"{at}: {x}".strip().lower()
        except (KeyError, ValueError) as error:
            raise
        else:
            continue
    assert len(seen) >= 0 and Point(1).x == 1
    return sum(i for i in range(len(xs))), max(math.sqrt(abs(xs[0])), 0.5), ",".join(seen.values())
"""



def warm(space):
    """Does once what each child would have to do anew: the first compilation makes hundreds of types, the first run of a
    function looks up its names. Nothing of it is left where a sample could see it."""
    module = type(sys)("first")
    call, send, encode = space["call"], space["send"], space["encode"]

    def asked(args, named):
        return b"\1" + encode("first", 1 << 16) + encode(args, 1 << 16) + encode(named, 1 << 16)

    for _ in range(9):
        bad = space["load"](FIRST.encode(), module)
        read_end, write_end = os.pipe()
        send(write_end, b"C", asked(([3, 1, 2], "x"), {"by": "y"}))
        _, body = space["Channel"](read_end, 1 << 16).receive()
        kind, _ = call(body, module.__dict__, 1 << 16)
        call(asked(([],), {}), module.__dict__, 1 << 16)
        os.close(read_end)
        os.close(write_end)
        if bad is not None or kind != b"V":
            raise OSError(0, "the interpreter does not run a plain program")


def made(text):
    """The functions of a text of ours. It is compiled in a process of its own: the trees of a compiler leave memory behind that
    each fork would copy the tables of, a sixth of the interpreter's own."""
    read_end, write_end = os.pipe()
    pid = os.fork()
    if pid == 0:
        with open(write_end, "wb") as file:
            marshal.dump(compile(text, "<sandbox>", "exec", dont_inherit=True), file)
        os._exit(0)
    os.close(write_end)
    with open(read_end, "rb") as file:
        code = file.read()
    os.waitpid(pid, 0)
    space = {"__name__": "sample"}
    exec(marshal.loads(code), space)
    return space


FILLED = []


def fill():
    """Takes all free places among the interpreter's small objects, so that what is made from now on lies together."""
    if not hasattr(sys, "_debugmallocstats"):
        return
    gc.collect()
    held, errors = os.memfd_create("places"), os.dup(2)
    os.dup2(held, 2)
    sys._debugmallocstats()
    os.dup2(errors, 2)
    os.lseek(held, 0, os.SEEK_SET)
    text = os.read(held, 1 << 20).decode()
    os.close(held)
    os.close(errors)
    for line in text.splitlines():
        # Of each class of sizes: its number, size, pools, places in use, free places.
        parts = line.split()
        if len(parts) == 5 and all(p.isdigit() for p in parts):
            _, size, _, _, free = map(int, parts)
            # An object takes 16 bytes, a number 28, n bytes take 33 + n.
            FILLED.extend(bytes(size - 33) if size > 33 else object() if size == 16 else 1000 + n for n in range(free))


def limit(kind, value):
    """Lowers a limit; never above what the supervisor has itself."""
    _, hard = resource.getrlimit(kind)
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    resource.setrlimit(kind, (value, value))


def own_pages(libc, mapped):
    """Makes a fork copy the page tables of mapped files, which it otherwise leaves to each child to fill, fault by fault. It does so
    for a mapping of which a page was once written to; what is written is what stood there."""
    libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    for start, size, rights in mapped:
        if libc.mprotect(start, size, rights | WRITE) == 0:
            first = ctypes.c_char.from_address(start)
            first.value = first.value
            libc.mprotect(start, size, rights)


def main():
    control = _socket.socket(fileno=CONTROL)
    first, fds = message(control)
    config = json.loads(first)
    sys.path[:] = config["path"]
    os.chdir(config["scratch"])
    limit(resource.RLIMIT_AS, config["memory"])
    limit(resource.RLIMIT_NOFILE, config["open_files"])
    limit(resource.RLIMIT_FSIZE, config["file_size"])
    limit(resource.RLIMIT_CORE, 0)
    if config["tasks"] is not None:
        limit(resource.RLIMIT_NPROC, config["tasks"])
    # What the module `site`, which is not loaded, gives every program.
    for name in ("exit", "quit"):
        setattr(builtins, name, _sitebuiltins.Quitter(name, "Ctrl-D (i.e. EOF)"))
    builtins.help = _sitebuiltins._Helper()
    sys.stdin, sys.dont_write_bytecode = sys.__stdin__, True
    warm(made(config["program"]))
    fill()
    space = made(config["program"])
    warm(space)
    jail = space["Jail"](config, fds[0] if fds else None)
    started = mmap.mmap(-1, mmap.PAGESIZE)
    space["wipe"](config["scratch"])
    random.seed(0)
    fill()
    libc = ctypes.CDLL(None)
    if hasattr(libc, "malloc_trim"):
        libc.malloc_trim(0)
    send(CONTROL, b"L", b"loaded")
    mapped, _ = message(control)
    own_pages(libc, json.loads(mapped))
    send(CONTROL, b"H", b"zygote")
    gc.freeze()
    gc.disable()
    space["serve"](jail, control, started)


main()
