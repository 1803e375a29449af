//! Clusters of their own: `A100-80GB:8x64,T4:4x200`, or PAI's machine table.
//!
//! The short form is `MODEL:GPUSxNODES`, joined by commas. A node has so many cores and so much host
//! memory a GPU as [`PerGpu`] says. A model whose name ends in `-NNGB` has NN GiB a device; others have
//! what openb's list of models says, or nothing, so that nothing asked in MiB ever fits there.
//!
//! *PAI 2020* (Weng et al., NSDI '22; CC BY 4.0), `pai_machine_spec.csv`: `machine`, `gpu_type`, `cap_cpu`
//! (cores), `cap_mem` (GB), `cap_gpu`; 1,897 machines, 6,742 GPUs.

use std::path::Path;
use std::sync::Arc;

use stowage_core::gpu::{Gpu, GpuMode, MAX_DEVICES, Model, Vendor};
use stowage_core::node::Room;
use stowage_core::units::{Mebibytes, Milli};

use super::gpu_jobs::PerGpu;
use super::table::Table;
use super::{TraceError, TraceNode, openb};

/// Pods a node may run: Kubernetes' own limit on large nodes is 110 to 250; no GPU trace comes near.
const PODS_PER_NODE: u32 = 250;
/// Most nodes of one cluster.
const MAX_NODES: usize = 1_000_000;

/// Reads the short form.
///
/// # Errors
/// A sentence that says what is expected.
pub fn parse(text: &str, per_gpu: PerGpu) -> Result<Vec<TraceNode>, String> {
    let mut nodes = Vec::new();
    let mut seen = std::collections::BTreeSet::new();
    for entry in text.split(',') {
        let entry = entry.trim();
        let (model, gpus, count) = part(entry).ok_or_else(|| {
            format!(
                "expected MODEL:GPUSxNODES with 1 to {MAX_DEVICES} GPUs, joined by commas, for example \
                 A100-80GB:8x64,T4:4x200, got {entry:?}"
            )
        })?;
        if !seen.insert((model, gpus)) {
            return Err(format!("expected {model}:{gpus} once, got it twice"));
        }
        if nodes.len() + count > MAX_NODES {
            return Err(format!("expected at most {MAX_NODES} nodes, got {text:?}"));
        }
        nodes.extend(alike(model, gpus, count, per_gpu));
    }
    Ok(nodes)
}

fn part(entry: &str) -> Option<(&str, usize, usize)> {
    let (model, size) = entry.rsplit_once(':')?;
    let (gpus, nodes) = size.split_once('x')?;
    let number = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        text.parse().ok().filter(|_| digits)
    };
    let (gpus, nodes): (usize, usize) = (number(gpus)?, number(nodes)?);
    let good = (1..=MAX_DEVICES).contains(&gpus) && nodes > 0 && openb::is_model(model);
    good.then_some((model, gpus, nodes))
}

fn alike(
    model: &str,
    gpus: usize,
    count: usize,
    per_gpu: PerGpu,
) -> impl Iterator<Item = TraceNode> {
    let times = |amount: u32| u32::try_from(gpus as u64 * u64::from(amount)).unwrap_or(u32::MAX);
    let room = Room {
        cores: Milli(times(per_gpu.cores.saturating_mul(1000))),
        memory: Mebibytes(times(per_gpu.memory_gib.saturating_mul(1024))),
        pods: PODS_PER_NODE,
    };
    let devices = devices(model, gpus);
    let name = model.to_ascii_lowercase();
    (0..count).map(move |number| {
        let name = format!("{name}-{gpus}-{number:04}");
        super::node(&name, room, devices.clone())
    })
}

/// `count` devices of `model`.
pub(super) fn devices(model: &str, count: usize) -> Arc<[Gpu]> {
    let gpu = Gpu {
        vendor: Vendor::Nvidia,
        model: Model::new(model),
        memory: memory_of(model),
        mode: GpuMode::Plain,
    };
    vec![gpu; count].into()
}

/// Memory of one device of `model`.
#[must_use]
pub(super) fn memory_of(model: &str) -> Mebibytes {
    let suffix = model.rsplit_once('-').map(|(_, end)| end);
    let gib = suffix.and_then(|end| end.strip_suffix("GB")?.parse::<u16>().ok());
    gib.map_or_else(
        || openb::memory_of(model),
        |gib| Mebibytes(1024 * u32::from(gib)),
    )
}

/// Reads PAI's machines in the folder `dir`.
///
/// # Errors
/// The first thing that is wrong: which line and column, what stands there, what should.
pub fn pai(dir: &Path) -> Result<Vec<TraceNode>, TraceError> {
    let columns = ["machine", "gpu_type", "cap_cpu", "cap_mem", "cap_gpu"];
    let mut table = Table::open(&dir.join("pai_machine_spec.csv"), &columns, &[])?;
    let mut nodes = Vec::new();
    let mut names = openb::Names::default();
    table.rows(|row| {
        let name = names.unique(row, "machine")?;
        let gpus = row.number("cap_gpu", MAX_DEVICES as u32)? as usize;
        let model = row.get("gpu_type").unwrap_or("");
        if gpus > 0 && !openb::is_model(model) {
            return Err(row.wrong("gpu_type", "a model of letters, digits and -_./+"));
        }
        let room = Room {
            cores: Milli(1000 * row.number("cap_cpu", 1_000_000)?),
            memory: Mebibytes(1024 * row.number("cap_mem", 1_000_000)?),
            pods: PODS_PER_NODE,
        };
        nodes.push(super::node(
            &name,
            room,
            if gpus == 0 {
                Arc::from([])
            } else {
                devices(model, gpus)
            },
        ));
        Ok(())
    })?;
    Ok(nodes)
}
