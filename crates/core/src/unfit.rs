//! Why a node cannot take a pod.
//!
//! An [`Unfit`] is an answer, not an error. Its sentence ends up in the pod's events, where
//! kube-scheduler groups nodes by it and retries at once when it changes: so it is constant text,
//! without a name or a number in it.

use std::fmt;

/// A reason to refuse a node, in the order in which they are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unfit {
    /// As many pods as the node may run are there.
    Pods,
    /// Too few CPU cores are left.
    Cores,
    /// Too little host memory is left.
    Memory,
    /// The node has no GPU.
    NoGpu,
    /// Its GPUs are not well.
    Unhealthy,
    /// The node has no hand-over for shares.
    NoHandOver,
    /// No device is of an acceptable model and size.
    Model,
    /// No partition of the kind is left, nor room to make one.
    Partition,
    /// Too few devices are idle.
    WholeDevices,
    /// Too few devices have so large a share left.
    Share,
    /// The idle devices are not joined as the pod demands.
    Topology,
    /// Each container would fit alone, all of them together do not.
    Together,
    /// Deciding whether the containers fit together would take too long.
    Intricate,
}

impl Unfit {
    /// All of them, in order.
    pub const ALL: [Self; 13] = [
        Self::Pods,
        Self::Cores,
        Self::Memory,
        Self::NoGpu,
        Self::Unhealthy,
        Self::NoHandOver,
        Self::Model,
        Self::Partition,
        Self::WholeDevices,
        Self::Share,
        Self::Topology,
        Self::Together,
        Self::Intricate,
    ];
}

impl Unfit {
    /// The sentence that ends up in the pod's events.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Pods => "too many pods on the node",
            Self::Cores => "too few CPU cores left",
            Self::Memory => "too little host memory left",
            Self::NoGpu => "the node offers no GPU (devices behind DRA are not counted)",
            Self::Unhealthy => "the node's GPUs are not healthy",
            Self::NoHandOver => "the node has no hand-over for GPU shares",
            Self::Model => "no GPU of an acceptable model",
            Self::Partition => "no such GPU partition left",
            Self::Topology => "the idle GPUs are not joined as demanded",
            Self::WholeDevices => "too few idle GPUs",
            Self::Share => "no GPU with so large a share left",
            Self::Together => "the containers' GPU requests do not fit together",
            Self::Intricate => "the containers' GPU requests are too intricate to combine",
        }
    }
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.sentence())
    }
}
