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
