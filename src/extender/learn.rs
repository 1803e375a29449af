//! Learning which pods to expect from the pods that come by.
//!
//! It advances by pods counted, not by time, so that the same pods give the same expectation, and can
//! be made again after a restart from the pods that are bound. Old pods fade: at 100,000 pods all
//! counts are halved.
//!
//! MIG instances are counted beside. What follows from them takes milliseconds to compute, so that the
//! learner only says when it is due ([`Learner::changed_demand`]); `foresight.rs` computes it.

use std::collections::{BTreeMap, BTreeSet};

use stowage_core::mig::{Demand, MigProfile};
use stowage_core::request::PodRequest;
use stowage_core::strategy::fgd::Outlook;
use stowage_core::units::PodUid;
use stowage_core::workload::{Class, Workload, instances};

/// Pods between two expectations, once there are many. While there are few it is renewed whenever
/// their number has doubled.
const STEP: u64 = 1_000;
/// Pods at which all counts are halved.
const FADE: u64 = 100_000;
/// Most classes kept; a caller could send pods of endlessly many shapes.
const MAX_CLASSES: usize = 4_096;

/// Counts pods.
#[derive(Debug)]
pub struct Learner {
    counts: BTreeMap<Class, u64>,
    /// Pods counted since the last fading, each once however often it comes by.
    seen: BTreeSet<PodUid>,
    counted: u64,
    next: u64,
    percent: u32,
    instances: BTreeMap<MigProfile, u64>,
    counted_instances: u64,
    next_instances: u64,
}

impl Learner {
    /// Nothing seen; looks at the classes that cover `percent` of the pods.
    #[must_use]
    pub fn new(percent: u32) -> Self {
        Self {
            counts: BTreeMap::new(),
            seen: BTreeSet::new(),
            counted: 0,
            next: 1,
            percent,
            instances: BTreeMap::new(),
            counted_instances: 0,
            next_instances: 1,
        }
    }

    /// Counts `requests`, and returns a new expectation, of all but MIG instances, when it is time for
    /// one.
    pub fn count<'a>(
        &mut self,
        requests: impl IntoIterator<Item = (PodUid, &'a PodRequest)>,
    ) -> Option<Outlook> {
        for (pod, request) in requests {
            if !self.seen.insert(pod) {
                continue;
            }
            let class = Class::of(request);
            if self.counts.len() < MAX_CLASSES || self.counts.contains_key(&class) {
                *self.counts.entry(class).or_insert(0) += 1;
            }
            for profile in instances(request) {
                *self.instances.entry(profile).or_insert(0) += 1;
                self.counted_instances += 1;
            }
            self.counted += 1;
            if self.counted >= FADE {
                self.fade();
            }
        }
        if self.counted < self.next {
            return None;
        }
        self.next = after(self.counted);
        let counts = self
            .counts
            .iter()
            .map(|(class, count)| (class.clone(), *count));
        let workload = Workload::of(counts).covering(self.percent);
        Some(Outlook::new(&workload))
    }

    /// The MIG instances to expect, if it is time for a new expectation.
    pub fn changed_demand(&mut self) -> Option<Demand> {
        if self.counted_instances < self.next_instances {
            return None;
        }
        self.next_instances = after(self.counted_instances);
        Some(Demand::on_all_boards(&self.instances))
    }

    fn fade(&mut self) {
        self.seen.clear();
        self.counts.values_mut().for_each(|count| *count /= 2);
        self.counts.retain(|_, count| *count > 0);
        self.counted = self.counts.values().sum();
        self.next = self.counted;
        self.instances.values_mut().for_each(|count| *count /= 2);
        self.instances.retain(|_, count| *count > 0);
        self.counted_instances = self.instances.values().sum();
        self.next_instances = self.counted_instances.max(1);
    }
}

/// At how many counts an expectation made at `counted` is renewed.
fn after(counted: u64) -> u64 {
    counted + counted.clamp(1, STEP)
}
