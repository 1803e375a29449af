//! FGD, fragmentation gradient descent: the node and device where the placement makes least GPU
//! compute useless to the pods one expects.
//!
//! Expected pods: classes m with popularity p_m, the most frequent that cover 95 % of the workload.
//! Fragmentation F of a node with C free cores and free compute r_g on device g, R = sum r_g:
//! F = sum_m p_m F(m), where F(m) = R if m asks for no GPU, does not accept the model, or does not
//! fit (cores or devices); else the sum of those r_g that are smaller than m's share.
//! Score: trunc(100 / (1 + exp(-(F_before - F_after)/1000))). For a share every device is tried;
//! the best integer score wins, the lowest index on a tie.
//!
//! Beyond the published formula: where some class states its share's memory in MiB, r_g is the smaller
//! of free compute and free memory, each in thousandths of the device, and a device is large enough
//! for that class only if it has the MiB too. Devices that are given out in replicas or MIG instances
//! are left out.
//!
//! The truncation makes the order of floating-point sums visible, so it is the published one: one
//! sum per cause in class order (lacks both, lacks GPU, lacks cores, no GPU asked and fits, no GPU
//! asked and does not, model not acceptable), the causes added in that order; p_m = (count/total) /
//! (covered/total).
//! Source: Weng et al., "Beware of Fragmentation", USENIX ATC '23, and its simulator.

use std::sync::Arc;

use crate::gpu::{DeviceFree, Gpu, GpuMode, Model};
use crate::mig::{self, Prospects};
use crate::node::NodeState;
use crate::request::Models;
use crate::workload::Workload;

use super::View;

pub(super) fn score(view: &View<'_>) -> i64 {
    let after = view.context.outlook().fragmentation_of(
        &view.state.node().gpus,
        view.before().mixed,
        view.after.cores,
        &view.after.devices,
    );
    squash(view.standing.fragmentation - after)
}

/// 0 to 100 for a change of fragmentation in thousandths of a device; 50 for none.
fn squash(relief: f64) -> i64 {
    (100.0 / (1.0 + libm::exp(-relief / 1000.0))) as i64
}

/// The expected pods, prepared for [`Outlook::fragmentation`].
#[derive(Debug, Clone, Default)]
pub struct Outlook {
    /// Distinct (share, devices) of the classes.
    demands: Vec<Demand>,
    classes: Vec<Expected>,
    /// Models that some class names; the row of a node's model in `access`.
    models: Vec<Model>,
    /// Per row, whether each class accepts the model. Row 0 is any model that nobody names.
    access: Vec<Vec<bool>>,
    /// Whether some class states memory in MiB.
    memory: bool,
    /// What boards that are cut on demand are worth.
    prospects: Arc<Prospects>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Demand {
    share: u32,
    devices: u32,
    memory: u32,
}

#[derive(Debug, Clone, Copy)]
struct Expected {
    popularity: f64,
    cores: u32,
    /// Index into `demands`, or none for a class without GPU.
    demand: Option<u32>,
}

/// Why compute is useless to a class, in the order in which the sums are added.
#[derive(Clone, Copy)]
enum Cause {
    LacksBoth,
    LacksGpu,
    LacksCores,
    NoGpuFits,
    NoGpuLacksCores,
    NoAccess,
}

const CAUSES: usize = 6;

impl Outlook {
    /// Prepares the classes of `workload`, usually already cut to the frequent ones with
    /// [`Workload::covering`].
    #[must_use]
    pub fn new(workload: &Workload) -> Self {
        let total = workload.total() as f64;
        let covered: u64 = workload.classes().iter().map(|(_, count)| count).sum();
        let covered = covered as f64 / total;
        let instances = mig::Demand::on_all_boards(workload.instances());
        let mut outlook = Self {
            prospects: Arc::new(Prospects::new(instances)),
            ..Self::default()
        };
        for (class, count) in workload.classes() {
            let demand = Demand {
                share: class.share.0,
                devices: class.devices,
                memory: class.memory.0,
            };
            outlook.memory |= demand.memory > 0;
            outlook.classes.push(Expected {
                popularity: *count as f64 / total / covered,
                cores: class.cores.0,
                demand: (class.devices > 0).then(|| outlook_index(&mut outlook.demands, demand)),
            });
            if let Models::OneOf(list) = &class.models {
                outlook.models.extend(list.iter().cloned());
            }
        }
        outlook.models.sort();
        outlook.models.dedup();
        let row = |model: Option<&Model>| {
            let accepts = |models: &Models| match model {
                Some(model) => models.accept(model),
                None => *models == Models::Any,
            };
            let classes = workload.classes().iter();
            classes.map(|(class, _)| accepts(&class.models)).collect()
        };
        outlook.access = std::iter::once(None)
            .chain(outlook.models.iter().map(Some))
            .map(row)
            .collect();
        outlook
    }

    /// The same with other expectations of MIG instances.
    #[must_use]
    pub fn with_prospects(self, prospects: Arc<Prospects>) -> Self {
        Self { prospects, ..self }
    }

    /// What boards that are cut on demand are worth.
    #[must_use]
    pub fn prospects(&self) -> &Arc<Prospects> {
        &self.prospects
    }

    /// Compute of `state`'s free devices that is useless to the expected pods, in thousandths of a
    /// device: between 0 and all that is free.
    #[must_use]
    pub fn fragmentation(&self, state: &NodeState) -> f64 {
        let free = state.free();
        let gpus = &state.node().gpus;
        self.fragmentation_of(gpus, free.mixed, free.room.cores.0, &free.devices)
    }

    fn fragmentation_of(
        &self,
        gpus: &[Gpu],
        mixed: bool,
        cores: u32,
        devices: &[DeviceFree],
    ) -> f64 {
        // On the stack for all but the oddest nodes: this is what most of a run's time goes into.
        let (mut few, mut many) = ([0_u32; 16], Vec::new());
        let free = match devices.len() {
            count @ 0..=16 => &mut few[..count],
            count => {
                many.resize(count, 0);
                &mut many[..]
            }
        };
        for (slot, device) in free.iter_mut().zip(devices) {
            *slot = device.compute.0;
        }
        if mixed {
            let cells = free.iter_mut().zip(gpus);
            let parts = cells.filter(|(_, gpu)| gpu.mode != GpuMode::Plain);
            parts.for_each(|(slot, _)| *slot = 0);
        }
        if self.memory {
            for ((slot, device), gpu) in free.iter_mut().zip(devices).zip(gpus) {
                let milli = u64::from(device.memory.0) * 1000 / u64::from(gpu.memory.0.max(1));
                *slot = (*slot).min(u32::try_from(milli).unwrap_or(u32::MAX));
            }
        }
        let all = f64::from(free.iter().sum::<u32>());
        let Some(access) = self.access.get(self.row(gpus)) else {
            return 0.0;
        };
        let mut small: smallvec::SmallVec<[Option<f64>; 32]> = smallvec::SmallVec::new();
        small.extend(
            self.demands
                .iter()
                .map(|demand| too_small(free, devices, *demand)),
        );
        let mut sums = [0.0; CAUSES];
        for (class, &access) in self.classes.iter().zip(access) {
            let has_cores = cores >= class.cores;
            let (cause, amount) = match class.demand {
                None if has_cores => (Cause::NoGpuFits, all),
                None => (Cause::NoGpuLacksCores, all),
                Some(_) if !access => (Cause::NoAccess, all),
                Some(demand) => match (small[demand as usize], has_cores) {
                    (Some(small), true) => (Cause::LacksGpu, small),
                    (Some(_), false) => (Cause::LacksCores, all),
                    (None, true) => (Cause::LacksGpu, all),
                    (None, false) => (Cause::LacksBoth, all),
                },
            };
            sums[cause as usize] += class.popularity * amount;
        }
        sums.iter().sum()
    }

    /// The row of a node's model. The first device speaks for the node: boards of one node are of
    /// one model in every cluster we know of, and this is a preference, not the rule of what fits.
    fn row(&self, gpus: &[Gpu]) -> usize {
        if self.models.is_empty() {
            return 0;
        }
        gpus.first()
            .and_then(|gpu| self.models.binary_search(&gpu.model).ok())
            .map_or(0, |found| found + 1)
    }
}

/// The sum of free compute on devices too small for `demand`, or none if too few are large enough.
fn too_small(free: &[u32], devices: &[DeviceFree], demand: Demand) -> Option<f64> {
    let (mut large, mut small) = (0, 0);
    for (&left, device) in free.iter().zip(devices) {
        if left < demand.share || device.memory.0 < demand.memory {
            small += left;
        } else {
            large += 1;
        }
    }
    (large >= demand.devices).then(|| f64::from(small))
}

fn outlook_index(demands: &mut Vec<Demand>, demand: Demand) -> u32 {
    let found = demands.iter().position(|d| *d == demand);
    let index = found.unwrap_or_else(|| {
        demands.push(demand);
        demands.len() - 1
    });
    index as u32
}
