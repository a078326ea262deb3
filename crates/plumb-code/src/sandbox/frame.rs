//! Messages to and from the processes of a worker: 4 bytes of length, little end first, then the body; one descriptor may
//! come along.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketFlags, SocketType, sendmsg,
    socketpair,
};
use std::io::IoSlice;
use std::mem::MaybeUninit;
use std::time::{Duration, Instant};

/// The other end is gone, or too slow.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Lost {
    Closed,
    Late,
}

/// Two connected sockets.
pub(super) fn pair() -> Result<(OwnedFd, OwnedFd), Errno> {
    socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)
}

/// Sends one message.
pub(super) fn send(to: &OwnedFd, body: &[u8], with: Option<BorrowedFd<'_>>) -> Result<(), Lost> {
    let mut data = Vec::with_capacity(body.len() + 4);
    data.extend((body.len() as u32).to_le_bytes());
    data.extend(body);
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut extra = SendAncillaryBuffer::new(&mut space);
    let fds: Vec<BorrowedFd<'_>> = with.into_iter().collect();
    if !fds.is_empty() {
        extra.push(SendAncillaryMessage::ScmRights(&fds));
    }
    let mut sent = 0;
    while sent < data.len() {
        match sendmsg(to, &[IoSlice::new(&data[sent..])], &mut extra, SendFlags::NOSIGNAL) {
            Ok(count) => {
                sent += count;
                extra.clear();
            }
            Err(Errno::INTR) => {}
            Err(_) => return Err(Lost::Closed),
        }
    }
    Ok(())
}

/// Sends one byte, no message.
pub(super) fn nudge(to: &OwnedFd) -> Result<(), Lost> {
    rustix::net::send(to, b"K", SendFlags::NOSIGNAL).map(|_| ()).map_err(|_| Lost::Closed)
}

/// Receives one message of at most `most` bytes.
pub(super) fn receive(from: &OwnedFd, most: usize, until: Instant) -> Result<Vec<u8>, Lost> {
    let mut head = [0; 4];
    fill(from, &mut head, until)?;
    let size = u32::from_le_bytes(head) as usize;
    if size > most {
        return Err(Lost::Closed);
    }
    let mut body = vec![0; size];
    fill(from, &mut body, until)?;
    Ok(body)
}

fn fill(from: &OwnedFd, mut into: &mut [u8], until: Instant) -> Result<(), Lost> {
    while !into.is_empty() {
        if !readable(from.as_fd(), until) {
            return Err(Lost::Late);
        }
        match rustix::io::read(from, &mut *into) {
            Ok(0) => return Err(Lost::Closed),
            Ok(count) => into = &mut into[count..],
            Err(Errno::INTR) => {}
            Err(_) => return Err(Lost::Closed),
        }
    }
    Ok(())
}

/// Waits until there is something to read (or an end); false when it took too long.
pub(super) fn readable(fd: BorrowedFd<'_>, until: Instant) -> bool {
    loop {
        let left = until.saturating_duration_since(Instant::now());
        let mut fds = [PollFd::new(&fd, PollFlags::IN)];
        match poll(&mut fds, Some(&timespec(left))) {
            Ok(0) => return false,
            Err(Errno::INTR) => {}
            _ => return true,
        }
    }
}

fn timespec(d: Duration) -> Timespec {
    Timespec { tv_sec: d.as_secs().min(1 << 30) as i64, tv_nsec: i64::from(d.subsec_nanos()) }
}
