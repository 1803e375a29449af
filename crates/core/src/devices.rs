//! Which devices the containers of a pod got ([`Devices`]).

use std::ops::{Deref, DerefMut};

use smallvec::SmallVec;

use crate::gpu::DeviceSet;

/// The devices each container got, in the pod's order of containers. A MIG instance made on demand is
/// its device and the slice it starts at; a partition that is counted has no device; of a device that is
/// given out in replicas one container may get several.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Devices {
    sets: SmallVec<[DeviceSet; 2]>,
    rare: Option<Box<Rare>>,
}

/// What few pods have.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Rare {
    /// Where each container's MIG instance starts; empty if there is no such instance.
    starts: Vec<u8>,
    /// Replicas beyond the first of a device: its container and itself, once each.
    again: Vec<(u8, u8)>,
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
        let rare = self.rare.as_ref();
        rare.and_then(|rare| rare.starts.get(container).copied())
            .unwrap_or(0)
    }

    /// Says where the MIG instance of `container` starts.
    pub fn set_start(&mut self, container: usize, start: u8) {
        let starts = &mut self.rare.get_or_insert_default().starts;
        starts.resize(self.sets.len(), 0);
        if let Some(slot) = starts.get_mut(container) {
            *slot = start;
        }
    }

    /// How many units `container` got: devices, each as often as [`Devices::times`] says.
    #[must_use]
    pub fn units(&self, container: usize) -> usize {
        let devices = self.sets.get(container).map_or(0, |set| set.len());
        devices + self.again(container).count()
    }

    /// How many units of `device` `container` got: more than one of replicas alone.
    #[must_use]
    pub fn times(&self, container: usize, device: usize) -> usize {
        let set = self.sets.get(container);
        let first = set.is_some_and(|set| set.contains(device));
        let again = self.again(container).filter(|&other| other == device);
        usize::from(first) + again.count()
    }

    /// The same for the devices of `container` in ascending order.
    pub fn each(&self, container: usize) -> impl Iterator<Item = (usize, usize)> {
        let set = self.sets.get(container).copied().unwrap_or_default();
        set.iter()
            .map(move |device| (device, self.times(container, device)))
    }

    /// Whether some container got several units of one device.
    #[must_use]
    pub fn repeat(&self) -> bool {
        self.rare
            .as_ref()
            .is_some_and(|rare| !rare.again.is_empty())
    }

    /// Gives `container` one unit of `device` more.
    pub fn give(&mut self, container: usize, device: usize) {
        let set = &mut self.sets[container];
        if !set.contains(device) {
            *set = set.with(device);
            return;
        }
        let again = &mut self.rare.get_or_insert_default().again;
        let entry = (container as u8, device as u8);
        again.insert(again.partition_point(|&other| other < entry), entry);
    }

    /// Takes one unit of `device` from `container`.
    pub fn take_back(&mut self, container: usize, device: usize) {
        let entry = (container as u8, device as u8);
        if let Some(rare) = &mut self.rare
            && let Some(at) = rare.again.iter().position(|&other| other == entry)
        {
            rare.again.remove(at);
            if **rare == Rare::default() {
                self.rare = None;
            }
            return;
        }
        let set = &mut self.sets[container];
        *set = set.minus(DeviceSet::EMPTY.with(device));
    }

    fn again(&self, container: usize) -> impl Iterator<Item = usize> {
        let again = self.rare.iter().flat_map(|rare| &rare.again);
        let of = again.filter(move |(of, _)| usize::from(*of) == container);
        of.map(|(_, device)| usize::from(*device))
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
            rare: None,
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
