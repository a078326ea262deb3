# What happens once a sample: the zygote forks, its child gives up its powers and runs the sample, the zygote watches and says
# how it ended. Follows wire.py. zygote.py runs this text when all else is loaded, so that what is made here lies together:
# each page of memory that a child writes to, be it a count of references, must first be copied.
#
# The zygote reads nothing of a sample but its exit status and how many bytes it wrote. All that a sample could reach is set
# up before its code is compiled: descriptors, limits, user, system-call filter.
import ctypes
import gc
import random
import resource
import select
import signal
import stat
import sys
import time
from os import _exit, close, closerange, dup2, fork, kill, pidfd_open, pipe, read, set_blocking, setresgid, setresuid, wait4
from resource import RLIMIT_CPU, setrlimit
from select import POLLHUP, POLLIN
from time import monotonic_ns

CONTROL, CHANNEL = 3, 3
HEAD = struct.Struct("<BQQII")  # mode, processor ns, wall ns, length of input, value limit
ENDED = struct.Struct("<iBQQII")  # wait status, reason, processor ns, wall ns, length of output and of errors
CALLS, STDIO = 0, 1
BY_ITSELF, CPU, WALL, OUTPUT, ASKED, FILES, SETUP = range(7)
NEW_PID = 0x20000000
SIGKILL = int(signal.SIGKILL)
STDOUT, STDERR = sys.stdout, sys.stderr
NO_NAMED = encode({}, 16)
Module = type(sys)


class Filter(ctypes.Structure):
    _fields_ = [("count", ctypes.c_ushort), ("code", ctypes.c_void_p)]


class Caps(ctypes.Structure):
    _fields_ = [("version", ctypes.c_uint32), ("pid", ctypes.c_int)]


class Jail:
    """What is done to each child, prepared."""

    def __init__(self, config, own):
        libc = ctypes.CDLL(None, use_errno=True)
        self.namespaces, self.uid, self.guarded = config["namespaces"], config["uid"], config["guarded"]
        self.scratch, self.watched, self.file_size = config["scratch"], config["watched"], config["file_size"]
        self.output, self.cores, self.forks = config["output"], config["cores"], config["forks"]
        code = bytes(config["filter"])
        self.code = ctypes.create_string_buffer(code, max(1, len(code)))
        self.filter = ctypes.byref(Filter(len(code) // 8, ctypes.addressof(self.code)))
        self.no_caps = (ctypes.c_uint32 * 6)(0, 0, 0, 0, 0, 0)
        self.caps = ctypes.byref(Caps(0x20080522, 0))
        self.prctl, self.capset, self.unshare, self.setns = libc.prctl, libc.capset, libc.unshare, libc.setns
        self.own = own
        self.poll = select.poll()
        self.poll.register(CONTROL, POLLIN)

    def close_in(self):
        """In the child: gives up every power that its code must not have."""
        if self.uid is not None:
            setresgid(self.uid, self.uid, self.uid)
            setresuid(self.uid, self.uid, self.uid)
        elif self.namespaces:
            # SECBIT_NOROOT and its lock: user 0 of the namespace is nobody in particular.
            check(self.prctl(28, 3, 0, 0, 0), "securebits")
            check(self.capset(self.caps, self.no_caps), "capabilities")
        if self.guarded:
            check(self.prctl(1, SIGKILL, 0, 0, 0), "death signal")
            check(self.prctl(22, 2, self.filter, 0, 0), "filter")


def check(value, what):
    if value != 0:
        number = ctypes.get_errno()
        raise OSError(number, "%s: %s" % (what, os.strerror(number)))


def told(error, number=None):
    message = ""
    try:
        message = str(error)[:1000]
    except BaseException:
        pass
    if isinstance(error, OSError) and type(error.errno) is int:
        number = error.errno
    return encode((type(error).__name__, message, number), 1 << 16)


def exit_code(error):
    code = error.code
    return b"0" if code is None else b"%d" % code if type(code) is int else b"1"


def load(source, module):
    """Compiles and runs a sample; the message to send if that did not go well."""
    try:
        code = compile(source.decode("utf-8", "surrogatepass"), "<sample>", "exec", dont_inherit=True)
    except (SyntaxError, ValueError, OverflowError, RecursionError) as error:
        return b"S", ("%s: %s" % (type(error).__name__, error)).encode("utf-8", "replace")[:1000]
    except MemoryError as error:
        return b"E", told(error)
    try:
        exec(code, module.__dict__)
    except SystemExit as error:
        return b"X", exit_code(error)
    except BaseException as error:
        return b"E", told(error)
    return None


def calls(source, limit):
    """The child of a sample whose functions are called."""
    module = Module("solution")
    sys.modules["solution"] = module
    space = module.__dict__
    bad = load(source, module)
    flush()
    if bad is not None:
        send(CHANNEL, *bad)
        return
    defined = tuple(n for n in list(space) if type(n) is str and n[:2] != "__" and callable(space[n]))[:64]
    send(CHANNEL, b"R", encode(defined, 1 << 20))
    channel = Channel(CHANNEL, limit + 65536)
    while True:
        kind, body = channel.receive()
        send(CHANNEL, *(call(body, space, limit) if kind == b"C" else judge(body, space)))


def call(body, space, limit):
    name, start = get(body, 1, DEPTH)
    args, end = get(body, start, DEPTH)
    named = NO_NAMED if body[end:] == NO_NAMED else get(body, end, DEPTH)[0]
    try:
        function = space[name]
    except KeyError:
        function = None
    try:
        if function is None:
            function = method(name, space)
        if function is None:
            return b"A", b""
        result = function(*args) if named is NO_NAMED else function(*args, **named)
        flush()
    except SystemExit as error:
        return b"X", exit_code(error)
    except BaseException as error:
        flush()
        return b"E", told(error)
    try:
        after = encode(args, limit) if body[:1] == b"\1" else b""
        changed = after and after != body[start:end]
        return b"V", (b"\1" + after if changed else b"\0") + encode(result, limit)
    except Outside as problem:
        return b"G", str(problem).encode("utf-8", "replace")
    except BaseException as error:
        return b"E", told(error)


def method(name, space):
    """Of a name with a dot: the method of a new object of that class, or else the function of that name."""
    owner, dot, name = name.partition(".")
    if not dot:
        return None
    return getattr(space[owner](), name) if owner in space else space.get(name)


def judge(body, space):
    """Runs the tests here, in the sample's own process: weak."""
    tests = decode(body)
    try:
        # Helpers come first, then the sample's own names over them.
        held = dict(space)
        if tests["check"] is None:
            exec(tests["setup"], space)
        for name in held:
            if name[:2] != "__":
                space[name] = held[name]
        if tests["check"] is not None:
            exec(tests["check"], space)
            space["check"](space[tests["entry_point"]])
        else:
            for text in tests["asserts"]:
                exec(text, space)
    except AssertionError as error:
        return b"Q", str(error).encode("utf-8", "replace")[:500]
    except SystemExit as error:
        return b"X", exit_code(error)
    except BaseException as error:
        return b"E", told(error)
    return b"P", b""


def program(source):
    """The child of a program that reads and writes; its exit code."""
    module = Module("__main__")
    sys.modules["__main__"] = module
    sys.argv[:] = ["sample.py"]
    bad = load(source, module)
    if bad is not None:
        kind, body = bad
        if kind == b"X":
            code = int(body) & 255
        else:
            code = 1
            send(CHANNEL, *(bad if kind == b"S" else plainly(body)))
    else:
        code = 0
    threading = sys.modules.get("threading")
    try:
        if threading is not None:
            threading._shutdown()
        if "atexit" in sys.modules:
            sys.modules["atexit"]._run_exitfuncs()
    except BaseException:
        pass
    flush()
    return code


def plainly(body):
    """What was raised, as text for a reader that knows no grammar."""
    name, message, number = decode(body)
    text = ("%s: %s" % (name, message)).encode("utf-8", "replace")
    try:
        STDERR.write(text.decode() + "\n")
    except BaseException:
        pass
    return b"M" if name == "MemoryError" else b"F" if number in (1, 13, 30) else b"E", text


def flush():
    for stream in (STDOUT, STDERR):
        try:
            stream.flush()
        except BaseException:
            pass


def child(jail, mode, body, size, fds, cpu, limit, started):
    """Never returns."""
    code = 1
    try:
        channel, out, err = fds
        given, source = body[HEAD.size : HEAD.size + size], body[HEAD.size + size :]
        if mode == STDIO:
            held = os.memfd_create("stdin")
            while given:
                given = given[os.write(held, given) :]
            os.lseek(held, 0, os.SEEK_SET)
            os.dup2(held, 0)
        dup2(out, 1)
        dup2(err, 2)
        dup2(channel, CHANNEL)
        closerange(4, 1 << 16)
        seconds = cpu // 1000000000 + 2
        setrlimit(RLIMIT_CPU, (seconds, seconds))
        jail.close_in()
        if jail.forks:
            os.register_at_fork(after_in_child=random._inst.seed)
        gc.enable()
        # From here on the child's word counts for nothing; what says that it came so far is out of its reach.
        started[0] = 1
        started.close()
        if mode == CALLS:
            calls(source, limit)
            code = 0
        else:
            code = program(source)
    except Gone:
        code = 0
    except BaseException as error:
        try:
            send(CHANNEL, b"E", told(error))
            os.write(2, str(error).encode())
        except BaseException:
            pass
    finally:
        _exit(code)


class Pipe:
    """What a child writes: counted, the end (or all, of a program) kept."""

    def __init__(self, keep):
        self.read_end, self.write_end = pipe()
        set_blocking(self.read_end, False)
        self.kept, self.total, self.keep = b"", 0, keep

    def take(self):
        try:
            part = read(self.read_end, 1 << 16)
        except BlockingIOError:
            return False
        self.total += len(part)
        self.kept += part
        if len(self.kept) > self.keep:
            self.kept = self.kept[-self.keep :]
        return bool(part)


def watch(jail, pid, handle, pipes, cpu, wall, began, events):
    """Waits for the child within its limits; why it was killed, if it was, and whether the supervisor asked for it."""
    poll = jail.poll
    by_fd = {p.read_end: p for p in pipes}
    reason, used, asked = BY_ITSELF, 0, False
    while True:
        for fd, what in events:
            if fd == CONTROL:
                asked = True
                if not read(CONTROL, 1):
                    _exit(0)
                if reason == BY_ITSELF:
                    reason = ASKED
                    end(pid)
            elif fd != handle and not by_fd[fd].take() and what & POLLHUP:
                poll.unregister(fd)
                del by_fd[fd]
        if any(fd == handle for fd, _ in events):
            poll.unregister(handle)
            for fd in by_fd:
                poll.unregister(fd)
            return reason, asked
        if reason == BY_ITSELF:
            if sum(p.total for p in pipes) > jail.output:
                reason = OUTPUT
            elif not events:
                try:
                    used = time.clock_gettime_ns((~pid << 3) | 2)
                except OSError:
                    continue
                if used >= cpu:
                    reason = CPU
                elif monotonic_ns() - began >= wall:
                    reason = WALL
                elif jail.watched and too_many_files(jail):
                    reason = FILES
            if reason != BY_ITSELF:
                end(pid)
        events = poll.poll(pause(jail, wall - monotonic_ns() + began, cpu - used)) if reason == BY_ITSELF else poll.poll()


def pause(jail, wall, cpu):
    """Milliseconds until a limit could be reached."""
    left = min(wall, cpu // jail.cores)
    if jail.watched:
        left = min(left, 20000000)
    return max(0, left) // 1000000 + 1


def end(pid):
    try:
        kill(pid, SIGKILL)
    except ProcessLookupError:
        pass


def too_many_files(jail):
    """Whether the scratch folder holds more than it may, or deeper, where no file system limits it."""
    total, count, folders = 0, 0, [(jail.scratch, 0)]
    while folders:
        folder, depth = folders.pop()
        if depth > 64:
            return True
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    count += 1
                    if entry.is_dir(follow_symlinks=False):
                        folders.append((entry.path, depth + 1))
                    else:
                        total += entry.stat(follow_symlinks=False).st_blocks * 512
                    if count > 4096 or total > jail.file_size:
                        return True
        except OSError:
            pass
    return False


def wipe(scratch):
    """Empties the scratch folder, whatever was built in it: folders are moved to the top before they are removed, so that no
    path grows long."""
    os.chmod(scratch, 0o1777 if os.geteuid() == 0 else 0o700)
    names = os.listdir(scratch)
    number = 0
    while names:
        for name in names:
            path = scratch + "/" + name
            if not stat.S_ISDIR(os.lstat(path).st_mode):
                os.unlink(path)
                continue
            os.chmod(path, 0o700)
            for inner in os.listdir(path):
                inner_path = path + "/" + inner
                if stat.S_ISDIR(os.lstat(inner_path).st_mode):
                    os.chmod(inner_path, 0o700)
                    number += 1
                    os.rename(inner_path, "%s/.moved-%d-%d" % (scratch, number, time.monotonic_ns()))
                else:
                    os.unlink(inner_path)
            os.rmdir(path)
        names = os.listdir(scratch)


def sample(jail, body, channel, started):
    mode, cpu, wall, size, limit = HEAD.unpack_from(body)
    keep = 2048 if mode == CALLS else jail.output
    pipes = out, err = Pipe(keep), Pipe(keep)
    fds = channel, out.write_end, err.write_end
    poll, first = jail.poll, pause(jail, wall, cpu)
    for p in pipes:
        poll.register(p.read_end, POLLIN)
    started[0] = 0
    if jail.namespaces:
        check(jail.unshare(NEW_PID), "a process namespace")
    began = monotonic_ns()
    pid = fork()
    if pid == 0:
        child(jail, mode, body, size, fds, cpu, limit, started)
    # While there is a child each page that this process writes to is copied, so what can wait does.
    handle = pidfd_open(pid)
    poll.register(handle, POLLIN)
    events = poll.poll(first)
    for fd in fds:
        close(fd)
    reason, asked = watch(jail, pid, handle, pipes, cpu, wall, began, events)
    _, status, usage = wait4(pid, 0)
    took = monotonic_ns() - began
    close(handle)
    # What is left in memory, the next sample can read; it could be a right solution.
    body[:] = bytes(len(body))
    if jail.namespaces:
        check(jail.setns(jail.own, NEW_PID), "the own process namespace")
    for p in pipes:
        while p.total <= jail.output + (1 << 20) and p.take():
            pass
        close(p.read_end)
    if reason in (BY_ITSELF, ASKED) and out.total + err.total > jail.output:
        reason = OUTPUT
    used = int((usage.ru_utime + usage.ru_stime) * 1e9)
    if reason in (BY_ITSELF, ASKED) and used > cpu or reason == BY_ITSELF and os.WIFSIGNALED(status) and used + 50000000 >= cpu:
        reason = CPU
    if reason == ASKED and not (os.WIFSIGNALED(status) and os.WTERMSIG(status) == SIGKILL):
        # Its channel closed as it ended, and the tests were faster to tell than the kernel.
        reason = BY_ITSELF
    if reason == BY_ITSELF and not started[0]:
        reason = SETUP
    if jail.watched and reason in (BY_ITSELF, ASKED) and too_many_files(jail):
        reason = FILES
    wipe(jail.scratch)
    send(CONTROL, b"Z", ENDED.pack(status, reason, used, took, len(out.kept), len(err.kept)) + out.kept + err.kept)
    # The supervisor asks for every sample once; where the child was faster, the request is still to come.
    if not asked and not read(CONTROL, 1):
        _exit(0)


def received(control):
    """A message of the supervisor, the only copy of it, and the descriptors that came with it."""
    head, fds = bytearray(WORD.size), []
    take(control, head, fds)
    body = bytearray(WORD.unpack(head)[0])
    take(control, body, fds)
    return body, fds


def take(control, into, fds):
    """Fills `into`."""
    view, have = memoryview(into), 0
    while have < len(into):
        got, extra, _, _ = control.recvmsg_into([view[have:]], 64)
        if not got:
            raise Gone
        have += got
        for _, _, held in extra:
            fds += [WORD.unpack_from(held, at)[0] for at in range(0, len(held) - 3, 4)]


def serve(jail, control, started):
    """All samples, one after the other, until the supervisor is gone."""
    try:
        while True:
            body, fds = received(control)
            sample(jail, body, fds[0], started)
    except Gone:
        _exit(0)
