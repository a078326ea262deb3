//! plumb-lm
