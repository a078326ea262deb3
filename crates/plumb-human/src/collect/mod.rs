//! A study collected: its frozen plan, everything that people do, and the rows that come of it.
//!
//! Why apart from `protocol`: that says what one person meets, this holds all people of a study together, who compete for
//! places, and turns what happens into events of a journal and back. [`freeze`] and [`thaw`] go between a study and a plan;
//! [`Collection`] is what a server drives and a restart rebuilds ([`Collection::restore`]); [`Takings`] reads what was
//! collected. Nothing here reads a clock, the network or the machine's randomness. Not here: pages and storage.

mod describe;
mod freeze;
mod identity;
mod record;
mod state;
mod takings;

pub use freeze::{SECTION, freeze, thaw};
pub use identity::Identity;
pub use record::{Paged, Record};
pub use state::{Collection, Newcomer, Progress};
pub use takings::{Answer, ItemAnswers, Taker, Takings};
