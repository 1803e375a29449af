//! Writes a trace in the canonical form; reading it back gives the same trace.

use std::fmt::Write as _;

use stowage_core::request::{ContainerRequest, Models, PodRequest, ShareMemory};

use super::super::timed::TimedTrace;

/// `nodes.csv`.
#[must_use]
pub fn nodes(trace: &TimedTrace) -> String {
    let mut text = String::from("name,cpu_milli,mem_mib,gpu_count,gpu_model,gpu_mem_mib\n");
    for node in &trace.nodes {
        let (model, memory) = match node.gpus.first() {
            Some(gpu) => (gpu.model.as_str(), gpu.memory.to_string()),
            None => ("", String::new()),
        };
        let _ = writeln!(
            text,
            "{},{},{},{},{model},{memory}",
            quoted(&node.name),
            node.room.cores,
            node.room.memory,
            node.gpus.len(),
        );
    }
    text
}

/// `pods.csv`.
#[must_use]
pub fn pods(trace: &TimedTrace) -> String {
    let mut text = String::from(
        "name,job,submit_ms,duration_ms,cpu_milli,mem_mib,gpu_count,gpu_milli,gpu_mem_mib,gpu_models,\
         priority,tenant\n",
    );
    for job in &trace.jobs {
        let gang = job.pods.len() > 1;
        for (member, pod) in job.pods.iter().enumerate() {
            // Members are read in the order of their names.
            let (name, group) = match gang {
                true => (format!("{}-{member:05}", job.name), job.name.as_ref()),
                false => (job.name.to_string(), ""),
            };
            let duration = job.duration.map_or(String::new(), |ms| ms.to_string());
            let _ = writeln!(
                text,
                "{},{},{},{duration},{},{},{},{},{}",
                quoted(&name),
                quoted(group),
                job.submit,
                pod.cores(),
                pod.memory(),
                request(pod),
                job.priority,
                quoted(&job.tenant),
            );
        }
    }
    text
}

/// GPUs, thousandths and MiB of each, models.
fn request(pod: &PodRequest) -> String {
    let models = match pod.models() {
        Models::Any => String::new(),
        Models::OneOf(list) => {
            let names: Vec<_> = list.iter().map(stowage_core::gpu::Model::as_str).collect();
            names.join("|")
        }
    };
    let container = pod.containers().first().copied();
    let container = container.unwrap_or(ContainerRequest::None);
    let memory = match container {
        ContainerRequest::Share { share, .. } => match share.memory {
            ShareMemory::Mebibytes(mib) => mib.to_string(),
            ShareMemory::Milli(_) => String::new(),
        },
        _ => String::new(),
    };
    let (count, compute) = (container.count(), container.compute());
    format!("{count},{compute},{memory},{models}")
}

/// `events.csv`, or none if nothing happens to nodes.
#[must_use]
pub fn events(trace: &TimedTrace) -> Option<String> {
    let mut text = String::from("time_ms,kind,node\n");
    for event in &trace.events {
        let _ = writeln!(
            text,
            "{},{},{}",
            event.at,
            event.kind.name(),
            quoted(&event.node)
        );
    }
    (!trace.events.is_empty()).then_some(text)
}

fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}
