//! Starts a process in a jail. All unsafe code of the sandbox is here.
//!
//! A process is cloned with its namespaces, builds its own view of the machine, gives up what it must not have, and only
//! then becomes the program. Between `clone` and `execve` the child is a copy of a process that may have had other threads,
//! so nothing there may allocate, lock or panic: all texts, lists and filters are made before, the child makes system calls
//! only, and what goes wrong there is written to a pipe as a step and an error number.

use super::entry;
use crate::Error;
use rustix::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use seccompiler::BpfProgram;
use std::ffi::{CStr, CString};
use std::io::Read;
use std::path::PathBuf;

/// A process to start. Paths are as the caller sees them.
pub(super) struct Launch<'a> {
    /// The program, then its arguments from the name on.
    pub program: CString,
    pub argv: Vec<CString>,
    pub env: Vec<CString>,
    /// What become descriptors 0, 1, 2 and, for a worker, 3.
    pub stdio: [BorrowedFd<'a>; 3],
    pub control: Option<BorrowedFd<'a>>,
    /// The namespaces and the view, or none of them.
    pub namespaces: Option<Namespaces>,
    /// User to become where there are no namespaces.
    pub user: Option<u32>,
    /// Where it starts.
    pub folder: CString,
    /// Rules for files, and which places are added once the view stands.
    pub landlock: Option<BorrowedFd<'a>>,
    /// The rights that those rules handle.
    pub handled: u64,
    pub filters: &'a [BpfProgram],
    /// Files of control groups to write "0" to.
    pub groups: &'a [OwnedFd],
    /// Limits: which, how much.
    pub limits: Vec<(u32, u64)>,
    /// Start the program as a child of a first process that only waits, and hand back these files at the end through the
    /// report.
    pub waiting: Option<Waiting>,
}

/// What the first process of a command does when the command has ended.
pub(super) struct Waiting {
    pub report: OwnedFd,
    pub keep: Vec<CString>,
}

/// Namespaces and what is in them.
pub(super) struct Namespaces {
    /// User outside that is 0 inside, and the one that is 1; without the second only the caller's own is mapped.
    pub users: (u32, Option<u32>),
    pub groups: (u32, Option<u32>),
    /// Folders to make in the new root, parents first, and empty files to mount on.
    pub folders: Vec<CString>,
    pub places: Vec<CString>,
    /// What is mounted: from outside, to inside (relative to the new root), and whether it can be written.
    pub mounts: Vec<Mount>,
    pub links: Vec<(CString, CString)>,
    /// Options of the scratch file system.
    pub scratch: CString,
    /// Files to make in the scratch folder, with their folders before them.
    pub files: Vec<File>,
}

/// A path in the scratch folder and what the file holds; a folder where it holds nothing.
pub(super) type File = (CString, Option<std::sync::Arc<[u8]>>);

pub(super) struct Mount {
    pub from: CString,
    pub to: CString,
    pub writable: bool,
}

/// A process that was started. Killed and waited for when dropped.
#[derive(Debug)]
pub(super) struct Child {
    pid: i32,
    handle: OwnedFd,
    /// The process-id namespace it is in, if it has one of its own.
    pub namespace: Option<OwnedFd>,
    reaped: bool,
}

/// What a process has used, its children that were waited for included.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ending {
    pub cpu: std::time::Duration,
}

const EVERYTHING: i32 = libc::CLONE_NEWUSER
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWNS
    | libc::CLONE_NEWNET
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUTS
    | libc::CLONE_NEWCGROUP;

impl Launch<'_> {
    /// Starts it; returns once the program runs.
    ///
    /// # Errors
    /// The step that failed and why.
    pub(super) fn start(&self) -> Result<Child, Error> {
        let refused = |step: &str, why: std::io::Error| {
            let mend = match why.kind() {
                // A sample's user is not the caller, and may not enter the caller's private folders.
                std::io::ErrorKind::PermissionDenied => {
                    "does it lie in a folder that only its owner may enter? Name one that everybody can read, such as \
                     /usr/bin/python3"
                }
                _ => "plumb doctor says which isolation this machine gives",
            };
            Error::sandbox(format!("{step}: {why}"), mend)
        };
        let io = |e: rustix::io::Errno| std::io::Error::from(e);
        let (go_read, go_write) =
            rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).map_err(|e| refused("pipe", io(e)))?;
        let (said_read, said_write) =
            rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).map_err(|e| refused("pipe", io(e)))?;
        // Above the descriptors that the child fills.
        let high =
            |fd: BorrowedFd| rustix::io::fcntl_dupfd_cloexec(fd, 10).map_err(|e| refused("dup", io(e)));
        let stdio = [high(self.stdio[0])?, high(self.stdio[1])?, high(self.stdio[2])?];
        let control = self.control.map(high).transpose()?;
        let (go, said) = (high(go_read.as_fd())?, high(said_write.as_fd())?);
        let landlock = self.landlock.map(high).transpose()?;
        let prepared = entry::Entry {
            launch: self,
            stdio: stdio.each_ref().map(|fd| fd.as_raw_fd()),
            control: control.as_ref().map(|fd| fd.as_raw_fd()),
            go: go.as_raw_fd(),
            said: said.as_raw_fd(),
            landlock: landlock.as_ref().map(|fd| fd.as_raw_fd()),
            argv: pointers(&self.argv),
            env: pointers(&self.env),
        };
        let flags = libc::SIGCHLD | if self.namespaces.is_some() { EVERYTHING } else { 0 };
        // SAFETY: a `clone` without CLONE_VM and without a stack is a fork: the child goes on in a copy of this address
        // space, on the same stack. Only this thread exists in it; `entry::Entry::run` obeys the rules of the module's head
        // and never returns. In the parent it has no effect but the new process.
        let pid = unsafe { libc::syscall(libc::SYS_clone, flags, 0, 0, 0, 0) } as i32;
        if pid == 0 {
            // SAFETY: this is the child of the clone above, as `run` demands.
            unsafe { prepared.run() }
        }
        if pid < 0 {
            return Err(refused("namespaces", std::io::Error::last_os_error()));
        }
        drop((said_write, said));
        let mut child = Child::of(pid).map_err(|e| refused("pidfd", io(e)))?;
        if let Some(namespaces) = &self.namespaces {
            namespaces.map_users(pid).map_err(|why| refused("user namespace", why))?;
            child.namespace = Some(
                std::fs::File::open(format!("/proc/{pid}/ns/pid")).map_err(|w| refused("/proc", w))?.into(),
            );
        }
        rustix::io::write(&go_write, b"!").map_err(|e| refused("pipe", io(e)))?;
        let mut said = Vec::new();
        std::fs::File::from(said_read).read_to_end(&mut said).map_err(|why| refused("pipe", why))?;
        match said.as_slice() {
            [] => Ok(child),
            [step, number @ ..] => {
                let number = number.try_into().map(i32::from_ne_bytes).unwrap_or(0);
                let program = format!("starting {}", self.program.to_string_lossy());
                let step = entry::step_name(*step).replace("starting the program", &program);
                Err(refused(&step, std::io::Error::from_raw_os_error(number)))
            }
        }
    }
}

fn pointers(texts: &[CString]) -> Vec<*const libc::c_char> {
    texts.iter().map(|t| t.as_ptr()).chain([std::ptr::null()]).collect()
}

impl Namespaces {
    /// Done from outside, since only there is the power to map more than one user.
    fn map_users(&self, pid: i32) -> std::io::Result<()> {
        let lines = |(zero, one): (u32, Option<u32>)| match one {
            Some(one) => format!("0 {zero} 1\n1 {one} 1\n"),
            None => format!("0 {zero} 1\n"),
        };
        if self.users.1.is_none() {
            std::fs::write(format!("/proc/{pid}/setgroups"), "deny")?;
        }
        std::fs::write(format!("/proc/{pid}/uid_map"), lines(self.users))?;
        std::fs::write(format!("/proc/{pid}/gid_map"), lines(self.groups))
    }
}

impl Child {
    fn of(pid: i32) -> Result<Child, rustix::io::Errno> {
        let known = rustix::process::Pid::from_raw(pid).ok_or(rustix::io::Errno::SRCH)?;
        let handle = rustix::process::pidfd_open(known, rustix::process::PidfdFlags::empty())?;
        Ok(Child { pid, handle, namespace: None, reaped: false })
    }

    /// Its number as the caller sees it.
    pub(super) fn pid(&self) -> i32 {
        self.pid
    }

    /// The parts of files that it has mapped and cannot write to: address, length, rights as for `mprotect`. Empty where that cannot
    /// be found out.
    pub(super) fn mapped(&self) -> Vec<(u64, u64, i32)> {
        let maps = std::fs::read_to_string(format!("/proc/{}/maps", self.pid)).unwrap_or_default();
        maps.lines().filter_map(mapping).collect()
    }

    /// Readable when the process has ended.
    pub(super) fn handle(&self) -> BorrowedFd<'_> {
        self.handle.as_fd()
    }

    pub(super) fn kill(&self) {
        // Fails only where the process has ended already.
        let _ = rustix::process::pidfd_send_signal(&self.handle, rustix::process::Signal::KILL);
    }

    /// Waits until it has ended. A process that is the first of its namespace takes all others in it along.
    pub(super) fn wait(&mut self) -> Ending {
        // SAFETY: `rusage` is plain integers, for which zero is a value; `wait4` writes to it alone, and it lives through the call.
        let usage = unsafe {
            let mut usage: libc::rusage = std::mem::zeroed();
            while !self.reaped
                && libc::wait4(self.pid, std::ptr::null_mut(), 0, &mut usage) < 0
                && std::io::Error::last_os_error().kind() == std::io::ErrorKind::Interrupted
            {}
            usage
        };
        self.reaped = true;
        let time = |t: libc::timeval| {
            std::time::Duration::new(t.tv_sec.max(0) as u64, (t.tv_usec.max(0) as u32) * 1000)
        };
        Ending { cpu: time(usage.ru_utime) + time(usage.ru_stime) }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if !self.reaped {
            self.kill();
            self.wait();
        }
    }
}

/// A line of `/proc/PID/maps`, where it is of a file and private and read only (proc_pid_maps(5)).
fn mapping(line: &str) -> Option<(u64, u64, i32)> {
    let mut parts = line.split_whitespace();
    let (range, rights, file) = (parts.next()?, parts.next()?, parts.nth(3)?);
    let (start, end) = range.split_once('-')?;
    let (start, end) = (u64::from_str_radix(start, 16).ok()?, u64::from_str_radix(end, 16).ok()?);
    let rights = match rights {
        "r--p" => libc::PROT_READ,
        "r-xp" => libc::PROT_READ | libc::PROT_EXEC,
        _ => return None,
    };
    file.starts_with('/').then_some((start, end - start, rights))
}

/// The version of Landlock that the kernel has; 0 or less is none.
pub(super) fn landlock_abi() -> i64 {
    const VERSION: u32 = 1;
    // SAFETY: with no rules and this flag the call reads nothing and only answers a number.
    unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, std::ptr::null::<u8>(), 0, VERSION) }
}

/// A path as the kernel takes it.
///
/// # Errors
/// It holds a zero byte.
pub(super) fn text(path: impl Into<PathBuf>) -> Result<CString, Error> {
    let path: PathBuf = path.into();
    CString::new(path.as_os_str().as_encoded_bytes())
        .map_err(|_| Error::sandbox(format!("{} holds a zero byte", path.display()), "take another name"))
}

/// What the child's code borrows; here so that the one file of system calls knows no more of a launch than it needs.
pub(super) type Fd = RawFd;
pub(super) type Text = CStr;
