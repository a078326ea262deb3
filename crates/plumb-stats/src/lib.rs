//! plumb-stats
