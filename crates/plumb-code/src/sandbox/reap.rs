//! The first process of a command's jail: starts the command, waits, hands back files.
//!
//! A command should not be the first process of its namespace itself, since signals to that one are ignored. Unsafe, under
//! the rules at the head of [`super::launch`].

use super::launch::{Fd, Waiting};
use std::ffi::CString;

/// Returns in the command's process. The other one waits for it, writes its wait status and the files kept to the report, and
/// ends.
///
/// # Safety
/// As [`super::entry::Entry::run`].
pub(super) unsafe fn split(waiting: &Waiting) -> Result<(), ()> {
    use rustix::fd::AsRawFd;
    // SAFETY: a fork by the raw call, in a process with one thread; system calls on memory that lives here.
    unsafe {
        let child = libc::syscall(libc::SYS_clone, libc::SIGCHLD, 0, 0, 0, 0) as i32;
        if child < 0 {
            return Err(());
        }
        if child == 0 {
            return Ok(());
        }
        // This process is a copy of the supervisor and must hold nothing open of it, above all no end of a pipe on whose
        // closing somebody waits.
        let report = waiting.report.as_raw_fd();
        libc::syscall(libc::SYS_close_range, 0, report - 1, 0);
        libc::syscall(libc::SYS_close_range, report + 1, u32::MAX, 0);
        let mut status = 0;
        loop {
            let ended = libc::wait4(-1, &mut status, 0, std::ptr::null_mut());
            if ended == child || (ended < 0 && *libc::__errno_location() == libc::ECHILD) {
                break;
            }
        }
        // What the command left running must not change the files while they are read.
        libc::kill(-1, libc::SIGKILL);
        write_all(report, &status.to_ne_bytes());
        for name in &waiting.keep {
            hand_back(report, name);
        }
        libc::_exit(0)
    }
}

/// A length (all ones where there is no such plain file) and the bytes.
unsafe fn hand_back(report: Fd, name: &CString) {
    // SAFETY: `stat` is plain integers; all pointers are to memory that lives here, with its length.
    unsafe {
        let file =
            libc::open(name.as_ptr(), libc::O_RDONLY | libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_CLOEXEC);
        let mut facts: libc::stat = std::mem::zeroed();
        if file < 0 || libc::fstat(file, &mut facts) < 0 || facts.st_mode & libc::S_IFMT != libc::S_IFREG {
            write_all(report, &u64::MAX.to_ne_bytes());
            return;
        }
        let mut left = facts.st_size.max(0) as u64;
        write_all(report, &left.to_ne_bytes());
        let mut held = [0u8; 1 << 14];
        while left > 0 {
            let got = libc::read(file, held.as_mut_ptr().cast(), held.len().min(left as usize));
            if got <= 0 {
                libc::_exit(1);
            }
            write_all(report, &held[..got as usize]);
            left -= got as u64;
        }
        libc::close(file);
    }
}

unsafe fn write_all(fd: Fd, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        // SAFETY: the pointer and the length are of one slice.
        let wrote = unsafe { libc::write(fd, bytes.as_ptr().cast(), bytes.len()) };
        if wrote <= 0 {
            // SAFETY: ends the process.
            unsafe { libc::_exit(1) }
        }
        bytes = &bytes[wrote as usize..];
    }
}
