//! Why a node should get no new pods although it is there: conditions of the monitors that watch
//! GPUs, and a change of partitions in progress.
//!
//! `True` is a problem, `False` is none, `Unknown` and absent mean that nobody looks. Not listed:
//! what slows a GPU down without breaking it (`GPUClockThrottling`), the monitors' own troubles
//! (`UnhealthyNvidiaDCGMServices`, `DCGMError`), announcements (`CSPMaintenance`,
//! `VMEventScheduled`) and faults called non-fatal (`NVSwitchNonFatalError`). Taints of the monitors
//! are kube-scheduler's business. A device that its plugin or AMD's exporter finds broken leaves
//! `status.allocatable`, so that it is not counted in the first place.

use super::object::NodeObject;

/// Node Problem Detector on AKS; the XID condition goes by two names in its documentation.
const NODE_PROBLEM_DETECTOR: [&str; 6] = [
    "GPUMissing",
    "NVLinkStatusInactive",
    "XIDErrors",
    "GPUXIDErrors",
    "IBLinkFlapping",
    "UnhealthyNvidiaDevicePlugin",
];

/// NVSentinel.
const NVSENTINEL: [&str; 17] = [
    "GpuMemWatch",
    "GpuThermalWatch",
    "GpuPcieWatch",
    "GpuPowerWatch",
    "GpuInforomWatch",
    "GpuSmWatch",
    "GpuNvlinkWatch",
    "GpuMcuWatch",
    "GpuPmuWatch",
    "GpuDriverWatch",
    "GpuCpusetWatch",
    "SysLogsXIDError",
    "SysLogsSXIDError",
    "SysLogsGPUFallenOff",
    "SyslogError",
    "NVSwitchFatalError",
    "NVSwitchDown",
];

const MIG_STATE: &str = "nvidia.com/mig.config.state";

/// The first reason, if there is one.
pub(super) fn unhealthy(node: &NodeObject<'_>) -> Option<String> {
    for condition in node.status.conditions.iter() {
        let (kind, status) = (&*condition.kind, &*condition.status);
        if kind == "Ready" && status != "True" {
            return Some("the node is not ready".to_owned());
        }
        let watched = NODE_PROBLEM_DETECTOR.contains(&kind) || NVSENTINEL.contains(&kind);
        if watched && status == "True" {
            return Some(format!("the node has the condition {kind}"));
        }
    }
    match &**node.metadata.labels.get(MIG_STATE)? {
        "success" => None,
        "failed" => Some("the last change of the node's GPU partitions failed".to_owned()),
        // pending, rebooting, and whatever a later manager writes.
        _ => Some("the node's GPU partitions are being changed".to_owned()),
    }
}
