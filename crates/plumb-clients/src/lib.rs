//! plumb-clients
