//! How the bytes of a reply leave: at once, in a trickle, or not at all.
//!
//! The body owns the request's [`Ticket`], so a request is in flight until its last byte is handed
//! over or its connection is gone, and "answered" means that the last byte was handed over.

use std::convert::Infallible;
use std::future::Future as _;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::{Instant, Sleep};

use crate::tally::Ticket;

/// Bytes a piece in a trickled reply.
const PIECE: usize = 16;

pub(crate) struct Reply {
    left: Bytes,
    pace: Pace,
    /// Present for replies to a model's requests; told when the last byte goes if the reply is good.
    ticket: Option<Ticket>,
    good: bool,
}

enum Pace {
    AtOnce,
    Trickle {
        every: Duration,
        timer: Pin<Box<Sleep>>,
    },
    /// Sends this many bytes, then holds the rest back for ever.
    StallAfter(usize),
}

impl Reply {
    pub(crate) fn plain(bytes: Bytes) -> Reply {
        Reply { left: bytes, pace: Pace::AtOnce, ticket: None, good: false }
    }

    pub(crate) fn at_once(bytes: Bytes, ticket: Ticket, good: bool) -> Reply {
        Reply { left: bytes, pace: Pace::AtOnce, ticket: Some(ticket), good }
    }

    pub(crate) fn trickle(bytes: Bytes, ticket: Ticket, every: Duration) -> Reply {
        let timer = Box::pin(tokio::time::sleep(every));
        Reply { left: bytes, pace: Pace::Trickle { every, timer }, ticket: Some(ticket), good: true }
    }

    pub(crate) fn stall_after(sent: usize, bytes: Bytes, ticket: Ticket) -> Reply {
        Reply { left: bytes, pace: Pace::StallAfter(sent), ticket: Some(ticket), good: false }
    }
}

impl Body for Reply {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let this = self.get_mut();
        if this.left.is_empty() {
            return Poll::Ready(None);
        }
        let size = match &mut this.pace {
            Pace::AtOnce => this.left.len(),
            Pace::Trickle { every, timer } => {
                ready!(timer.as_mut().poll(cx));
                timer.as_mut().reset(Instant::now() + *every);
                PIECE.min(this.left.len())
            }
            // Nobody wakes us: only the client, by going away, ends this.
            Pace::StallAfter(0) => return Poll::Pending,
            Pace::StallAfter(sent) => std::mem::take(sent).min(this.left.len()),
        };
        let piece = this.left.split_to(size);
        if this.left.is_empty() {
            let ticket = this.ticket.take();
            if let (Some(ticket), true) = (ticket, this.good) {
                ticket.answered();
            }
        }
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.left.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left.len() as u64)
    }
}
