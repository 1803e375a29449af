//! Which GPU models a pod accepts.

use std::sync::Arc;

use crate::gpu::Model;

/// The GPU models a pod accepts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Models {
    /// Any model.
    Any,
    /// One of these, in the order written.
    OneOf(Arc<[Model]>),
}

impl Models {
    /// Whether a device of `model` is acceptable.
    #[must_use]
    pub fn accept(&self, model: &Model) -> bool {
        match self {
            Self::Any => true,
            Self::OneOf(list) => list.contains(model),
        }
    }
}
