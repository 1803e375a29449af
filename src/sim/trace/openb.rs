//! The openb trace (Weng et al., ATC '23) and anybody's own data in its layout.
//!
//! A folder with `openb_node_list_gpu_node.csv` (or `..._all_node.csv`), one
//! `openb_pod_list_NAME.csv` a list, and, where published runs are to be replayed exactly,
//! `arrivals/arrivals_NAME.csv` with `arrivals/node_rank_NAME.csv`: a column `seedN` a run, row
//! numbers of the pod list in order of arrival, and the rank of each node. The `gpuspec` lists
//! arrive like `default`.
//!
//! `gpu_milli` is a share of a device, compute and memory alike. `memory_mib` is host memory.

mod times;

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU8;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use stowage_core::gpu::{Gpu, GpuMode, MAX_DEVICES, Model, Vendor};
use stowage_core::node::Room;
use stowage_core::request::{ContainerRequest, Models, PodRequest, Share, ShareMemory};
use stowage_core::units::{Mebibytes, Milli};

use super::table::{Row, Table};
use super::{PodList, Problem, Published, Trace, TraceError, TraceNode};

pub use times::load as load_timed;

/// Pods a node may run, as in the published experiments.
const PODS_PER_NODE: u32 = 1001;

/// GPU memory by model, MiB, from the source lists of the ATC '23 simulator; G1 to G3 are
/// undisclosed models, with the placeholders given there.
const GPU_MEMORY_MIB: [(&str, u32); 13] = [
    ("P4", 7611),
    ("2080", 11019),
    ("1080", 11178),
    ("M40", 11448),
    ("T4", 15109),
    ("V100M16", 16160),
    ("P100", 16280),
    ("A10", 22731),
    ("3090", 24268),
    ("V100M32", 32510),
    ("A100", 81251),
    ("G1", 10000),
    ("G2", 20000),
];
const G3_MEMORY_MIB: u32 = 30000;

/// Which nodes take part.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum NodeFile {
    /// Those with GPUs, as in the published experiments.
    #[default]
    Gpu,
    /// Also those without.
    All,
}

impl NodeFile {
    pub(super) fn path(self, dir: &Path) -> PathBuf {
        dir.join(match self {
            Self::Gpu => "openb_node_list_gpu_node.csv",
            Self::All => "openb_node_list_all_node.csv",
        })
    }
}

/// Reads the nodes and `lists` (all there are if empty) from the folder `dir`.
///
/// # Errors
/// The first thing that is wrong: which file, line and column, what stands there, what should.
pub fn load(dir: &Path, nodes: NodeFile, lists: &[String]) -> Result<Trace, TraceError> {
    let known = known_lists(dir)?;
    let names = if lists.is_empty() { &known } else { lists };
    if let Some(name) = names.iter().find(|name| !known.contains(name)) {
        return Err(TraceError::NoSuchList {
            dir: dir.to_owned(),
            name: name.clone(),
            known: known.join(", "),
        });
    }
    let gpu_nodes = read_nodes(&nodes.path(dir))?;
    let replays = nodes == NodeFile::Gpu;
    let lists = names
        .iter()
        .map(|name| read_list(dir, name, replays.then_some(gpu_nodes.len())))
        .collect::<Result<_, _>>()?;
    Ok(Trace {
        source: format!("openb:{}", dir.display()),
        nodes: gpu_nodes,
        lists,
    })
}

fn known_lists(dir: &Path) -> Result<Vec<String>, TraceError> {
    let unreadable = |error: std::io::Error| TraceError::Unreadable {
        file: dir.to_owned(),
        reason: error.to_string(),
    };
    let mut names = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(unreadable)? {
        let file = entry.map_err(unreadable)?.file_name();
        let name = file
            .to_str()
            .and_then(|f| f.strip_prefix("openb_pod_list_"));
        names.extend(name.and_then(|n| n.strip_suffix(".csv")).map(str::to_owned));
    }
    names.sort();
    if names.is_empty() {
        return Err(TraceError::Unreadable {
            file: dir.to_owned(),
            reason: "expected at least one openb_pod_list_NAME.csv in it".to_owned(),
        });
    }
    Ok(names)
}

fn read_nodes(file: &Path) -> Result<Vec<TraceNode>, TraceError> {
    let columns = ["sn", "cpu_milli", "memory_mib", "gpu", "model"];
    let mut table = Table::open(file, &columns, &[])?;
    let mut nodes = Vec::new();
    let mut names = Names::default();
    let mut devices: BTreeMap<(u32, String), Arc<[Gpu]>> = BTreeMap::new();
    table.rows(|row| {
        let name = names.unique(row, "sn")?;
        let count = row.number("gpu", MAX_DEVICES as u32)?;
        let model = row.get("model").unwrap_or("");
        if (count == 0) != model.is_empty() {
            return Err(row.wrong(
                "model",
                "a GPU model where gpu is above 0, nothing elsewhere",
            ));
        }
        if count > 0 {
            check_model(row, "model", model)?;
        }
        let gpus = devices
            .entry((count, model.to_owned()))
            .or_insert_with_key(|(count, model)| {
                let gpu = Gpu {
                    vendor: Vendor::Nvidia,
                    model: Model::new(model),
                    memory: memory_of(model),
                    mode: GpuMode::Plain,
                };
                vec![gpu; *count as usize].into()
            });
        let room = Room {
            cores: Milli(row.number("cpu_milli", i32::MAX as u32)?),
            memory: Mebibytes(row.number("memory_mib", i32::MAX as u32)?),
            pods: PODS_PER_NODE,
        };
        nodes.push(super::node(&name, room, gpus.clone()));
        Ok(())
    })?;
    if nodes.iter().all(|node| node.gpus.is_empty()) {
        let what = "expected at least one node with a GPU, got none".to_owned();
        return Err(table.at(2, Problem::Line(what)));
    }
    Ok(nodes)
}

/// Memory of a model; 0 if it is not known, so that nothing asked in MiB ever fits there.
pub(super) fn memory_of(model: &str) -> Mebibytes {
    let known = GPU_MEMORY_MIB.iter().find(|(name, _)| *name == model);
    Mebibytes(match known {
        Some((_, mib)) => *mib,
        None if model == "G3" => G3_MEMORY_MIB,
        None => 0,
    })
}

fn read_list(dir: &Path, name: &str, nodes: Option<usize>) -> Result<PodList, TraceError> {
    let file = dir.join(format!("openb_pod_list_{name}.csv"));
    let (pods, sorted) = read_pods(&file)?;
    let published = match nodes {
        Some(nodes) => read_published(dir, name, &sorted, nodes)?,
        None => BTreeMap::new(),
    };
    let pods = sorted
        .iter()
        .map(|&row| pods[row as usize].clone())
        .collect();
    Ok(PodList {
        name: name.to_owned(),
        pods,
        published,
    })
}

/// The pods by row, and the rows in name order.
fn read_pods(file: &Path) -> Result<(Vec<Arc<PodRequest>>, Vec<u32>), TraceError> {
    let required = ["name", "cpu_milli", "memory_mib", "num_gpu", "gpu_milli"];
    let optional = [
        "gpu_spec",
        "qos",
        "pod_phase",
        "creation_time",
        "deletion_time",
        "scheduled_time",
    ];
    let mut table = Table::open(file, &required, &optional)?;
    let mut pods = Vec::new();
    let mut names = Names::default();
    let mut requests: BTreeSet<Arc<PodRequest>> = BTreeSet::new();
    table.rows(|row| {
        names.unique(row, "name")?;
        let request = read_pod(row)?;
        let shared = match requests.get(&request) {
            Some(shared) => shared.clone(),
            None => {
                let shared = Arc::new(request);
                requests.insert(shared.clone());
                shared
            }
        };
        pods.push(shared);
        Ok(())
    })?;
    if pods.iter().all(|pod| !pod.wants_gpu()) {
        let what = "expected at least one pod with a GPU, got none".to_owned();
        return Err(table.at(2, Problem::Line(what)));
    }
    Ok((pods, names.sorted()))
}

fn read_pod(row: &Row<'_>) -> Result<PodRequest, TraceError> {
    let count = row.number("num_gpu", MAX_DEVICES as u32)?;
    let milli = row.number("gpu_milli", 1000)?;
    if (count == 0) != (milli == 0) {
        return Err(row.wrong(
            "gpu_milli",
            "1 to 1000 where num_gpu is above 0, 0 elsewhere",
        ));
    }
    let container = match NonZeroU8::new(count as u8) {
        None => ContainerRequest::None,
        Some(count) if milli == 1000 => ContainerRequest::Whole { count },
        Some(count) => ContainerRequest::Share {
            count,
            share: Share {
                compute: Milli(milli),
                memory: ShareMemory::Milli(Milli(milli)),
            },
        },
    };
    let cores = Milli(row.number("cpu_milli", i32::MAX as u32)?);
    let memory = Mebibytes(row.number("memory_mib", i32::MAX as u32)?);
    PodRequest::new(&[container], cores, memory, read_models(row, "gpu_spec")?)
        .map_err(|error| row.wrong("gpu_milli", &error.to_string()))
}

/// Models joined by `|` under `column`; nothing is any.
pub(super) fn read_models(row: &Row<'_>, column: &str) -> Result<Models, TraceError> {
    let text = row.get(column).unwrap_or("");
    if text.is_empty() {
        return Ok(Models::Any);
    }
    let models = text.split('|').map(|model| {
        check_model(row, column, model)?;
        Ok(Model::new(model))
    });
    Ok(Models::OneOf(models.collect::<Result<_, TraceError>>()?))
}

/// Whether a model may be called so.
pub(super) fn is_model(name: &str) -> bool {
    let known = |b: u8| b.is_ascii_alphanumeric() || b"-_./+".contains(&b);
    !name.is_empty() && name.len() <= 63 && name.bytes().all(known)
}

fn check_model(row: &Row<'_>, column: &str, model: &str) -> Result<(), TraceError> {
    if !is_model(model) {
        let expected = "models of letters, digits and -_./+ joined by |, none of them empty";
        return Err(row.wrong(column, expected));
    }
    Ok(())
}

/// Names seen so far, with their rows and lines.
#[derive(Default)]
pub(super) struct Names(BTreeMap<String, (u32, u64)>);

impl Names {
    pub(super) fn unique(&mut self, row: &Row<'_>, column: &str) -> Result<String, TraceError> {
        let name = row.get(column).unwrap_or("").to_owned();
        if name.is_empty() {
            return Err(row.wrong(column, "a name"));
        }
        let index = self.0.len() as u32;
        if let Some((_, line)) = self.0.insert(name.clone(), (index, row.line())) {
            let expected = format!("a name of its own (it is in line {line} too)");
            return Err(row.wrong(column, &expected));
        }
        Ok(name)
    }

    fn sorted(&self) -> Vec<u32> {
        self.0.values().map(|&(row, _)| row).collect()
    }
}

fn read_published(
    dir: &Path,
    list: &str,
    sorted: &[u32],
    nodes: usize,
) -> Result<BTreeMap<u64, Published>, TraceError> {
    let base = if list.starts_with("gpuspec") {
        "default"
    } else {
        list
    };
    let folder = dir.join("arrivals");
    let file = folder.join(format!("arrivals_{base}.csv"));
    if !file.exists() {
        return Ok(BTreeMap::new());
    }
    let mut place = vec![0; sorted.len()];
    for (at, &row) in sorted.iter().enumerate() {
        place[row as usize] = at as u32;
    }
    let arrivals = read_seeds(&file, sorted.len(), false)?;
    let ranks_file = folder.join(format!("node_rank_{base}.csv"));
    let mut ranks = read_seeds(&ranks_file, nodes, true)?;
    let mut published = BTreeMap::new();
    for (seed, mut rows) in arrivals {
        let wrong = |file: &Path, what: String| TraceError::At {
            file: file.to_owned(),
            line: 1,
            problem: Problem::Line(format!("column seed{seed}: expected {what}")),
        };
        if rows.is_empty() {
            return Err(wrong(&file, "at least one row number, got none".to_owned()));
        }
        for row in &mut rows {
            *row = place[*row as usize];
        }
        let ranks = ranks.remove(&seed).unwrap_or_default();
        if ranks.len() != nodes {
            let got = ranks.len();
            let what = format!("{nodes} different ranks, one a node, got {got}");
            return Err(wrong(&ranks_file, what));
        }
        let run = Published {
            arrivals: rows,
            ranks,
        };
        published.insert(seed, run);
    }
    Ok(published)
}

/// Columns `seedN` of numbers below `limit`, each once in a column if `distinct`; shorter columns
/// end empty.
fn read_seeds(
    file: &Path,
    limit: usize,
    distinct: bool,
) -> Result<BTreeMap<u64, Vec<u32>>, TraceError> {
    let mut table = Table::open_any(file)?;
    let mut seeds = Vec::new();
    for column in table.columns() {
        let number = column.strip_prefix("seed").and_then(|n| n.parse().ok());
        let seed = number.filter(|seed: &u64| *column == format!("seed{seed}"));
        let Some(seed) = seed else {
            let what = format!("header: expected columns seedN, got {column:?}");
            return Err(table.at(1, Problem::Line(what)));
        };
        seeds.push(seed);
    }
    let columns = table.columns().to_vec();
    let mut numbers = vec![Vec::new(); columns.len()];
    let mut seen = vec![BTreeSet::new(); columns.len()];
    let mut ended = vec![false; columns.len()];
    table.rows(|row| {
        for (index, column) in columns.iter().enumerate() {
            let text = row.nth(index);
            if text.is_empty() {
                ended[index] = true;
            } else if ended[index] {
                return Err(row.wrong(column, "nothing below the end of a column"));
            } else {
                let number = row.parse_number(column, text, limit as u32 - 1)?;
                if distinct && !seen[index].insert(number) {
                    return Err(row.wrong(column, "a number that is not above in this column"));
                }
                numbers[index].push(number);
            }
        }
        Ok(())
    })?;
    Ok(seeds.into_iter().zip(numbers).collect())
}
