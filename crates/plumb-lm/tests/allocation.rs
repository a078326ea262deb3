//! The GGUF reader's memory is in proportion to the file, whatever the counts in it claim. A program of its own, because
//! it counts all allocations.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use plumb_lm::Model;
use plumb_lm::gguf::{Builder, Gguf};

struct Counting;

static HELD: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call is passed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        MOST.fetch_max(HELD.fetch_add(layout.size(), Relaxed) + layout.size(), Relaxed);
        // SAFETY: the caller's obligations are the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Relaxed);
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The most memory held at once during `work`, beyond what was held before.
fn peak<T>(work: impl FnOnce() -> T) -> usize {
    let before = HELD.load(Relaxed);
    MOST.store(before, Relaxed);
    drop(work());
    MOST.load(Relaxed) - before
}

/// An entry of a table takes more memory than its shortest form in the file, but by no more than this.
const FACTOR: usize = 12;
/// For an error's message and the first sizes of tables.
const CONSTANT: usize = 4096;

#[test]
fn counts_do_not_make_the_reader_allocate() {
    let file = Builder::new()
        .string("general.architecture", "llama")
        .strings("tokenizer.ggml.tokens", &["a", "b"])
        .i32s("tokenizer.ggml.token_type", &[1, 2])
        .tensor_f32("one", &[2, 2], &[1.0; 4])
        .finish();
    let bound = FACTOR * file.len() + CONSTANT;
    let mut worst = 0;
    // A large number at every place of the file: some of these are counts, lengths or shapes.
    for at in 4..file.len() - 8 {
        for large in [u64::MAX, 1 << 48, 1 << 32, 1 << 24, (file.len() - at) as u64 / 4] {
            let mut damaged = file.clone();
            damaged[at..at + 8].copy_from_slice(&large.to_le_bytes());
            worst = worst.max(peak(|| Gguf::parse(&damaged)));
            worst = worst.max(peak(|| Model::from_bytes(&damaged)));
        }
    }
    assert!(worst <= bound, "{worst} bytes for a file of {}", file.len());
    // A sound file of nothing but short entries.
    let many =
        (0..20_000_u32).fold(Builder::new(), |file, key| file.boolean(&format!("{key:x}"), true)).finish();
    let most = peak(|| Gguf::parse(&many).map(drop));
    assert!(most <= FACTOR * many.len() + CONSTANT, "{most} bytes for a file of {}", many.len());
}
