//! The built-in demo: twelve nodes of seven kinds and what runs on them, written as a cluster would say it.
//!
//! It goes through the same parser as a file, so that it shows what real objects look like to Stowage:
//! shares with placements, whole GPUs behind a device plugin that tells nobody which, a tainted pool,
//! a cordoned node, a failed GPU, cores that run out before GPUs do, boards that are cut on demand, GPUs
//! that are time-sliced.

use std::path::Path;

use serde_json::{Value, json};

use crate::k8s::snapshot::Snapshot;

/// The demo, read with rules.
#[must_use]
pub fn demo() -> Snapshot {
    let mut items = nodes();
    items.extend(bound());
    items.extend(pending());
    let list = json!({"apiVersion": "v1", "kind": "List", "items": items});
    Snapshot::parse_with_rules(&list.to_string(), Path::new("demo"))
        .expect("the demo is a list of nodes and pods")
}

/// A kind of node: GPUs, their board and memory, cores, host memory in GiB.
type Size = (usize, &'static str, u32, u32, u32);

const H100: Size = (8, "H100-80GB", 81_559, 96, 1900);
const A100: Size = (4, "A100-80GB", 81_920, 96, 880);
const L40S: Size = (2, "L40S-48GB", 46_068, 32, 256);

/// The node whose boards are cut on demand.
const MIG: &str = "mig-1";

/// The taint of the pool for training.
fn training() -> Value {
    json!([{"key": "pool", "value": "training", "effect": "NoSchedule"}])
}

/// A node that Stowage's agent serves; GPUs from `healthy` on have failed.
fn served(name: &str, size: Size, healthy: usize, spec: &Value) -> Value {
    let (gpus, board, mib, cores, gib) = size;
    let device = |index: usize| {
        json!({"index": index, "uuid": format!("GPU-{name}-{index}"), "vendor": "nvidia",
            "model": board, "memoryMib": mib, "healthy": index < healthy})
    };
    let mut devices: Vec<_> = (0..gpus).map(device).collect();
    if name == MIG {
        let cut = |device: &mut Value| device["mig"] = "on-demand".into();
        devices.iter_mut().for_each(cut);
    }
    let inventory = json!({"v": 1, "handOver": "stowage-nri", "devices": devices});
    json!({"kind": "Node", "spec": spec,
        "metadata": {"name": name, "annotations": {"stowage.dev/inventory": inventory.to_string()}},
        "status": {"allocatable": {"cpu": cores.to_string(), "memory": format!("{gib}Gi"), "pods": "110"}}})
}

/// A node whose device plugin chooses.
fn plugin(name: &str, product: &str, mib: u32, gpus: u32, cores: &str) -> Value {
    json!({"kind": "Node", "metadata": {"name": name, "labels": {
            "nvidia.com/gpu.product": product, "nvidia.com/gpu.memory": mib.to_string(),
            "nvidia.com/gpu.count": gpus.to_string()}},
        "status": {"allocatable": {"cpu": cores, "memory": "440Gi", "pods": "110",
            "nvidia.com/gpu": gpus.to_string()}}})
}

fn nodes() -> Vec<Value> {
    let open = json!({});
    let plugin = plugin("v100-1", "Tesla-V100-SXM2-16GB", 16_384, 4, "24");
    let mut sliced = self::plugin("sliced-1", "Tesla-T4-SHARED", 15_360, 2, "32");
    let labels = &mut sliced["metadata"]["labels"];
    labels["nvidia.com/gpu.replicas"] = "4".into();
    labels["nvidia.com/gpu.sharing-strategy"] = "time-slicing".into();
    sliced["status"]["allocatable"]["nvidia.com/gpu"] = "8".into();
    let cpu = json!({"kind": "Node", "metadata": {"name": "cpu-1"},
        "status": {"allocatable": {"cpu": "16", "memory": "64Gi", "pods": "110"}}});
    vec![
        served("train-1", H100, 8, &json!({"taints": training()})),
        served("train-2", H100, 8, &json!({"taints": training()})),
        served("share-1", A100, 4, &open),
        served("share-2", A100, 4, &open),
        served("share-3", A100, 4, &open),
        served("share-4", A100, 3, &open),
        served("share-5", A100, 4, &json!({"unschedulable": true})),
        served("small-1", L40S, 2, &open),
        served(MIG, (2, A100.1, A100.2, 32, 240), 2, &open),
        sliced,
        plugin,
        cpu,
    ]
}

/// What a pod of the demo asks for.
struct Ask {
    cores: u32,
    gib: u32,
    limits: Value,
    spec: Value,
}

impl Ask {
    fn pod(&self, name: &str) -> Value {
        let mut spec = json!({"containers": [{"name": "main", "resources": {
            "requests": {"cpu": self.cores.to_string(), "memory": format!("{}Gi", self.gib)},
            "limits": self.limits}}]});
        if let (Some(spec), Some(more)) = (spec.as_object_mut(), self.spec.as_object()) {
            spec.extend(more.clone());
        }
        json!({"kind": "Pod", "metadata": {"name": name, "namespace": "lab"}, "spec": spec})
    }

    /// On `devices` of a node that the agent serves, `mib` and `milli` of each.
    fn on(&self, name: &str, node: &str, devices: &[usize], mib: u32, milli: u32) -> Value {
        let entry = |index: &usize| {
            json!({"gpu": format!("GPU-{node}-{index}"), "index": index, "memoryMib": mib,
                "computeMilli": milli})
        };
        let entries: Vec<_> = devices.iter().map(entry).collect();
        let placement = json!({"v": 1, "containers": {"main": entries}});
        let mut pod = self.pod(name);
        pod["spec"]["nodeName"] = node.into();
        pod["metadata"]["annotations"] = json!({"stowage.dev/placement": placement.to_string()});
        pod
    }

    /// In an instance on a board of `mig-1`.
    fn cut(&self, name: &str, index: usize, profile: &str, start: u8) -> Value {
        let entry = json!({"gpu": format!("GPU-mig-1-{index}"), "index": index, "memoryMib": 1,
            "computeMilli": 1, "mig": profile, "start": start});
        let placement = json!({"v": 1, "containers": {"main": [entry]}});
        let mut pod = self.somewhere_on(name, MIG);
        pod["metadata"]["annotations"] = json!({"stowage.dev/placement": placement.to_string()});
        pod
    }

    /// On a node whose device plugin chose the GPUs.
    fn somewhere_on(&self, name: &str, node: &str) -> Value {
        let mut pod = self.pod(name);
        pod["spec"]["nodeName"] = node.into();
        pod
    }
}

fn whole(gpus: u32, cores: u32, gib: u32) -> Ask {
    let limits = json!({"nvidia.com/gpu": gpus.to_string()});
    Ask {
        cores,
        gib,
        limits,
        spec: json!({}),
    }
}

fn train(gpus: u32) -> Ask {
    let tolerations = json!({"tolerations": [{"key": "pool", "value": "training"}]});
    Ask {
        spec: tolerations,
        ..whole(gpus, 10 * gpus, 128 * gpus)
    }
}

/// So many percent of a GPU.
fn share(percent: u32, cores: u32) -> Ask {
    let limits = json!({"stowage.dev/gpu-compute": percent.to_string()});
    Ask {
        cores,
        gib: 24,
        limits,
        spec: json!({}),
    }
}

/// 2000 MiB of a GPU.
fn embed() -> Ask {
    let limits = json!({"stowage.dev/gpu-memory": "2000"});
    Ask {
        cores: 1,
        gib: 4,
        limits,
        spec: json!({}),
    }
}

/// A MIG instance.
fn instance(profile: &str) -> Ask {
    let limits = json!({format!("nvidia.com/mig-{profile}"): "1"});
    Ask {
        cores: 2,
        gib: 16,
        limits,
        spec: json!({}),
    }
}

fn bound() -> Vec<Value> {
    let (half, third) = (share(50, 8), share(30, 6));
    let mut pods = vec![
        train(8).on(
            "pretrain-0",
            "train-1",
            &[0, 1, 2, 3, 4, 5, 6, 7],
            81_559,
            1000,
        ),
        train(2).on("finetune-0", "train-2", &[0, 1], 81_559, 1000),
        train(2).on("finetune-1", "train-2", &[2, 3], 81_559, 1000),
        whole(1, 40, 300).on("serve-0", "share-2", &[0], 81_920, 1000),
        whole(1, 40, 300).on("serve-1", "share-2", &[1], 81_920, 1000),
        whole(2, 8, 64).somewhere_on("legacy-0", "v100-1"),
        whole(1, 4, 32).somewhere_on("legacy-1", "v100-1"),
        third.on("chat-9", "share-4", &[0], 24_576, 300),
        half.on("batch-9", "share-5", &[2], 40_960, 500),
    ];
    let chats = [(0, 0), (1, 0), (2, 0), (3, 1), (4, 1), (5, 2)];
    pods.extend(
        chats.map(|(n, gpu)| third.on(&format!("chat-{n}"), "share-1", &[gpu], 24_576, 300)),
    );
    let batches = [(0, 2), (1, 3)];
    pods.extend(
        batches.map(|(n, gpu)| half.on(&format!("batch-{n}"), "share-1", &[gpu], 40_960, 500)),
    );
    let (small, large) = (instance("1g.10gb"), instance("3g.40gb"));
    let notebooks = [(0, 0, 0), (1, 0, 2), (2, 1, 5)];
    pods.extend(
        notebooks.map(|(n, gpu, at)| small.cut(&format!("notebook-{n}"), gpu, "1g.10gb", at)),
    );
    pods.push(large.cut("infer-0", 0, "3g.40gb", 4));
    pods.push(instance("2g.20gb").cut("infer-1", 1, "2g.20gb", 0));
    let tests = (0..3).map(|n| whole(1, 2, 8).somewhere_on(&format!("test-{n}"), "sliced-1"));
    pods.extend(tests);
    pods.extend((0..23).map(|n| embed().on(&format!("embed-{n:02}"), "small-1", &[0], 2000, 0)));
    pods
}

fn pending() -> Vec<Value> {
    let no_toleration = whole(8, 80, 1024);
    let mut claimed = share(50, 8);
    claimed.spec =
        json!({"volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]});
    let mut models = whole(1, 8, 64);
    models.spec = json!({"nodeSelector": {"zone": "north"}});
    vec![
        train(8).pod("pretrain-1"),
        no_toleration.pod("sweep-0"),
        claimed.pod("batch-2"),
        models.pod("serve-2"),
        instance("1g.10gb").pod("notebook-3"),
        instance("3g.40gb").pod("infer-2"),
    ]
}
