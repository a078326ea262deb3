//! A study over real HTTP: participants who click twice, go back, come from two windows, vanish, and forge.

mod abuse;
mod fields;
mod flow;
mod known;
mod many;
mod preview;
mod words;
mod world;
