//! Which system calls a jail may make.
//!
//! An allow list: what is not named fails with EPERM, and what programs try first and have a second way for fails with
//! ENOSYS. The filters are made before the jail starts; all processes in it inherit them. What only the zygote needs is
//! taken from samples by a second, small filter, since installing a large one costs half a millisecond a sample.
//!
//! Calls of another architecture end the process.

use crate::Error;
use libc::c_long;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
};
use std::collections::BTreeMap;

/// Calls that anything in a jail may make, whatever the arguments.
#[rustfmt::skip]
const PLAIN: &[c_long] = &[
    // Files: what they reach is limited by the mounts and by Landlock.
    libc::SYS_read, libc::SYS_write, libc::SYS_readv, libc::SYS_writev, libc::SYS_pread64, libc::SYS_pwrite64,
    libc::SYS_preadv, libc::SYS_pwritev, libc::SYS_preadv2, libc::SYS_pwritev2, libc::SYS_openat, libc::SYS_openat2,
    libc::SYS_close, libc::SYS_close_range, libc::SYS_fstat, libc::SYS_newfstatat, libc::SYS_statx, libc::SYS_statfs,
    libc::SYS_fstatfs, libc::SYS_lseek, libc::SYS_getdents64, libc::SYS_getcwd, libc::SYS_chdir, libc::SYS_fchdir,
    libc::SYS_mkdirat, libc::SYS_unlinkat, libc::SYS_renameat, libc::SYS_renameat2, libc::SYS_linkat, libc::SYS_symlinkat,
    libc::SYS_readlinkat, libc::SYS_fchmod, libc::SYS_fchmodat, libc::SYS_fchown, libc::SYS_fchownat, libc::SYS_faccessat,
    libc::SYS_faccessat2, libc::SYS_ftruncate, libc::SYS_truncate, libc::SYS_fallocate, libc::SYS_fsync,
    libc::SYS_fdatasync, libc::SYS_sync_file_range, libc::SYS_utimensat, libc::SYS_umask, libc::SYS_flock, libc::SYS_fcntl,
    libc::SYS_dup, libc::SYS_dup3, libc::SYS_pipe2, libc::SYS_sendfile, libc::SYS_splice, libc::SYS_tee,
    libc::SYS_copy_file_range, libc::SYS_memfd_create, libc::SYS_fadvise64, libc::SYS_readahead,
    libc::SYS_getxattr, libc::SYS_lgetxattr, libc::SYS_fgetxattr, libc::SYS_listxattr, libc::SYS_llistxattr,
    libc::SYS_flistxattr,
    // Waiting. No socket can be made but a pair, so these reach nobody outside.
    libc::SYS_ppoll, libc::SYS_pselect6, libc::SYS_epoll_create1, libc::SYS_epoll_ctl, libc::SYS_epoll_pwait,
    libc::SYS_epoll_pwait2, libc::SYS_eventfd2, libc::SYS_timerfd_create, libc::SYS_timerfd_settime,
    libc::SYS_timerfd_gettime, libc::SYS_signalfd4, libc::SYS_inotify_init1, libc::SYS_inotify_add_watch,
    libc::SYS_inotify_rm_watch, libc::SYS_sendto, libc::SYS_recvfrom, libc::SYS_sendmsg, libc::SYS_recvmsg,
    libc::SYS_sendmmsg, libc::SYS_recvmmsg, libc::SYS_shutdown, libc::SYS_getsockname, libc::SYS_getpeername,
    libc::SYS_getsockopt, libc::SYS_setsockopt,
    // Memory.
    libc::SYS_brk, libc::SYS_mmap, libc::SYS_munmap, libc::SYS_mremap, libc::SYS_mprotect, libc::SYS_madvise,
    libc::SYS_msync, libc::SYS_mincore, libc::SYS_mlock, libc::SYS_mlock2, libc::SYS_munlock, libc::SYS_membarrier,
    libc::SYS_pkey_alloc, libc::SYS_pkey_free, libc::SYS_pkey_mprotect, libc::SYS_get_mempolicy,
    // Time.
    libc::SYS_clock_gettime, libc::SYS_clock_getres, libc::SYS_clock_nanosleep, libc::SYS_nanosleep,
    libc::SYS_gettimeofday, libc::SYS_times, libc::SYS_getitimer, libc::SYS_setitimer, libc::SYS_timer_create,
    libc::SYS_timer_settime, libc::SYS_timer_gettime, libc::SYS_timer_getoverrun, libc::SYS_timer_delete,
    // Threads, signals and what a process knows of itself.
    libc::SYS_futex, libc::SYS_set_robust_list, libc::SYS_get_robust_list, libc::SYS_rseq, libc::SYS_set_tid_address,
    libc::SYS_sched_yield, libc::SYS_sched_getaffinity, libc::SYS_sched_setaffinity, libc::SYS_sched_getparam,
    libc::SYS_sched_getscheduler, libc::SYS_sched_setscheduler, libc::SYS_sched_get_priority_max,
    libc::SYS_sched_get_priority_min, libc::SYS_getpriority, libc::SYS_setpriority, libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask, libc::SYS_rt_sigreturn, libc::SYS_rt_sigpending, libc::SYS_rt_sigsuspend,
    libc::SYS_rt_sigtimedwait, libc::SYS_sigaltstack, libc::SYS_restart_syscall, libc::SYS_exit, libc::SYS_exit_group,
    libc::SYS_getpid, libc::SYS_getppid, libc::SYS_gettid, libc::SYS_getuid, libc::SYS_geteuid, libc::SYS_getgid,
    libc::SYS_getegid, libc::SYS_getresuid, libc::SYS_getresgid, libc::SYS_getgroups, libc::SYS_getpgid,
    libc::SYS_getsid, libc::SYS_setsid, libc::SYS_setpgid, libc::SYS_getrusage, libc::SYS_getrlimit, libc::SYS_setrlimit,
    libc::SYS_prlimit64, libc::SYS_uname, libc::SYS_sysinfo, libc::SYS_getcpu, libc::SYS_getrandom, libc::SYS_capget,
    // What a jail needs beside; samples lose these by the second filter, or have not the power for them.
    libc::SYS_execve, libc::SYS_execveat, libc::SYS_wait4, libc::SYS_waitid, libc::SYS_kill, libc::SYS_tkill,
    libc::SYS_tgkill, libc::SYS_pidfd_open, libc::SYS_pidfd_send_signal, libc::SYS_setresuid, libc::SYS_setresgid,
    libc::SYS_capset, libc::SYS_prctl, libc::SYS_seccomp,
];

/// Older names of calls above, where the architecture has them.
#[cfg(target_arch = "x86_64")]
#[rustfmt::skip]
const LEGACY: &[c_long] = &[
    libc::SYS_open, libc::SYS_creat, libc::SYS_stat, libc::SYS_lstat, libc::SYS_access, libc::SYS_mkdir, libc::SYS_rmdir,
    libc::SYS_unlink, libc::SYS_rename, libc::SYS_link, libc::SYS_symlink, libc::SYS_readlink, libc::SYS_chmod,
    libc::SYS_chown, libc::SYS_lchown, libc::SYS_getdents, libc::SYS_pipe, libc::SYS_dup2, libc::SYS_poll,
    libc::SYS_select, libc::SYS_epoll_create, libc::SYS_epoll_wait, libc::SYS_eventfd, libc::SYS_signalfd,
    libc::SYS_inotify_init, libc::SYS_alarm, libc::SYS_pause, libc::SYS_time, libc::SYS_utime, libc::SYS_utimes,
    libc::SYS_futimesat, libc::SYS_getpgrp, libc::SYS_fork, libc::SYS_vfork, libc::SYS_arch_prctl,
];
#[cfg(not(target_arch = "x86_64"))]
const LEGACY: &[c_long] = &[];

/// Calls that are answered with ENOSYS, since libraries then take another way. `clone3` above all: its flags lie in memory
/// where no filter can see them.
const UNKNOWN: &[c_long] = &[libc::SYS_clone3, libc::SYS_io_uring_setup, libc::SYS_futex_waitv];

/// Flags of `clone` that make namespaces: mount, cgroup, host name, IPC, user, process, network.
const NEW_ANYTHING: u64 = 0x7e02_0000;
const NEW_PROCESSES: u64 = 0x2000_0000;
const CLONE_THREAD: u64 = 0x0001_0000;
/// What a terminal or a descriptor is asked: TCGETS, TIOCGWINSZ, FIONREAD, FIONBIO, FIONCLEX, FIOCLEX.
const QUESTIONS: [u64; 6] = [0x5401, 0x5413, 0x541b, 0x5421, 0x5450, 0x5451];
const EPERM: u32 = libc::EPERM as u32;

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

fn when(argument: u8, operator: SeccompCmpOp, value: u64) -> Result<SeccompRule, Error> {
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, operator, value)
        .and_then(|condition| SeccompRule::new(vec![condition]))
        .map_err(broken)
}

fn broken(error: impl std::fmt::Display) -> Error {
    Error::sandbox(format!("the system-call filter cannot be made: {error}"), "another architecture?")
}

fn compile(rules: Rules, otherwise: SeccompAction, then: SeccompAction) -> Result<BpfProgram, Error> {
    let architecture = std::env::consts::ARCH.try_into().map_err(broken)?;
    let filter = SeccompFilter::new(rules, otherwise, then, architecture).map_err(broken)?;
    BpfProgram::try_from(filter).map_err(broken)
}

/// The filters of a whole jail, in the order in which they are installed.
pub(super) fn of_jail(namespaces: bool) -> Result<Vec<BpfProgram>, Error> {
    let mut rules: Rules = PLAIN.iter().chain(LEGACY).map(|call| (*call, Vec::new())).collect();
    rules.insert(libc::SYS_clone, vec![when(0, SeccompCmpOp::MaskedEq(NEW_ANYTHING), 0)?]);
    rules.insert(libc::SYS_socketpair, vec![when(0, SeccompCmpOp::Eq, libc::AF_UNIX as u64)?]);
    let questions = QUESTIONS.iter().map(|q| when(1, SeccompCmpOp::Eq, *q)).collect::<Result<_, _>>()?;
    rules.insert(libc::SYS_ioctl, questions);
    if namespaces {
        rules.insert(libc::SYS_unshare, vec![when(0, SeccompCmpOp::Eq, NEW_PROCESSES)?]);
        rules.insert(libc::SYS_setns, vec![when(1, SeccompCmpOp::Eq, NEW_PROCESSES)?]);
    }
    let allowed = compile(rules, SeccompAction::Errno(EPERM), SeccompAction::Allow)?;
    // Of two filters that both refuse, the later one's error counts.
    let unknown = UNKNOWN.iter().map(|call| (*call, Vec::new())).collect();
    let unknown = compile(unknown, SeccompAction::Allow, SeccompAction::Errno(libc::ENOSYS as u32))?;
    Ok(vec![allowed, unknown])
}

/// What a sample loses beside: new processes (unless it may have some), other programs, signals to others, namespaces, and
/// the death signal that ends it with its zygote.
pub(super) fn of_sample(processes: bool, signals: bool) -> Result<BpfProgram, Error> {
    let mut rules: Rules = [libc::SYS_unshare, libc::SYS_setns].map(|call| (call, Vec::new())).into();
    rules.insert(libc::SYS_prctl, vec![when(0, SeccompCmpOp::Eq, libc::PR_SET_PDEATHSIG as u64)?]);
    if !processes {
        rules.insert(libc::SYS_clone, vec![when(0, SeccompCmpOp::MaskedEq(CLONE_THREAD), 0)?]);
        rules.insert(libc::SYS_execve, Vec::new());
        rules.insert(libc::SYS_execveat, Vec::new());
        #[cfg(target_arch = "x86_64")]
        for call in [libc::SYS_fork, libc::SYS_vfork] {
            rules.insert(call, Vec::new());
        }
    }
    if !signals {
        for call in [libc::SYS_kill, libc::SYS_tkill, libc::SYS_tgkill, libc::SYS_pidfd_send_signal] {
            rules.insert(call, Vec::new());
        }
    }
    compile(rules, SeccompAction::Allow, SeccompAction::Errno(EPERM))
}

/// A filter as the bytes that the kernel reads.
pub(super) fn bytes(program: &BpfProgram) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(program.len() * 8);
    for step in program {
        bytes.extend(step.code.to_ne_bytes());
        bytes.extend([step.jt, step.jf]);
        bytes.extend(step.k.to_ne_bytes());
    }
    bytes
}
