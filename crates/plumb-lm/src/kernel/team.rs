//! Threads that stay awake for one forward pass.
//!
//! A pass is some two hundred short loops, one after the other. Each would wake sleeping threads and let them
//! sleep again; instead [`assemble`] takes helpers from the current rayon pool once, and they watch for work until the pass is over.
//! Whoever calls [`for_each`] on the thread that assembled the team, directly or within a product, is helped; all others
//! get rayon's ordinary loop. Which thread does which part changes no result.
//!
//! Helpers that the pool cannot spare are not waited for: the leader takes what nobody else does. A helper never waits for
//! anything but its own team, and a leader never becomes a helper, so that passes of several models cannot wait for each
//! other. Within a pass every loop must be one of these: rayon's own, on a thread that is not of its pool, would wait for workers
//! who help another pass, whose leader may wait for workers that help this one.

use std::cell::{Cell, UnsafeCell};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use rayon::prelude::*;

/// How often a thread looks for work before it offers its processor to others, each time it looks again.
const LOOKS: u32 = 2_000;

thread_local! {
    /// The team that this thread leads.
    static LED: Cell<Option<NonNull<State>>> = const { Cell::new(None) };
}

/// A loop that a team works on: some parts, done by one function.
#[derive(Clone, Copy)]
struct Work {
    compute: NonNull<dyn Fn(usize) + Sync>,
    parts: u32,
}

struct State {
    /// Number of the loop, in the upper half, and parts of it that nobody has taken.
    open: AtomicU64,
    /// Parts that are not done.
    undone: AtomicUsize,
    /// Written by the leader while `undone` is 0, read by whoever has taken a part.
    work: UnsafeCell<Option<Work>>,
    /// The pass is over.
    over: AtomicBool,
    /// A part panicked.
    failed: AtomicBool,
}

// SAFETY: `work` is the only field that is not safe to share. The leader writes it while no part is taken or open, and
// others read it after they have taken a part, which `open` hands over with acquire and release. What it points to is `Sync`.
unsafe impl Sync for State {}

impl State {
    /// Takes a part of the current loop: its number, and the loop, which cannot end before the part is done.
    fn take(&self) -> Option<(usize, Work)> {
        let mut seen = self.open.load(Ordering::Acquire);
        loop {
            let left = seen as u32;
            if left == 0 {
                return None;
            }
            match self.open.compare_exchange_weak(seen, seen - 1, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => {
                    // SAFETY: the part that was just taken is of the loop whose number stood in `open`; until it is done the
                    // leader waits and writes nothing here.
                    let work = unsafe { *self.work.get() }?;
                    return Some(((work.parts - left) as usize, work));
                }
                Err(now) => seen = now,
            }
        }
    }

    /// Does a part that was taken.
    fn compute(&self, (part, work): (usize, Work)) {
        let _done = Done(self);
        // SAFETY: the leader keeps the function alive until all parts that were taken are done.
        let compute = unsafe { work.compute.as_ref() };
        compute(part);
    }

    fn help(&self) {
        // A leader that waits within rayon may be handed this; it would wait for itself.
        if LED.get().is_some() {
            return;
        }
        let mut looks = 0;
        loop {
            if let Some(taken) = self.take() {
                self.compute(taken);
                looks = 0;
            } else if self.over.load(Ordering::Acquire) {
                return;
            } else {
                idle(&mut looks);
            }
        }
    }

    /// The leader's side of a loop.
    fn lead(&self, parts: u32, compute: &(dyn Fn(usize) + Sync)) {
        assert_eq!(self.undone.load(Ordering::Acquire), 0, "a loop within a loop of the same team");
        // SAFETY: only the lifetime changes. `Drain` below keeps this function from ending, by a panic too, before
        // nobody holds the pointer any more.
        let compute = NonNull::from(unsafe {
            std::mem::transmute::<&(dyn Fn(usize) + Sync), &'static (dyn Fn(usize) + Sync)>(compute)
        });
        // SAFETY: no part of an earlier loop is open or taken, so nobody reads this.
        unsafe { *self.work.get() = Some(Work { compute, parts }) };
        self.undone.store(parts as usize, Ordering::Relaxed);
        let number = (self.open.load(Ordering::Relaxed) >> 32).wrapping_add(1);
        self.open.store((number << 32) | u64::from(parts), Ordering::Release);
        let drain = Drain(self);
        while let Some(taken) = self.take() {
            self.compute(taken);
        }
        drop(drain);
        assert!(!self.failed.load(Ordering::Relaxed), "a thread of the team panicked");
    }
}

/// Counts a part as done, or as failed if it unwinds.
struct Done<'a>(&'a State);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.failed.store(true, Ordering::Relaxed);
        }
        self.0.undone.fetch_sub(1, Ordering::Release);
    }
}

/// Takes what parts are left without doing them, which are some only while unwinding, and waits for those that others do.
struct Drain<'a>(&'a State);

impl Drop for Drain<'_> {
    fn drop(&mut self) {
        while self.0.take().is_some() {
            drop(Done(self.0));
        }
        let mut looks = 0;
        while self.0.undone.load(Ordering::Acquire) > 0 {
            idle(&mut looks);
        }
    }
}

fn idle(looks: &mut u32) {
    *looks += 1;
    if *looks < LOOKS {
        std::hint::spin_loop();
    } else {
        std::thread::yield_now();
    }
}

/// Ends the pass, by a panic too.
struct Over<'a>(&'a State);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        LED.set(None);
        self.0.over.store(true, Ordering::Release);
    }
}

/// Calls `pass` on this thread, with the other threads of the current rayon pool ready to help.
pub(crate) fn assemble<R>(pass: impl FnOnce() -> R) -> R {
    let helpers = rayon::current_num_threads() - 1;
    if helpers == 0 || LED.get().is_some() {
        return pass();
    }
    let state = State {
        open: AtomicU64::new(0),
        undone: AtomicUsize::new(0),
        work: UnsafeCell::new(None),
        over: AtomicBool::new(false),
        failed: AtomicBool::new(false),
    };
    rayon::in_place_scope(|scope| {
        let state = &state;
        for _ in 0..helpers {
            scope.spawn(|_| state.help());
        }
        LED.set(Some(NonNull::from(state)));
        let _over = Over(state);
        pass()
    })
}

/// Calls `compute` with `0 .. parts`, each once, on the threads of the team or pool, and returns when all are done.
pub(crate) fn for_each(parts: usize, compute: impl Fn(usize) + Sync) {
    match LED.get() {
        _ if parts <= 1 => (0..parts).for_each(compute),
        // SAFETY: set by `assemble` on this thread, whose frame holds the state and is left only after it is unset.
        Some(state) => unsafe { state.as_ref() }.lead(parts as u32, &compute),
        None => (0..parts).into_par_iter().with_max_len(1).for_each(&compute),
    }
}

/// Calls `compute` with every chunk of `size` elements (the last may be shorter) and its number, as [`for_each`].
pub(crate) fn chunks<T: Send>(all: &mut [T], size: usize, compute: impl Fn(usize, &mut [T]) + Sync) {
    struct Base<T>(*mut T);
    // SAFETY: each part of the loop makes a slice of its own chunk from it, and no other.
    unsafe impl<T: Send> Sync for Base<T> {}
    impl<T> Base<T> {
        fn at(&self, first: usize) -> *mut T {
            self.0.wrapping_add(first)
        }
    }
    let (len, base) = (all.len(), Base(all.as_mut_ptr()));
    for_each(len.div_ceil(size), |number| {
        let first = number * size;
        // SAFETY: chunks do not overlap, lie within `all`, which is borrowed until the loop ends, and each is made once.
        let chunk = unsafe { std::slice::from_raw_parts_mut(base.at(first), size.min(len - first)) };
        compute(number, chunk);
    });
}

/// What `compute` makes of each, in order, as [`for_each`].
pub(crate) fn map<T: Sync, R: Send>(all: &[T], compute: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let mut made: Vec<Option<R>> = all.iter().map(|_| None).collect();
    chunks(&mut made, 1, |number, made| made[0] = Some(compute(&all[number])));
    made.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool(threads: usize) -> rayon::ThreadPool {
        rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap()
    }

    #[test]
    fn every_part_is_done_once_however_many_help() {
        for threads in [1, 2, 5] {
            pool(threads).install(|| {
                let sums = assemble(|| {
                    let sum = |count: usize| {
                        let mut all = vec![0_usize; count];
                        chunks(&mut all, 3, |number, chunk| chunk.iter_mut().for_each(|n| *n += number + 1));
                        map(&all, |n| 2 * n).into_iter().sum::<usize>()
                    };
                    (0..2_000).map(|i| sum(i % 40)).collect::<Vec<_>>()
                });
                for (i, sum) in sums.into_iter().enumerate() {
                    assert_eq!(sum, (0..i % 40).map(|n| 2 * (n / 3 + 1)).sum::<usize>());
                }
            });
        }
    }

    #[test]
    fn passes_within_passes_and_beside_others_end() {
        pool(2).install(|| {
            let pass = || {
                assemble(|| {
                    let inner = || assemble(|| map(&[1, 2, 3], |n| n + 1));
                    // Rayon's own loops in between may hand this thread what waits for others.
                    let own: usize = (0..64_usize).into_par_iter().sum();
                    (inner(), own)
                })
            };
            let all: Vec<_> = (0..200).into_par_iter().map(|_| pass()).collect();
            assert!(all.iter().all(|found| *found == (vec![2, 3, 4], 2016)));
        });
    }

    #[test]
    fn weights_are_laid_out_within_passes_that_hold_every_worker() {
        use crate::kernel::Packed;
        use std::time::Duration;
        let (send, done) = std::sync::mpsc::channel();
        // More leaders than workers, none of them of the pool.
        for _ in 0..8 {
            let send = send.clone();
            std::thread::spawn(move || {
                for _ in 0..50 {
                    assemble(|| {
                        Packed::codes(200, 32, 32, true, |row, codes| codes.quants.fill(row as i8));
                        Packed::f16(200, 32, |_, out| out.fill(half::f16::ONE));
                    });
                }
                send.send(()).unwrap();
            });
        }
        for _ in 0..8 {
            done.recv_timeout(Duration::from_secs(120)).expect("no pass waits for another");
        }
    }

    #[test]
    fn a_panic_ends_the_pass_and_nothing_else() {
        let pool = pool(3);
        for at in [0, 7] {
            let fails = || assemble(|| for_each(8, |part| assert_ne!(part, at, "as it should")));
            let failed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| pool.install(fails)));
            assert!(failed.is_err());
        }
        assert_eq!(pool.install(|| assemble(|| map(&[1, 2], |n| n * n))), [1, 4]);
    }
}
