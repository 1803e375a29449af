//! Our own form of a trace: three CSV files in a folder, integers only, times in milliseconds from any
//! origin. Every other trace can be converted into it.
//!
//! `nodes.csv`: `name`, `cpu_milli` (thousandths of a core), `mem_mib`, `gpu_count` (0 to 64), `gpu_model`
//! (empty without a GPU), and perhaps `gpu_mem_mib` (of each; else by model). `pods.csv`: `name`,
//! `submit_ms`, `duration_ms` (empty: never ends), `cpu_milli`, `mem_mib`, `gpu_count`, `gpu_milli` (of each
//! GPU: 1000 is whole, 0 none), and perhaps `job` (pods of one job are a gang and agree in times,
//! priority and tenant; empty: the pod alone), `gpu_mem_mib` (of each GPU of which a part is asked; else
//! in proportion to `gpu_milli`), `gpu_models` (joined by `|`; empty is any), `priority` (higher first; 0),
//! `tenant`. `events.csv`, if there: `time_ms`, `kind` (`node_down`, `node_up`, `node_add`), `node`; a node
//! with `node_add` is not there before.

mod read;
mod write;

pub use read::{load, load_pods};
pub use write::{events, nodes, pods};
