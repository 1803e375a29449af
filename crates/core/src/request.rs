//! What one pod asks for, container by container, and what it got.
//!
//! Values are checked when they are made: a [`PodRequest`] cannot ask for no device of a kind, for
//! more than a whole device as a share, or for an empty list of models. Where a pod's cores and
//! memory come from (init containers, overhead) is the business of whoever reads pods.

mod models;

use std::num::NonZeroU8;

use smallvec::SmallVec;
use thiserror::Error;

pub use crate::devices::Devices;
use crate::gpu::{Gpu, GpuMode, MAX_DEVICES, Vendor};
use crate::partition::Partition;
use crate::topology::Wish;
use crate::units::{Mebibytes, Milli};
pub use models::Models;

/// Most containers one pod may have. Kubernetes sets no limit; a pod beyond this one is refused.
pub const MAX_CONTAINERS: usize = 64;

/// What a pod asks of a node.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PodRequest {
    // First what tells requests apart soonest: they are compared with each other a lot.
    cores: Milli,
    memory: Mebibytes,
    containers: SmallVec<[ContainerRequest; 1]>,
    models: Models,
    vendor: Option<Vendor>,
    least_memory: Mebibytes,
    wish: Option<Wish>,
}

/// What one container asks of the node's GPUs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ContainerRequest {
    /// No GPU.
    None,
    /// `count` devices for itself alone.
    Whole {
        /// How many.
        count: NonZeroU8,
    },
    /// The same share of each of `count` different devices, beside other pods.
    Share {
        /// On how many devices.
        count: NonZeroU8,
        /// Of each device.
        share: Share,
    },
    /// One partition of a device. Whoever asks for several is so many containers.
    Partition(Partition),
}

/// A part of one device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Share {
    /// Compute, 0 to 1000.
    pub compute: Milli,
    /// Memory.
    pub memory: ShareMemory,
}

/// How a share states its memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ShareMemory {
    /// So much on any device.
    Mebibytes(Mebibytes),
    /// So many thousandths of the device's memory, rounded down to whole MiB.
    Milli(Milli),
}

/// Why a request makes no sense on any node.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RequestError {
    /// More containers than [`MAX_CONTAINERS`].
    #[error("{0} containers: expected at most {MAX_CONTAINERS}")]
    Containers(usize),
    /// More devices than any node may have.
    #[error("{0} devices in one container: expected at most {MAX_DEVICES}")]
    Devices(u8),
    /// A share beyond one device.
    #[error("a share of {0} thousandths of a device: expected at most 1000")]
    Share(Milli),
    /// A share of nothing.
    #[error("a share of neither compute nor memory: expected at least one of them")]
    Nothing,
    /// A list of models without a model.
    #[error("an empty list of GPU models: expected at least one")]
    Models,
}

impl PodRequest {
    /// A request of `containers` with `cores` and host `memory` for the whole pod.
    ///
    /// # Errors
    /// When a container asks for something that no device could ever give, see [`RequestError`].
    pub fn new(
        containers: &[ContainerRequest],
        cores: Milli,
        memory: Mebibytes,
        models: Models,
    ) -> Result<Self, RequestError> {
        if containers.len() > MAX_CONTAINERS {
            return Err(RequestError::Containers(containers.len()));
        }
        containers.iter().try_for_each(ContainerRequest::check)?;
        if matches!(&models, Models::OneOf(list) if list.is_empty()) {
            return Err(RequestError::Models);
        }
        Ok(Self {
            containers: containers.into(),
            cores,
            memory,
            models,
            vendor: None,
            least_memory: Mebibytes(0),
            wish: None,
        })
    }

    /// The same request for devices of `vendor` alone.
    #[must_use]
    pub fn of_vendor(self, vendor: Vendor) -> Self {
        Self {
            vendor: Some(vendor),
            ..self
        }
    }

    /// The same request for devices with at least so much memory.
    #[must_use]
    pub fn with_least_memory(self, least_memory: Mebibytes) -> Self {
        Self {
            least_memory,
            ..self
        }
    }

    /// The same request for devices joined as wished.
    #[must_use]
    pub fn wishing(self, wish: Wish) -> Self {
        Self {
            wish: Some(wish),
            ..self
        }
    }

    /// The least memory of an acceptable device.
    #[must_use]
    pub fn least_memory(&self) -> Mebibytes {
        self.least_memory
    }

    /// How the devices of a container must or should be joined.
    #[must_use]
    pub fn wish(&self) -> Option<Wish> {
        self.wish
    }

    /// Each container's request, in the pod's order.
    #[must_use]
    pub fn containers(&self) -> &[ContainerRequest] {
        &self.containers
    }

    /// CPU cores, thousandths.
    #[must_use]
    pub fn cores(&self) -> Milli {
        self.cores
    }

    /// Host memory.
    #[must_use]
    pub fn memory(&self) -> Mebibytes {
        self.memory
    }

    /// Acceptable GPU models.
    #[must_use]
    pub fn models(&self) -> &Models {
        &self.models
    }

    /// Whether devices of `vendor` may serve it, whatever their model.
    #[must_use]
    pub fn is_for(&self, vendor: Vendor) -> bool {
        self.vendor.is_none_or(|only| only == vendor)
    }

    /// Whether a device of this make, model and size is acceptable.
    #[must_use]
    pub fn accepts(&self, gpu: &Gpu) -> bool {
        self.is_for(gpu.vendor) && self.models.accept(&gpu.model) && gpu.memory >= self.least_memory
    }

    /// Whether parts of `device` may serve the pod; where it is not known, only if any device may.
    #[must_use]
    pub fn accepts_parts_of(&self, device: Option<&Gpu>) -> bool {
        match device {
            Some(gpu) => self.accepts(gpu),
            None => self.models == Models::Any && self.least_memory == Mebibytes(0),
        }
    }

    /// The same request with another amount of host memory.
    #[must_use]
    pub fn with_memory(&self, memory: Mebibytes) -> Self {
        Self {
            memory,
            ..self.clone()
        }
    }

    /// The same request with other cores and host memory: what a resize in place makes of it.
    #[must_use]
    pub fn resized(&self, cores: Milli, memory: Mebibytes) -> Self {
        Self {
            cores,
            ..self.with_memory(memory)
        }
    }

    /// The same request with other amounts: what a change of the pod would make of it.
    ///
    /// # Errors
    /// As [`PodRequest::new`].
    pub fn changed(
        &self,
        containers: &[ContainerRequest],
        cores: Milli,
        models: Models,
    ) -> Result<Self, RequestError> {
        let changed = Self::new(containers, cores, self.memory, models)?;
        Ok(Self {
            vendor: self.vendor,
            least_memory: self.least_memory,
            wish: self.wish,
            ..changed
        })
    }

    /// Whether any container asks for a GPU.
    #[must_use]
    pub fn wants_gpu(&self) -> bool {
        self.containers.iter().any(|c| *c != ContainerRequest::None)
    }

    /// GPU compute asked for in all, thousandths of a device.
    #[must_use]
    pub fn gpu_milli(&self) -> u64 {
        self.containers
            .iter()
            .map(|c| c.count() as u64 * u64::from(c.compute().0))
            .sum()
    }

    /// The size class of the pod, as GPU clustering counts them.
    #[must_use]
    pub fn kind(&self) -> Kind {
        let whole = self.containers.iter().fold(0u16, |n, c| match c {
            ContainerRequest::Whole { count } => n + u16::from(count.get()),
            _ => n,
        });
        match (whole, self.wants_gpu()) {
            (0, false) => Kind::NoGpu,
            (0, true) => Kind::Part,
            (n, _) => Kind::Whole(n),
        }
    }
}

/// The size class of a pod: how many whole GPUs, or only a part of some.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Asks for no GPU.
    NoGpu,
    /// Asks for shares only.
    Part,
    /// Asks for so many whole devices.
    Whole(u16),
}

impl ContainerRequest {
    /// On how many devices.
    #[must_use]
    pub fn count(&self) -> usize {
        match self {
            Self::None => 0,
            Self::Partition(_) => 1,
            Self::Whole { count } | Self::Share { count, .. } => usize::from(count.get()),
        }
    }

    /// Compute asked of each device, whatever the device.
    #[must_use]
    pub fn compute(&self) -> Milli {
        match self {
            Self::None => Milli(0),
            Self::Whole { .. } => Milli::WHOLE,
            Self::Share { share, .. } => share.compute,
            Self::Partition(partition) => partition.nominal(),
        }
    }

    /// Compute and memory that this container would hold on `gpu`; none if `gpu` is not given out in
    /// such parts.
    ///
    /// A replica is an equal part of both, rounded down. Time-slicing keeps no such promise; it is
    /// counted so that there are as many as replicas.
    #[must_use]
    #[inline]
    pub fn takes(&self, gpu: &Gpu) -> Option<(Milli, Mebibytes)> {
        if gpu.mode == GpuMode::Plain {
            return match self {
                Self::None => Some((Milli(0), Mebibytes(0))),
                Self::Whole { .. } => Some((Milli::WHOLE, gpu.memory)),
                Self::Share { share, .. } => Some((share.compute, share.memory.on(gpu))),
                Self::Partition(_) => None,
            };
        }
        self.takes_part(gpu)
    }

    /// [`ContainerRequest::takes`] of a device that is given out in replicas or instances.
    fn takes_part(&self, gpu: &Gpu) -> Option<(Milli, Mebibytes)> {
        match (self, gpu.mode) {
            (Self::None, _) => Some((Milli(0), Mebibytes(0))),
            (Self::Whole { .. }, GpuMode::Replicas(count, _)) => {
                let count = u32::from(count.get());
                Some((Milli(1000 / count), Mebibytes(gpu.memory.0 / count)))
            }
            (Self::Partition(Partition::Mig(profile)), GpuMode::Mig(cut)) => {
                let shape = cut.0.shape(*profile)?;
                let part = |all: u32, of: u8, parts: u8| {
                    let part = u64::from(all) * u64::from(of) / u64::from(parts.max(1));
                    u32::try_from(part).unwrap_or(all).min(all)
                };
                let compute = part(1000, profile.compute(), cut.0.compute());
                let memory = part(gpu.memory.0, shape.size, cut.0.slices());
                Some((Milli(compute), Mebibytes(memory)))
            }
            _ => None,
        }
    }

    /// Memory this container would hold on `gpu`.
    #[must_use]
    pub fn memory_on(&self, gpu: &Gpu) -> Mebibytes {
        self.takes(gpu).map_or(Mebibytes(0), |(_, memory)| memory)
    }

    fn check(&self) -> Result<(), RequestError> {
        if self.count() > MAX_DEVICES {
            return Err(RequestError::Devices(
                u8::try_from(self.count()).unwrap_or(u8::MAX),
            ));
        }
        let Self::Share { share, .. } = self else {
            return Ok(());
        };
        let memory = match share.memory {
            ShareMemory::Milli(milli) if milli > Milli::WHOLE => {
                return Err(RequestError::Share(milli));
            }
            ShareMemory::Milli(Milli(n)) | ShareMemory::Mebibytes(Mebibytes(n)) => n,
        };
        match share.compute {
            milli if milli > Milli::WHOLE => Err(RequestError::Share(milli)),
            Milli(0) if memory == 0 => Err(RequestError::Nothing),
            _ => Ok(()),
        }
    }
}

impl ShareMemory {
    /// In MiB on `gpu`.
    #[must_use]
    #[inline]
    pub fn on(self, gpu: &Gpu) -> Mebibytes {
        match self {
            Self::Mebibytes(amount) => amount,
            Self::Milli(milli) => {
                let part = u64::from(gpu.memory.0) * u64::from(milli.0) / 1000;
                Mebibytes(u32::try_from(part).unwrap_or(u32::MAX))
            }
        }
    }
}
