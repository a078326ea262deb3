//! plumb-study
