//! Learning which pods to expect from the pods that come by.
//!
//! It advances by pods counted, not by time, so that the same pods give the same expectation, and can
//! be made again after a restart from the pods that are bound. Old pods fade: at 100,000 pods all
//! counts are halved.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use stowage_core::request::PodRequest;
use stowage_core::strategy::fgd::Outlook;
use stowage_core::units::PodUid;
use stowage_core::workload::{Class, Workload};

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
        }
    }

    /// Counts `requests`, and returns a new expectation when it is time for one.
    pub fn count<'a>(
        &mut self,
        requests: impl IntoIterator<Item = (PodUid, &'a PodRequest)>,
    ) -> Option<Arc<Outlook>> {
        for (pod, request) in requests {
            if !self.seen.insert(pod) {
                continue;
            }
            let class = Class::of(request);
            if self.counts.len() < MAX_CLASSES || self.counts.contains_key(&class) {
                *self.counts.entry(class).or_insert(0) += 1;
            }
            self.counted += 1;
            if self.counted >= FADE {
                self.fade();
            }
        }
        if self.counted < self.next {
            return None;
        }
        self.next = self.counted + self.counted.clamp(1, STEP);
        let counts = self
            .counts
            .iter()
            .map(|(class, count)| (class.clone(), *count));
        let workload = Workload::of(counts).covering(self.percent);
        Some(Arc::new(Outlook::new(&workload)))
    }

    fn fade(&mut self) {
        self.seen.clear();
        self.counts.values_mut().for_each(|count| *count /= 2);
        self.counts.retain(|_, count| *count > 0);
        self.counted = self.counts.values().sum();
        self.next = self.counted;
    }
}
