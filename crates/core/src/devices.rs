//! Which devices the containers of a pod got ([`Devices`]).

use std::ops::{Deref, DerefMut};

use smallvec::SmallVec;

use crate::gpu::DeviceSet;

/// The devices each container got, in the pod's order of containers. A MIG instance made on demand is
/// its device and the slice it starts at; a partition that is counted has no device.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Devices {
    sets: SmallVec<[DeviceSet; 2]>,
    /// Where each container's MIG instance starts; none if there is no such instance.
    starts: Option<Box<[u8]>>,
}

impl Devices {
    /// No container.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The devices of each container.
    #[must_use]
    pub fn from_slice(sets: &[DeviceSet]) -> Self {
        sets.iter().copied().collect()
    }

    /// The first memory slice of the MIG instance of `container`; 0 for one that has none.
    #[must_use]
    pub fn start(&self, container: usize) -> u8 {
        let starts = self.starts.as_deref().unwrap_or_default();
        starts.get(container).copied().unwrap_or(0)
    }

    /// Says where the MIG instance of `container` starts.
    pub fn set_start(&mut self, container: usize, start: u8) {
        let none = || vec![0; self.sets.len()].into();
        if let Some(slot) = self.starts.get_or_insert_with(none).get_mut(container) {
            *slot = start;
        }
    }
}

impl Deref for Devices {
    type Target = [DeviceSet];

    fn deref(&self) -> &[DeviceSet] {
        &self.sets
    }
}

impl DerefMut for Devices {
    fn deref_mut(&mut self) -> &mut [DeviceSet] {
        &mut self.sets
    }
}

impl FromIterator<DeviceSet> for Devices {
    fn from_iter<I: IntoIterator<Item = DeviceSet>>(sets: I) -> Self {
        Self {
            sets: sets.into_iter().collect(),
            starts: None,
        }
    }
}

impl<'a> IntoIterator for &'a Devices {
    type Item = &'a DeviceSet;
    type IntoIter = std::slice::Iter<'a, DeviceSet>;

    fn into_iter(self) -> Self::IntoIter {
        self.sets.iter()
    }
}
