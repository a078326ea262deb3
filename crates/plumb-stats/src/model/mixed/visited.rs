//! What was computed at each set of parameters, so that nothing is computed twice: the search ends with the very points that
//! degrees of freedom need.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::criterion::{Problem, State};

/// A problem with the states that it was asked for.
pub(super) struct Visited<'a> {
    pub problem: &'a Problem,
    /// By the bits of the parameters; nothing where the factor does not exist.
    states: Mutex<HashMap<Vec<u64>, Option<Arc<State>>>>,
}

impl<'a> Visited<'a> {
    pub fn new(problem: &'a Problem) -> Self {
        Self { problem, states: Mutex::default() }
    }

    /// As [`Problem::evaluate`].
    pub fn state(&self, theta: &[f64]) -> Option<Arc<State>> {
        let key: Vec<u64> = theta.iter().map(|t| t.to_bits()).collect();
        let known = |states: &Mutex<HashMap<Vec<u64>, Option<Arc<State>>>>| {
            states.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned()
        };
        if let Some(state) = known(&self.states) {
            return state;
        }
        let state = self.problem.evaluate(theta).map(Arc::new);
        self.states.lock().unwrap_or_else(PoisonError::into_inner).insert(key, state.clone());
        state
    }
}
