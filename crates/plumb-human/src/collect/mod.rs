//! A study collected: its frozen plan, everything that people do, and the rows that come of it.
//!
//! Why apart from `protocol`: that says what one person meets, this holds all people of a study together, who compete for
//! places, and turns what happens into events of a journal and back. [`freeze`] and [`thaw`] go between a study and a plan, [`may_amend`] says how the plan may change while people come;
//! [`Collection`] is what a server drives and a restart rebuilds ([`Collection::restore`]); [`Takings`] reads what was
//! collected; [`Request`] is what whoever looks after a study asks for while it runs, [`reconcile`] and [`Study::pay`](crate::Study::pay)
//! are about a recruiting platform and what people get. Nothing here reads a clock, the network or the machine's randomness. Not here: pages and storage.

mod amend;
mod describe;
mod freeze;
mod identity;
mod pay;
mod platform;
mod progress;
mod record;
mod request;
mod state;
mod takings;

pub use amend::{is_as_frozen, may_amend};
pub use freeze::{SECTION, freeze, freeze_after, thaw, thaw_amended};
pub use identity::{Identity, left_mark};
pub use pay::Pay;
pub use platform::{Reconciled, Status, Submissions, reconcile};
pub use progress::{ArmProgress, Progress};
pub use record::{Paged, Record};
pub use request::Request;
pub use state::{Collection, Known, Newcomer};
pub use takings::{Answer, ItemAnswers, Taker, Takings};
