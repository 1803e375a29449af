//! The malformed twins of the nodes in `kinds.rs`, each a node of the same kind with one thing wrong:
//! left out with one sentence, and nothing on it is free.

use std::path::Path;

use super::kinds::{facts, text};
use super::*;
use crate::k8s::snapshot::Snapshot;

/// A fixture where one value is another.
pub(super) fn changed(kind: &str, at: &str, value: &Value) -> String {
    let mut object: Value = serde_json::from_str(&text(kind)).unwrap();
    let (parent, key) = at.rsplit_once('/').unwrap();
    let key = key.replace("~1", "/");
    let fields = object.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    fields.insert(key, value.clone());
    object.to_string()
}

const LABELS: &str = "/metadata/labels/";
const OFFERED: &str = "/status/allocatable/";

/// Fixture, where, the wrong value, the sentence.
fn twins() -> Vec<(&'static str, String, Value, String)> {
    let twin = |kind, place: &str, key: &str, value: &str, sentence: &str| {
        let at = format!("{place}{}", key.replace('/', "~1"));
        (kind, at, json!(value), sentence.to_owned())
    };
    let label = |kind, key, value, sentence| twin(kind, LABELS, key, value, sentence);
    let offered = |kind, key, value, sentence| twin(kind, OFFERED, key, value, sentence);
    vec![
        offered(
            "a100-mig-mixed",
            "nvidia.com/mig-9g.10gb",
            "1",
            r#"node a100-mixed: status.allocatable nvidia.com/mig-9g.10gb: expected a MIG profile of A100-80GB, got "9g.10gb""#,
        ),
        offered(
            "a100-mig-mixed",
            "nvidia.com/mig-1g.5gb",
            "1",
            r#"node a100-mixed: status.allocatable nvidia.com/mig-1g.5gb: expected a MIG profile of A100-80GB, got "1g.5gb""#,
        ),
        offered(
            "a100-mig-mixed",
            "nvidia.com/mig-small",
            "1",
            r#"node a100-mixed: status.allocatable nvidia.com/mig-small: expected a MIG profile such as nvidia.com/mig-1g.10gb, got "nvidia.com/mig-small""#,
        ),
        offered(
            "a100-mig-mixed",
            "nvidia.com/mig-1g.10gb",
            "57",
            r#"node a100-mixed: status.allocatable nvidia.com/mig-1g.10gb: expected at most 56 on 8 GPUs by nvidia.com/gpu.count, got "57""#,
        ),
        offered(
            "a100-mig-mixed",
            "nvidia.com/mig-1g.10gb",
            "-1",
            r#"node a100-mixed: status.allocatable nvidia.com/mig-1g.10gb: expected a quantity that is not negative, got "-1""#,
        ),
        label(
            "a100-mig-mixed",
            "nvidia.com/mig.strategy",
            "both",
            r#"node a100-mixed: label nvidia.com/mig.strategy: "both" is not supported yet"#,
        ),
        label(
            "a100-mig-mixed",
            "nvidia.com/gpu.memory",
            "-81920",
            r#"node a100-mixed: label nvidia.com/gpu.memory: expected MiB, at least 1, got "-81920""#,
        ),
        offered(
            "a100-mig-mixed",
            "memory",
            "-5Gi",
            r#"node a100-mixed: status.allocatable memory: expected a quantity that is not negative, got "-5Gi""#,
        ),
        label(
            "h100-mig-single",
            "nvidia.com/gpu.count",
            "0",
            r#"node h100-single: label nvidia.com/gpu.count: expected 1 to 64, got "0""#,
        ),
        label(
            "h100-mig-single",
            "nvidia.com/gpu.product",
            "NVIDIA-H100-80GB-HBM3-MIG-INVALID",
            r#"node h100-single: label nvidia.com/gpu.product: expected every GPU cut into the same MIG instances, got "NVIDIA-H100-80GB-HBM3-MIG-INVALID""#,
        ),
        label(
            "h100-mig-single",
            "nvidia.com/gpu.product",
            "NVIDIA-H100-80GB-HBM3-MIG-1g.5gb",
            r#"node h100-single: label nvidia.com/gpu.product: expected a MIG profile of H100-80GB, got "1g.5gb""#,
        ),
        label(
            "h100-mig-single",
            "nvidia.com/mig.strategy",
            "mixed",
            r#"node h100-single: label nvidia.com/mig.strategy: expected single where MIG instances 1g.10gb count as devices, got "mixed""#,
        ),
        label(
            "t4-time-sliced",
            "nvidia.com/gpu.replicas",
            "1",
            r#"node t4-sliced: label nvidia.com/gpu.replicas: expected at least 2 where GPUs are shared, got "1""#,
        ),
        label(
            "t4-time-sliced",
            "nvidia.com/gpu.sharing-strategy",
            "none",
            r#"node t4-sliced: label nvidia.com/gpu.replicas: expected 0 or 1 where nvidia.com/gpu.sharing-strategy is none, got "4""#,
        ),
        label(
            "t4-time-sliced",
            "nvidia.com/gpu.sharing-strategy",
            "dice",
            r#"node t4-sliced: label nvidia.com/gpu.sharing-strategy: "dice" is not supported yet"#,
        ),
        offered(
            "t4-time-sliced",
            "nvidia.com/gpu",
            "15",
            r#"node t4-sliced: status.allocatable nvidia.com/gpu: expected a multiple of the 4 replicas of a device, got "15""#,
        ),
        offered(
            "t4-time-sliced",
            "nvidia.com/gpu.shared",
            "16",
            r#"node t4-sliced: status.allocatable nvidia.com/gpu.shared: expected none beside nvidia.com/gpu, got "16""#,
        ),
        offered(
            "t4-renamed",
            "nvidia.com/gpu.shared",
            "5",
            r#"node t4-renamed: status.allocatable nvidia.com/gpu.shared: expected at most 4 on 1 GPUs by nvidia.com/gpu.count, got "5""#,
        ),
        label(
            "l4-mps",
            "nvidia.com/gpu.count",
            "1",
            r#"node l4-mps: label nvidia.com/gpu.count: expected at least the 2 devices that nvidia.com/gpu offers, got "1""#,
        ),
        label(
            "l4-mps",
            "nvidia.com/gpu.replicas",
            "300",
            r#"node l4-mps: label nvidia.com/gpu.replicas: expected 0 to 255, got "300""#,
        ),
        label(
            "mi300x-spx",
            "amd.com/gpu.vram",
            "-192G",
            r#"node mi300x-spx: label amd.com/gpu.vram: expected GiB such as 192G, got "-192G""#,
        ),
        label(
            "mi300x-cpx",
            "amd.com/gpu.compute-memory-partition",
            "cpx_nps3",
            r#"node mi300x-cpx: label amd.com/gpu.compute-memory-partition: expected a mode such as cpx_nps4, the same on every GPU, got "cpx_nps3""#,
        ),
        label(
            "mi300x-cpx",
            "amd.com/gpu.product-name",
            "AMD_Instinct_MI999X",
            r#"node mi300x-cpx: label amd.com/gpu.compute-memory-partition: "cpx_nps4" is not supported yet"#,
        ),
        offered(
            "mi300x-cpx",
            "amd.com/gpu",
            "65",
            r#"node mi300x-cpx: status.allocatable amd.com/gpu: expected a whole number up to 64, got "65""#,
        ),
        offered(
            "mi300x-mixed",
            "amd.com/cpx_nps3",
            "1",
            r#"node mi300x-mixed: status.allocatable amd.com/cpx_nps3: expected a memory mode nps1, nps2, nps4 or nps8, got "amd.com/cpx_nps3""#,
        ),
        offered(
            "mi300x-mixed",
            "amd.com/gpu",
            "1",
            r#"node mi300x-mixed: label amd.com/gpu.compute-memory-partition: expected a mode such as cpx_nps4, the same on every GPU, got several"#,
        ),
        offered(
            "windows-directx",
            "microsoft.com/directx",
            "2",
            r#"node akswin000001: status.allocatable microsoft.com/directx: expected at most 1 on a machine of size Standard_NV36ads_A10_v5, got "2""#,
        ),
        offered(
            "azure-v100",
            "nvidia.com/gpu",
            "56",
            r#"node aks-v100-000003: status.allocatable nvidia.com/gpu: expected at most 8 on a machine of size Standard_ND40rs_v2, got "56""#,
        ),
        offered(
            "azure-v100",
            "nvidia.com/mig-1g.5gb",
            "1",
            r#"node aks-v100-000003: status.allocatable nvidia.com/mig-1g.5gb: expected a MIG profile of V100-32GB, got "1g.5gb""#,
        ),
        offered(
            "azure-v100",
            "amd.com/gpu",
            "1",
            r#"node aks-v100-000003: status.allocatable amd.com/gpu: expected none on a machine of size Standard_ND40rs_v2, got "1""#,
        ),
        offered(
            "mig-changing",
            "nvidia.com/gpu",
            "many",
            r#"node a100-changing: status.allocatable nvidia.com/gpu: expected a quantity such as 500m, 2 or 64Gi, got "many""#,
        ),
        label(
            "failed-device",
            "nvidia.com/gpu.replicas",
            "4",
            r#"node a100-failed: label nvidia.com/gpu.replicas: "4" beside an inventory is not supported yet"#,
        ),
        offered(
            "failed-device",
            "nvidia.com/gpu.shared",
            "4",
            "node a100-failed: status.allocatable nvidia.com/gpu.shared beside an inventory is not supported yet",
        ),
        offered(
            "fifteen-gpus",
            "nvidia.com/gpu",
            "17",
            r#"node dgx2-odd: label nvidia.com/gpu.count: expected at least the 17 devices that nvidia.com/gpu offers, got "16""#,
        ),
        label(
            "intel-shared",
            "gpu.intel.com/device.count",
            "4",
            r#"node flex-0: status.allocatable gpu.intel.com/i915: expected as many for each of the 4 GPUs of gpu.intel.com/device.count, got "6""#,
        ),
    ]
}

#[test]
fn malformed_twins_are_left_out_with_a_sentence() {
    for (kind, at, value, sentence) in twins() {
        let twin = changed(kind, &at, &value);
        let error = NodeFacts::parse(&twin).unwrap_err().to_string();
        assert_eq!(error, sentence);
        let snapshot = Snapshot::parse(&twin, Path::new("f")).unwrap();
        assert!(snapshot.nodes.is_empty(), "{kind}");
        assert_eq!(snapshot.problems, [sentence]);
    }
}

#[test]
fn one_odd_node_hides_no_other() {
    let odd = twins()
        .into_iter()
        .map(|(kind, at, value, _)| changed(kind, &at, &value));
    let odd: Vec<String> = odd.collect();
    let all = [odd.join("\n"), text("l4-mps")].join("\n");
    let snapshot = Snapshot::parse(&all, Path::new("f")).unwrap();
    let names: Vec<&str> = snapshot
        .nodes
        .iter()
        .map(|facts| &*facts.node.name)
        .collect();
    assert_eq!(names, ["l4-mps"]);
    assert_eq!(snapshot.problems.len(), odd.len());
}

#[test]
fn an_annotation_of_a_megabyte_is_looked_at_no_further() {
    let at = "/metadata/annotations/stowage.dev~1inventory";
    let long = changed("failed-device", at, &json!("[".repeat(1 << 20)));
    let error = NodeFacts::parse(&long).unwrap_err().to_string();
    let said = "node a100-failed: annotation stowage.dev/inventory: expected at most 262144 bytes, got 1048576";
    assert_eq!(error, said);
    // What somebody else wrote is skipped, whatever its length.
    let other = changed(
        "failed-device",
        "/metadata/annotations/example.com~1x",
        &json!("x".repeat(1 << 20)),
    );
    assert_eq!(node(&other), facts("failed-device"));
}

#[test]
fn an_object_that_is_not_unicode_spoils_nothing_else_as_yaml() {
    let folder = tempfile::tempdir().unwrap();
    let read = |bytes: &[u8]| {
        let file = folder.path().join("cluster.yaml");
        std::fs::write(&file, bytes).unwrap();
        Snapshot::read(&file)
    };
    let cluster = b"kind: List
items:
- kind: Node
  metadata: {name: \"a\xff\"}
- kind: Pod
  metadata: {name: p, namespace: d, labels: {one: \"\xfe\xfd\"}}
- kind: Service
  metadata: {name: \"\xff\"}
---
kind: Node
metadata: {name: b}
status: {allocatable: {cpu: '4', memory: 8Gi, pods: '9'}}
";
    let snapshot = read(cluster).unwrap();
    let nodes = snapshot.nodes.iter().map(|facts| &*facts.node.name);
    assert_eq!(nodes.collect::<Vec<_>>(), ["b"]);
    assert_eq!(snapshot.pods[0].full_name(), "d/p");
    assert_eq!(
        snapshot.problems,
        [
            "4:22: expected UTF-8 text, got 0xff in a node, which is left out",
            "6:52: expected UTF-8 text, got 0xfe in a pod, read with U+FFFD there",
        ]
    );
    for bytes in [
        &b"# caf\xe9\nkind: Node\nmetadata: {name: a}\n"[..],
        b"kind: \xe9\n",
        b"a: [\xe9\n",
    ] {
        let refused = read(bytes).unwrap_err().to_string();
        assert!(
            refused.contains(": expected UTF-8 text, got 0xe9"),
            "{refused}"
        );
    }
}

#[test]
fn a_node_that_is_not_unicode_is_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("nodes.json");
    let mut bytes = [text("l4-mps"), text("failed-device")]
        .join("\n")
        .into_bytes();
    let at = bytes.windows(4).position(|w| w == b"L4-S").unwrap();
    bytes[at] = 0xff;
    std::fs::write(&file, bytes).unwrap();
    let snapshot = Snapshot::read(&file).unwrap();
    let names = snapshot.nodes.iter().map(|facts| &*facts.node.name);
    assert_eq!(names.collect::<Vec<_>>(), ["a100-failed"]);
    let sentence = "expected UTF-8 text, got 0xff in a node, which is left out";
    assert_eq!(snapshot.problems.len(), 1);
    assert!(snapshot.problems[0].ends_with(sentence), "{snapshot:?}");
    // Half a surrogate pair is what JSON itself can say that is not Unicode.
    let half = text("l4-mps").replace("NVIDIA-L4-SHARED", r"\ud800");
    let snapshot = Snapshot::parse(&half, Path::new("f")).unwrap();
    assert!(snapshot.nodes.is_empty());
    let [problem] = &snapshot.problems[..] else {
        panic!("{:?}", snapshot.problems)
    };
    assert!(
        problem.contains("node: ") && problem.contains("hex escape"),
        "{problem}"
    );
}
