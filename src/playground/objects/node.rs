//! A node as a kubelet, a device plugin and GPU feature discovery would report it.

use serde_json::{Value, json};

use super::{Board, push, put};

/// A node that exists on paper. It takes pods as soon as it is created: kube-scheduler looks at
/// allocatable resources, labels and taints, not at readiness.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct FakeNode(Value);

impl FakeNode {
    /// A node with 64 cores, 256 GiB and room for 110 pods, without GPUs.
    pub fn named(name: &str) -> Self {
        let node = Self(json!({
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": name, "labels": {}, "annotations": {}},
            "spec": {"taints": []},
            "status": {
                "capacity": {},
                "allocatable": {},
                "conditions": [{
                    "type": "Ready",
                    "status": "True",
                    "reason": "KubeletReady",
                    "message": "on paper",
                }],
            },
        }));
        node.label("kubernetes.io/hostname", name)
            .label("kubernetes.io/os", "linux")
            .label("kubernetes.io/arch", "amd64")
            .cores(64)
            .memory_gib(256)
            .pods(110)
    }

    /// This many whole devices of one board, with the labels of GPU feature discovery.
    pub fn gpus(self, board: Board, count: u32) -> Self {
        let (major, minor) = board.compute;
        self.resource("nvidia.com/gpu", &count.to_string())
            .label("nvidia.com/gpu.present", "true")
            .label("nvidia.com/gpu.product", board.product)
            .label("nvidia.com/gpu.count", &count.to_string())
            .label("nvidia.com/gpu.memory", &board.memory_mib.to_string())
            .label("nvidia.com/gpu.family", board.family)
            .label("nvidia.com/gpu.compute.major", &major.to_string())
            .label("nvidia.com/gpu.compute.minor", &minor.to_string())
            .label("nvidia.com/gpu.replicas", "1")
            .label("nvidia.com/gpu.sharing-strategy", "none")
            .label("nvidia.com/gpu.mode", "compute")
            .label("nvidia.com/mig.capable", &board.mig_capable.to_string())
    }

    /// Cores.
    pub fn cores(self, count: u32) -> Self {
        self.resource("cpu", &count.to_string())
    }

    /// Memory.
    pub fn memory_gib(self, count: u32) -> Self {
        self.resource("memory", &format!("{count}Gi"))
    }

    /// How many pods it takes.
    pub fn pods(self, count: u32) -> Self {
        self.resource("pods", &count.to_string())
    }

    /// A resource, as capacity and as allocatable.
    pub fn resource(self, name: &str, quantity: &str) -> Self {
        self.at("/status/capacity", name, json!(quantity)).at(
            "/status/allocatable",
            name,
            json!(quantity),
        )
    }

    /// A label.
    pub fn label(self, key: &str, value: &str) -> Self {
        self.at("/metadata/labels", key, json!(value))
    }

    /// An annotation.
    pub fn annotation(self, key: &str, value: &str) -> Self {
        self.at("/metadata/annotations", key, json!(value))
    }

    /// What Stowage's node agent would write: the text of the annotation `stowage.dev/inventory`.
    pub fn inventory(self, text: &str) -> Self {
        self.annotation("stowage.dev/inventory", text)
    }

    /// A taint; `effect` is `NoSchedule`, `PreferNoSchedule` or `NoExecute`.
    pub fn taint(mut self, key: &str, value: &str, effect: &str) -> Self {
        let taint = json!({"key": key, "value": value, "effect": effect});
        push(&mut self.0, "/spec/taints", taint);
        self
    }

    /// Any field: `set("/spec", "unschedulable", json!(true))`.
    pub fn set(self, parent: &str, field: &str, value: Value) -> Self {
        self.at(parent, field, value)
    }

    fn at(mut self, parent: &str, field: &str, value: Value) -> Self {
        put(&mut self.0, parent, field, value);
        self
    }
}

impl From<FakeNode> for Value {
    fn from(node: FakeNode) -> Self {
        node.0
    }
}

#[cfg(test)]
mod tests {
    use super::super::A100;
    use super::*;

    #[test]
    fn a_node_reports_its_board_as_feature_discovery_does() {
        let node = Value::from(FakeNode::named("gpu-1").gpus(A100, 8).inventory("{}"));
        let labels = &node["metadata"]["labels"];
        assert_eq!(labels["nvidia.com/gpu.product"], "NVIDIA-A100-SXM4-80GB");
        assert_eq!(labels["nvidia.com/gpu.memory"], "81920");
        assert_eq!(node["status"]["allocatable"]["nvidia.com/gpu"], "8");
        assert_eq!(
            node["metadata"]["annotations"]["stowage.dev/inventory"],
            "{}"
        );
    }
}
