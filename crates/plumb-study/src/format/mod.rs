//! What is stored, apart from the domain types: the canonical bytes of a plan.
//!
//! A stored type never changes its meaning; a change makes a new version beside it, and newer programs
//! read older ones. The tables of a journal are in [`crate::journal`]; this module holds the bodies.

mod ballot;
mod header;
mod items;
pub(crate) mod reply;
mod strategy;

use crate::error::{Error, Result};
use crate::id::{Digest, PlanId};
use crate::observe::Body;
use crate::plan::Plan;

/// Version of the plan's stored form.
pub const PLAN_FORMAT: u32 = 1;

/// The canonical bytes of a plan: a header that holds the digest of the items, and the items.
#[derive(Clone, Debug)]
pub struct Canonical {
    /// Everything but the items, as JSON.
    pub header: Body,
    /// One item a line, as JSON.
    pub items: Body,
}

/// The canonical bytes of `plan`. Its digest is the header's.
pub fn canonical(plan: &Plan) -> Canonical {
    let items = Body::new(items::encode(&plan.items));
    let header = Body::new(header::encode(plan, items.digest));
    Canonical { header, items }
}

/// Sets the digest of a root plan.
pub(crate) fn seal(plan: &mut Plan) {
    // The header of a root plan names no root; see `header::encode`.
    plan.root = PlanId(Digest([0; 32]));
    let digest = canonical(plan).header.digest;
    plan.digest = digest;
    plan.root = PlanId(digest);
}

/// Sets the digest of an amended plan, whose root stays.
pub(crate) fn reseal(plan: &mut Plan) {
    // A header names its root unless it is the root itself, and this one is not any more.
    plan.digest = Digest([0; 32]);
    plan.digest = canonical(plan).header.digest;
}

/// Reads a plan back.
pub fn decode(header: &str, items: &str) -> Result<Plan> {
    let mut plan = header::decode(header)?;
    plan.items = items::decode(items)?;
    plan.digest = Digest::of(header.as_bytes());
    if plan.root.0 == Digest([0; 32]) {
        plan.root = PlanId(plan.digest);
    }
    Ok(plan)
}

/// Digest of the items that a header names.
pub fn items_digest(header: &str) -> Result<Digest> {
    header::items_digest(header)
}

fn broken(what: &str, error: impl std::fmt::Display) -> Error {
    Error::journal(format!("the stored {what} cannot be read: {error}"))
}
