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

use smallvec::SmallVec;

use crate::gpu::{DeviceFree, Gpu, GpuMode, Model};
use crate::mig::{self, Prospects};
use crate::node::NodeState;
use crate::request::Models;
use crate::workload::Workload;

use super::View;

pub(super) fn score(view: &View<'_>) -> i64 {
    let after = view.context.outlook().fragmentation_of(
        view.standing.row,
        view.state,
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
    /// Distinct parts of a device that some class asks for.
    sizes: Vec<Size>,
    /// Distinct (part, devices) of the classes with GPUs.
    demands: Vec<Demand>,
    /// Models that some class names; the row of a node's model in `rows`.
    models: Vec<Model>,
    /// The classes as they see a model. Row 0 is any model that nobody names.
    rows: Vec<Vec<Expected>>,
    /// Whether some class states memory in MiB.
    memory: bool,
    /// What boards that are cut on demand are worth.
    prospects: Arc<Prospects>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Size {
    share: u32,
    memory: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Demand {
    /// Index into `sizes`.
    size: usize,
    devices: u32,
}

#[derive(Debug, Clone, Copy)]
struct Expected {
    popularity: f64,
    cores: u32,
    /// Index into the losses: [`NO_GPU`], [`NO_ACCESS`], or beyond them into `demands`.
    loss: u32,
}

/// What a node's free compute is to the classes of one demand.
#[derive(Debug, Clone, Copy)]
struct Loss {
    /// How much of it is useless if the node has the cores; all is, if it has not.
    amount: f64,
    with_cores: Cause,
    without_cores: Cause,
}

/// The loss of classes that ask for no GPU.
const NO_GPU: u32 = 0;
/// The loss of classes that do not accept the model.
const NO_ACCESS: u32 = 1;
/// Losses before those of `demands`.
const FIXED: u32 = 2;

/// Why compute is useless to a class, in the order in which the sums are added.
#[derive(Debug, Clone, Copy)]
enum Cause {
    LacksBoth,
    LacksGpu,
    LacksCores,
    NoGpuFits,
    NoGpuLacksCores,
    NoAccess,
}

/// Sums, one a cause, and two that stay nothing: an index below eight needs no check.
const SUMS: usize = 8;

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
        let mut classes = Vec::new();
        for (class, count) in workload.classes() {
            let size = Size {
                share: class.share.0,
                memory: class.memory.0,
            };
            outlook.memory |= size.memory > 0;
            let loss = if class.devices > 0 {
                let size = index_of(&mut outlook.sizes, size);
                let devices = class.devices;
                FIXED + index_of(&mut outlook.demands, Demand { size, devices }) as u32
            } else {
                NO_GPU
            };
            let expected = Expected {
                popularity: *count as f64 / total / covered,
                cores: class.cores.0,
                loss,
            };
            classes.push((expected, &class.models));
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
            let seen = |&(expected, models): &(Expected, &Models)| match expected.loss {
                NO_GPU => expected,
                _ if accepts(models) => expected,
                _ => Expected {
                    loss: NO_ACCESS,
                    ..expected
                },
            };
            classes.iter().map(seen).collect()
        };
        outlook.rows = std::iter::once(None)
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
        let row = self.row(&state.node().gpus);
        self.fragmentation_of(row, state, free.room.cores.0, &free.devices)
    }

    /// The same of `state` if it had so many cores and `devices` left.
    pub(super) fn fragmentation_of(
        &self,
        row: usize,
        state: &NodeState,
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
        let gpus = &state.node().gpus;
        if state.free().mixed {
            let cells = free.iter_mut().zip(gpus.iter());
            let parts = cells.filter(|(_, gpu)| gpu.mode != GpuMode::Plain);
            parts.for_each(|(slot, _)| *slot = 0);
        }
        if self.memory {
            for ((slot, device), gpu) in free.iter_mut().zip(devices).zip(gpus.iter()) {
                let milli = u64::from(device.memory.0) * 1000 / u64::from(gpu.memory.0.max(1));
                *slot = (*slot).min(u32::try_from(milli).unwrap_or(u32::MAX));
            }
        }
        let all = f64::from(free.iter().sum::<u32>());
        let Some(classes) = self.rows.get(row) else {
            return 0.0;
        };
        let mut losses = SmallVec::new();
        self.losses(&mut losses, all, free, devices);
        let mut sums = [0.0; SUMS];
        for class in classes {
            let loss = losses[class.loss as usize];
            let (cause, amount) = match cores >= class.cores {
                true => (loss.with_cores, loss.amount),
                false => (loss.without_cores, all),
            };
            sums[cause as usize % SUMS] += class.popularity * amount;
        }
        sums.iter().sum()
    }

    /// Says what the `free` compute of `devices`, `all` of it together, is to each kind of class.
    fn losses(
        &self,
        losses: &mut SmallVec<[Loss; 24]>,
        all: f64,
        free: &[u32],
        devices: &[DeviceFree],
    ) {
        let fixed = |with_cores, without_cores| Loss {
            amount: all,
            with_cores,
            without_cores,
        };
        losses.push(fixed(Cause::NoGpuFits, Cause::NoGpuLacksCores));
        losses.push(fixed(Cause::NoAccess, Cause::NoAccess));
        let mut sizes: SmallVec<[(u32, u32); 16]> = SmallVec::new();
        let split = |&size: &Size| match self.memory {
            false => split(free, size.share),
            true => split_by_memory(free, devices, size),
        };
        sizes.extend(self.sizes.iter().map(split));
        losses.extend(self.demands.iter().map(|demand| {
            let (small, large) = sizes[demand.size];
            match large >= demand.devices {
                true => Loss {
                    amount: f64::from(small),
                    with_cores: Cause::LacksGpu,
                    without_cores: Cause::LacksCores,
                },
                false => fixed(Cause::LacksGpu, Cause::LacksBoth),
            }
        }));
    }

    /// The row of a node's model. The first device speaks for the node: boards of one node are of
    /// one model in every cluster we know of, and this is a preference, not the rule of what fits.
    pub(super) fn row(&self, gpus: &[Gpu]) -> usize {
        if self.models.is_empty() {
            return 0;
        }
        gpus.first()
            .and_then(|gpu| self.models.binary_search(&gpu.model).ok())
            .map_or(0, |found| found + 1)
    }
}

/// The sum of free compute on devices that are too small for `share`, and how many are large enough.
fn split(free: &[u32], share: u32) -> (u32, u32) {
    let (mut small, mut large) = (0, 0);
    for &left in free {
        let fits = left >= share;
        small += if fits { 0 } else { left };
        large += u32::from(fits);
    }
    (small, large)
}

/// The same where devices must have the memory too.
fn split_by_memory(free: &[u32], devices: &[DeviceFree], size: Size) -> (u32, u32) {
    let (mut small, mut large) = (0, 0);
    for (&left, device) in free.iter().zip(devices) {
        if left < size.share || device.memory.0 < size.memory {
            small += left;
        } else {
            large += 1;
        }
    }
    (small, large)
}

/// The place of `entry` in `list`, which gets it if it has not.
fn index_of<T: PartialEq>(list: &mut Vec<T>, entry: T) -> usize {
    list.iter().position(|d| *d == entry).unwrap_or_else(|| {
        list.push(entry);
        list.len() - 1
    })
}
