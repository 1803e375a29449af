//! What can be wrong in an object, in one sentence each.
//!
//! Sentences about pods end up in events, where kube-scheduler compares them between attempts: they
//! depend on the object alone. Values are quoted and cut short, because anybody may write them.

use std::borrow::Cow;

use stowage_core::request::RequestError;
use stowage_core::rules::TooMany;
use thiserror::Error;

use super::annotation::{NVIDIA_CDI, PLACEMENT};

/// Characters of a wrong value that a sentence repeats.
const MAX_QUOTE: usize = 64;

/// A field that says something else than expected.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{field}: expected {expected}, got {got}")]
pub struct Wrong {
    field: String,
    expected: Cow<'static, str>,
    got: String,
}

impl Wrong {
    /// `field` has `value`.
    pub(super) fn value(
        field: impl Into<String>,
        expected: impl Into<Cow<'static, str>>,
        value: &str,
    ) -> Self {
        Self::said(field, expected, quoted(value))
    }

    /// `field` is not there.
    pub(super) fn missing(
        field: impl Into<String>,
        expected: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self::said(field, expected, "nothing".to_owned())
    }

    /// `field` has more than is looked at.
    pub(super) fn too_many(field: impl Into<String>, many: &TooMany) -> Self {
        let expected = format!("at most {} {}", many.most, many.what);
        Self::said(field, expected, many.got.to_string())
    }

    /// `field` has something that is best said in words.
    pub(super) fn said(
        field: impl Into<String>,
        expected: impl Into<Cow<'static, str>>,
        got: String,
    ) -> Self {
        Self {
            field: field.into(),
            expected: expected.into(),
            got,
        }
    }
}

/// `value` in quotation marks, escaped, cut where it is long.
pub(super) fn quoted(value: &str) -> String {
    match value.char_indices().nth(MAX_QUOTE) {
        None => format!("{value:?}"),
        Some((end, _)) => format!("{:?}...", &value[..end]),
    }
}

/// Why no node can serve what a pod asks for.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Unsupported {
    /// It contradicts itself, or a value is out of range.
    #[error(transparent)]
    Wrong(#[from] Wrong),
    /// It makes sense, and Stowage does not know how yet.
    #[error("{0} is not supported yet")]
    NotYet(String),
    /// The core refuses it.
    #[error(transparent)]
    Request(#[from] RequestError),
}

/// A Pod that cannot be used at all.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PodError {
    /// It is not the JSON of a Pod.
    #[error("pod: {0}")]
    Json(String),
    /// A field that identifies it is wrong.
    #[error("pod {pod}: {wrong}")]
    Wrong {
        /// Namespace and name, as far as they are there.
        pod: String,
        /// What.
        wrong: Wrong,
    },
}

/// A Node that cannot be used: nothing is placed on it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NodeError {
    /// It is not the JSON of a Node.
    #[error("node: {0}")]
    Json(String),
    /// A field is wrong.
    #[error("node {node}: {wrong}")]
    Wrong {
        /// Its name.
        node: String,
        /// What.
        wrong: Wrong,
    },
    /// Its GPUs are offered in a way that Stowage does not know yet; it is left to others.
    #[error("node {node}: {what} is not supported yet")]
    NotYet {
        /// Its name.
        node: String,
        /// What.
        what: String,
    },
}

/// A placement that cannot be read, or not be written.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AnnotationError {
    /// It is not JSON, or not of this shape.
    #[error("{PLACEMENT}: {0}")]
    Json(String),
    /// Another program wrote it, newer than this one.
    #[error("{PLACEMENT}: version {0}: expected 1")]
    Version(u32),
    /// A MIG instance without a known profile, or without a start.
    #[error("{PLACEMENT}: container {}: mig {}: expected a profile such as 1g.10gb with a start", quoted(.container), quoted(.got))]
    Mig {
        /// The container.
        container: String,
        /// What is there.
        got: String,
    },
    /// A device plugin chose, on a node where it no longer does.
    #[error("{PLACEMENT}: predicted: expected devices that the node's hand-over gave")]
    Predicted,
    /// A container of the pod is not in it.
    #[error("{PLACEMENT}: container {}: expected its devices, got nothing", quoted(.0))]
    Missing(String),
    /// Too many or too few devices, or one of them twice.
    #[error("{PLACEMENT}: container {}: expected {expected} devices, got {got}", quoted(.container))]
    Count {
        /// The container.
        container: String,
        /// How many it asks for.
        expected: usize,
        /// How many different ones are there.
        got: usize,
    },
    /// No such device.
    #[error("{PLACEMENT}: container {}: index {index}: expected 0 to {most}", quoted(.container))]
    Index {
        /// The container.
        container: String,
        /// What is there.
        index: u32,
        /// The largest index there is.
        most: usize,
    },
    /// No such device.
    #[error("{PLACEMENT}: container {}: gpu {}: expected one of the node's", quoted(.container), quoted(.gpu))]
    Uuid {
        /// The container.
        container: String,
        /// What is there.
        gpu: String,
    },
    /// The annotation's name would be longer than Kubernetes allows.
    #[error("{NVIDIA_CDI}{0}: expected a container's name of at most 53 characters")]
    LongName(String),
}
