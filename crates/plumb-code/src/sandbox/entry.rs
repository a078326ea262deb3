//! What a new process does between `clone` and `execve`: builds its view, gives up its powers, becomes the program.
//!
//! Unsafe, like [`super::launch`], whose head says which rules hold here: system calls only, on memory made before.

use super::launch::{Fd, Launch, Namespaces, Text};
use libc::{c_char, c_int, c_void};
use std::ffi::CString;

pub(super) struct Entry<'a> {
    pub launch: &'a Launch<'a>,
    pub stdio: [Fd; 3],
    pub control: Option<Fd>,
    pub go: Fd,
    pub said: Fd,
    pub landlock: Option<Fd>,
    pub argv: Vec<*const c_char>,
    pub env: Vec<*const c_char>,
}

/// A step that failed.
type Step = Result<(), u8>;

const STEPS: [&str; 16] = [
    "the supervisor",
    "opening what the jail sees",
    "becoming the jail's user",
    "private mounts",
    "the jail's root",
    "folders of the jail's root",
    "mounting what the jail sees",
    "the scratch folder",
    "changing the root",
    "control groups",
    "limits",
    "Landlock",
    "the system-call filter",
    "descriptors",
    "starting the program",
    "files of the program",
];

pub(super) fn step_name(step: u8) -> &'static str {
    STEPS.get(step as usize).copied().unwrap_or("starting the jail")
}

/// Most mounts of a view.
const MOST: usize = 64;
/// Where the new root is put while it is built: a folder that every system has. What was under it stays reachable through
/// the handles taken before.
const STAGE: &Text = c"/usr";
const MOUNT_ATTR_RDONLY: u64 = 1;
const MOUNT_ATTR_NOSUID: u64 = 2;
const MOUNT_ATTR_NODEV: u64 = 4;
const OPEN_TREE_CLONE: u64 = 1;
const AT_RECURSIVE: u64 = 0x8000;
const MOVE_MOUNT_F_EMPTY_PATH: u64 = 4;

#[repr(C)]
struct MountAttr {
    set: u64,
    clear: u64,
    propagation: u64,
    user_namespace: u64,
}

/// Landlock's `landlock_path_beneath_attr`, which the kernel defines as packed.
#[repr(C, packed)]
struct Beneath {
    allowed: u64,
    parent: c_int,
}

/// Landlock's rights: to run and read files and to list folders; for a scratch folder all but making devices; for devices to
/// write, and to open them as if to empty them.
const READ: u64 = 0b1101;
const WRITE: u64 = 0b111_0111_1011_1111;
const DEVICE: u64 = 1 << 1 | 1 << 14;

fn check(value: libc::c_long, step: u8) -> Step {
    if value < 0 { Err(step) } else { Ok(()) }
}

impl Entry<'_> {
    /// Becomes the program or ends.
    ///
    /// # Safety
    /// Only in a process that `clone` has just made for it.
    pub(super) unsafe fn run(&self) -> ! {
        // SAFETY: system calls on arguments that live in `self`; `_exit` runs nothing of the copied process.
        unsafe {
            let Err(step) = self.enter();
            let number = *libc::__errno_location();
            let mut said = [step, 0, 0, 0, 0];
            said[1..].copy_from_slice(&number.to_ne_bytes());
            libc::write(self.said, said.as_ptr().cast(), said.len());
            libc::_exit(127)
        }
    }

    unsafe fn enter(&self) -> Result<std::convert::Infallible, u8> {
        // SAFETY: as `run`.
        unsafe {
            let mut byte = 0u8;
            check((libc::read(self.go, (&raw mut byte).cast(), 1) - 1) as _, 0)?;
            for group in self.launch.groups {
                use rustix::fd::AsRawFd;
                check(libc::write(group.as_raw_fd(), c"0".as_ptr().cast(), 1) as _, 9)?;
            }
            match &self.launch.namespaces {
                Some(namespaces) => self.build(namespaces)?,
                None => {
                    if let Some(user) = self.launch.user {
                        become_user(user)?;
                    }
                    check(libc::chdir(self.launch.folder.as_ptr()) as _, 8)?;
                }
            }
            // Cleared by a change of user, so after it.
            check(libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) as _, 2)?;
            self.descriptors()?;
            if let Some(waiting) = &self.launch.waiting {
                super::reap::split(waiting).map_err(|()| 14)?;
                self.powerless()?;
            }
            self.restrict()?;
            // Last, since this process may have more files open than the program may.
            for (which, most) in &self.launch.limits {
                let limit = libc::rlimit { rlim_cur: *most, rlim_max: *most };
                check(libc::syscall(libc::SYS_prlimit64, 0, *which, &limit, 0), 10)?;
            }
            libc::signal(libc::SIGPIPE, libc::SIG_DFL);
            libc::execve(self.launch.program.as_ptr(), self.argv.as_ptr(), self.env.as_ptr());
            Err(14)
        }
    }

    /// The view: a root of its own in memory, with what may be seen mounted in it.
    unsafe fn build(&self, namespaces: &Namespaces) -> Step {
        // SAFETY: as `run`.
        unsafe {
            // Opened as the caller, who may see folders that the jail's user may not.
            let mut trees = [-1 as Fd; MOST];
            for (tree, mount) in trees.iter_mut().zip(&namespaces.mounts) {
                let flags = OPEN_TREE_CLONE | AT_RECURSIVE | libc::O_CLOEXEC as u64;
                let from = mount.from.as_ptr();
                *tree = libc::syscall(libc::SYS_open_tree, libc::AT_FDCWD, from, flags) as Fd;
                check(*tree as _, 1)?;
            }
            if namespaces.users.1.is_some() {
                check(libc::syscall(libc::SYS_setgroups, 0, 0), 2)?;
            }
            become_user(0)?;
            let (slash, memory) = (c"/".as_ptr(), c"tmpfs".as_ptr());
            let private = libc::MS_REC | libc::MS_PRIVATE;
            check(libc::mount(std::ptr::null(), slash, std::ptr::null(), private, std::ptr::null()) as _, 3)?;
            let quiet = libc::MS_NOSUID | libc::MS_NODEV;
            let options: *const c_void = c"size=1m,nr_inodes=4096,mode=0755".as_ptr().cast();
            check(libc::mount(memory, STAGE.as_ptr(), memory, quiet, options) as _, 4)?;
            check(libc::chdir(STAGE.as_ptr()) as _, 4)?;
            self.fill(namespaces, &trees)?;
            check(libc::mkdir(c"tmp".as_ptr(), 0o1777) as _, 5)?;
            let options = namespaces.scratch.as_ptr().cast();
            check(libc::mount(memory, c"tmp".as_ptr(), memory, quiet, options) as _, 7)?;
            attributes(c".", MOUNT_ATTR_RDONLY, 0).map_err(|()| 4)?;
            check(libc::syscall(libc::SYS_pivot_root, c".".as_ptr(), c".".as_ptr()), 8)?;
            check(libc::umount2(c".".as_ptr(), libc::MNT_DETACH) as _, 8)?;
            check(libc::chdir(c"/tmp".as_ptr()) as _, 8)?;
            check(libc::sethostname(c"sandbox".as_ptr(), 7) as _, 8)?;
            for (name, content) in &namespaces.files {
                put(name, content.as_deref()).map_err(|()| 15)?;
            }
            Ok(())
        }
    }

    unsafe fn fill(&self, namespaces: &Namespaces, trees: &[Fd; MOST]) -> Step {
        // SAFETY: as `run`.
        unsafe {
            for folder in &namespaces.folders {
                if libc::mkdir(folder.as_ptr(), 0o755) < 0 && *libc::__errno_location() != libc::EEXIST {
                    return Err(5);
                }
            }
            for place in &namespaces.places {
                let file =
                    libc::open(place.as_ptr(), libc::O_CREAT | libc::O_WRONLY | libc::O_CLOEXEC, 0o644);
                check(file as _, 5)?;
                libc::close(file);
            }
            for (link, target) in &namespaces.links {
                check(libc::symlink(target.as_ptr(), link.as_ptr()) as _, 5)?;
            }
            for (tree, mount) in trees.iter().zip(&namespaces.mounts) {
                let (to, here) = (mount.to.as_ptr(), libc::AT_FDCWD);
                let empty = c"".as_ptr();
                check(
                    libc::syscall(libc::SYS_move_mount, *tree, empty, here, to, MOVE_MOUNT_F_EMPTY_PATH),
                    6,
                )?;
                let set = if mount.writable {
                    MOUNT_ATTR_NOSUID
                } else {
                    MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV
                };
                attributes(&mount.to, set, AT_RECURSIVE).map_err(|()| 6)?;
            }
            Ok(())
        }
    }

    unsafe fn descriptors(&self) -> Step {
        // SAFETY: as `run`.
        unsafe {
            for (number, fd) in self.stdio.iter().enumerate() {
                check(libc::dup2(*fd, number as Fd) as _, 13)?;
            }
            let first = match self.control {
                Some(control) => {
                    check(libc::dup2(control, 3) as _, 13)?;
                    4
                }
                None => 3,
            };
            const CLOSE_RANGE_CLOEXEC: u32 = 4;
            check(libc::syscall(libc::SYS_close_range, first, u32::MAX, CLOSE_RANGE_CLOEXEC), 13)
        }
    }

    /// A command becomes the jail's second user where there is one, and has no power over the namespaces in any case.
    unsafe fn powerless(&self) -> Step {
        // SAFETY: as `run`; the two arrays have the layout that version 3 of `capset` demands.
        unsafe {
            if self.launch.namespaces.as_ref().is_some_and(|n| n.users.1.is_some()) {
                return become_user(1);
            }
            const NO_ROOT_AND_LOCKED: c_int = 3;
            check(libc::prctl(libc::PR_SET_SECUREBITS, NO_ROOT_AND_LOCKED, 0, 0, 0) as _, 2)?;
            let (head, none) = ([0x2008_0522u32, 0], [0u32; 6]);
            check(libc::syscall(libc::SYS_capset, head.as_ptr(), none.as_ptr()), 2)
        }
    }

    /// No new privileges, Landlock, filters: from here on nothing can be taken back.
    unsafe fn restrict(&self) -> Step {
        // SAFETY: as `run`; the programs of the filters live in `self.launch`.
        unsafe {
            check(libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) as _, 11)?;
            if let Some(rules) = self.landlock {
                if self.launch.namespaces.is_some() {
                    for (path, allowed) in [(c"/", READ), (c"/tmp", WRITE), (c"/dev", READ | DEVICE)] {
                        beneath(rules, path, allowed & self.launch.handled).map_err(|()| 11)?;
                    }
                }
                check(libc::syscall(libc::SYS_landlock_restrict_self, rules, 0), 11)?;
            }
            for filter in self.launch.filters {
                let program =
                    libc::sock_fprog { len: filter.len() as u16, filter: filter.as_ptr() as *mut _ };
                check(libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, 0, &program), 12)?;
            }
            Ok(())
        }
    }
}

unsafe fn become_user(user: u32) -> Step {
    // SAFETY: system calls on integers. The raw calls change this process's only thread.
    unsafe {
        check(libc::syscall(libc::SYS_setresgid, user, user, user), 2)?;
        check(libc::syscall(libc::SYS_setresuid, user, user, user), 2)
    }
}

unsafe fn attributes(path: &Text, set: u64, flags: u64) -> Result<(), ()> {
    let attr = MountAttr { set, clear: 0, propagation: 0, user_namespace: 0 };
    let size = size_of::<MountAttr>();
    // SAFETY: `attr` has the layout of the kernel's `mount_attr` of 32 bytes and lives through the call.
    let done =
        unsafe { libc::syscall(libc::SYS_mount_setattr, libc::AT_FDCWD, path.as_ptr(), flags, &attr, size) };
    if done < 0 { Err(()) } else { Ok(()) }
}

unsafe fn beneath(rules: Fd, path: &Text, allowed: u64) -> Result<(), ()> {
    // SAFETY: `rule` has the layout of the kernel's packed structure and lives through the call.
    unsafe {
        let parent = libc::open(path.as_ptr(), libc::O_PATH | libc::O_CLOEXEC);
        let rule = Beneath { allowed, parent };
        let done = libc::syscall(libc::SYS_landlock_add_rule, rules, 1, &rule, 0);
        libc::close(parent);
        if done < 0 { Err(()) } else { Ok(()) }
    }
}

/// A file of the scratch folder, or a folder where there is no content.
unsafe fn put(name: &CString, content: Option<&[u8]>) -> Result<(), ()> {
    // SAFETY: the name ends in zero; writes stay within the content.
    unsafe {
        let Some(content) = content else {
            let made = libc::mkdir(name.as_ptr(), 0o755);
            return if made < 0 && *libc::__errno_location() != libc::EEXIST { Err(()) } else { Ok(()) };
        };
        let flags = libc::O_CREAT | libc::O_WRONLY | libc::O_CLOEXEC | libc::O_EXCL;
        let file = libc::open(name.as_ptr(), flags, 0o755);
        let mut done = 0;
        while file >= 0 && done < content.len() {
            let wrote = libc::write(file, content.as_ptr().add(done).cast(), content.len() - done);
            if wrote <= 0 {
                return Err(());
            }
            done += wrote as usize;
        }
        if file < 0 || libc::close(file) < 0 { Err(()) } else { Ok(()) }
    }
}
