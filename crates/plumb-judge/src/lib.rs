//! plumb-judge
