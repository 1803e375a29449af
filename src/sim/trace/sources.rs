//! Which files a trace was read from, so that their digests can be kept beside the results.

use std::path::{Path, PathBuf};

use super::Trace;
use super::openb::NodeFile;

/// The files in `dir`, by their names there, from which the openb loader read `trace`.
#[must_use]
pub fn of_openb(dir: &Path, nodes: NodeFile, trace: &Trace) -> Vec<PathBuf> {
    let mut files = vec![nodes.path(Path::new(""))];
    for list in &trace.lists {
        let name = &list.name;
        files.push(format!("openb_pod_list_{name}.csv").into());
        // As the loader does: the gpuspec lists arrive like the default one.
        let base = if name.starts_with("gpuspec") {
            "default"
        } else {
            name
        };
        let kinds = ["arrivals", "node_rank"];
        let orders = kinds.map(|kind| PathBuf::from(format!("arrivals/{kind}_{base}.csv")));
        let read = nodes == NodeFile::Gpu && dir.join(&orders[0]).exists();
        files.extend(orders.into_iter().filter(|_| read));
    }
    files.sort();
    files.dedup();
    files
}

/// The files of an openb trace that is replayed: its nodes unless others are given, and one list.
#[must_use]
pub fn of_openb_in_time(nodes: Option<NodeFile>, list: &str) -> Vec<PathBuf> {
    let nodes = nodes.map(|nodes| nodes.path(Path::new("")));
    let list = format!("openb_pod_list_{list}.csv").into();
    nodes.into_iter().chain([list]).collect()
}

/// The files of a trace of our own form in `dir`, with its nodes if `own`.
#[must_use]
pub fn of_csv(dir: &Path, own: bool) -> Vec<PathBuf> {
    let names = [
        (own, "nodes.csv"),
        (true, "pods.csv"),
        (dir.join("events.csv").exists(), "events.csv"),
    ];
    let read = names.into_iter().filter(|(read, _)| *read);
    read.map(|(_, name)| name.into()).collect()
}

/// The file called `name` in `dir`, or its compressed form if there is only that: the one that loaders
/// read.
#[must_use]
pub fn one_of(dir: &Path, name: &str) -> Vec<PathBuf> {
    let packed = format!("{name}.gz");
    match dir.join(&packed).exists() && !dir.join(name).exists() {
        true => vec![packed.into()],
        false => vec![name.into()],
    }
}
