//! plumb-local
