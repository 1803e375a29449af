//! Short lists and full lists lead to the same nodes, and replicas of a Service pack, on the real
//! kube-scheduler.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use stowage::playground::{FakeNode, FakePod};

use super::ledger;
use super::rig::{Rig, Setup, shared_node};

fn nodes() -> Vec<FakeNode> {
    let node = |n: u32| {
        shared_node(&format!("node-{n}"), 2 + 2 * (n % 2), 32)
            .label("zone", if n < 3 { "one" } else { "two" })
    };
    (0..6).map(node).collect()
}

fn share(name: &str, percent: &str) -> FakePod {
    FakePod::named(name)
        .request("cpu", "1")
        .label("app", "web")
        .limit("stowage.dev/gpu-compute", percent)
}

/// A pod that is there first and would like others near it, and some far away.
fn affine(name: &str) -> FakePod {
    let near = |app: &str| {
        json!({"weight": 100, "podAffinityTerm": {"topologyKey": "zone",
            "labelSelector": {"matchLabels": {"app": app}}}})
    };
    let list = "preferredDuringSchedulingIgnoredDuringExecution";
    share(name, "40")
        .label("app", "affine")
        .affinity(json!({"podAffinity": {list: [near("web")]}, "podAntiAffinity": {list: [near("batch")]}}))
        .node_selector("zone", "two")
}

/// A claim that is bound to a volume already, and the volume.
fn claim() -> [Value; 2] {
    let volume = json!({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "disk"},
        "spec": {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"],
                 "hostPath": {"path": "/nowhere"}, "storageClassName": "",
                 "claimRef": {"kind": "PersistentVolumeClaim", "namespace": "default", "name": "disk"}}});
    let claim = json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": {"name": "disk", "namespace": "default",
                     "annotations": {"pv.kubernetes.io/bind-completed": "yes"}},
        "spec": {"accessModes": ["ReadWriteOnce"], "volumeName": "disk", "storageClassName": "",
                 "resources": {"requests": {"storage": "1Gi"}}}});
    [volume, claim]
}

fn with_claim(name: &str) -> FakePod {
    let volume = json!([{"name": "disk", "persistentVolumeClaim": {"claimName": "disk"}}]);
    share(name, "30").set("/spec", "volumes", volume)
}

/// Where each pod went.
async fn places(short_lists: bool) -> Option<BTreeMap<String, String>> {
    let server = format!(
        "policy: {{strategy: best-fit}}\n\
         profiles: [{{schedulerName: stowage, shortLists: {short_lists}}}]"
    );
    let setup = Setup {
        scheduler: "secondary-scheduler.yaml",
        server: &server,
        workload: None,
    };
    let rig = Rig::start(&setup, nodes()).await?;
    for object in claim() {
        rig.client.create([object]).await.expect("it is taken");
    }
    let mut pods = vec![affine("affine")];
    let sizes = ["50", "30", "70", "20", "90", "60", "10", "40"];
    pods.extend(
        (0..)
            .zip(sizes)
            .map(|(n, size)| share(&format!("web-{n}"), size)),
    );
    pods.push(with_claim("with-claim"));
    pods.push(share("last", "50"));
    // One after the other, so that only the choice differs between the two ways.
    for pod in pods {
        rig.bind_all(vec![pod]).await;
    }
    let places = ledger::check(&rig.client).await;
    Some(
        places
            .into_iter()
            .map(|(pod, (node, _))| (pod, node))
            .collect(),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn short_lists_and_full_lists_lead_to_the_same_nodes() {
    let Some(short) = places(true).await else {
        return;
    };
    let full = places(false).await.expect("there was a control plane");
    assert_eq!(short, full);
}

async fn replicas_pack(scheduler: &str, mode: &str) {
    let server = format!(
        "policy: {{strategy: best-fit}}\nprofiles: [{{schedulerName: stowage, mode: {mode}}}]"
    );
    let setup = Setup {
        scheduler,
        server: &server,
        workload: None,
    };
    let Some(rig) = Rig::start(&setup, nodes()).await else {
        return;
    };
    let service = json!({"apiVersion": "v1", "kind": "Service",
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]}});
    rig.client.create([service]).await.expect("it is taken");
    let pods = (0..8).map(|n| share(&format!("web-{n}"), "25"));
    rig.bind_all(pods.collect()).await;
    let places = ledger::check(&rig.client).await;
    let mut nodes: Vec<_> = places.into_values().map(|(node, _)| node).collect();
    nodes.sort();
    nodes.dedup();
    assert_eq!(nodes.len(), 1, "{mode}: {nodes:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_of_a_service_pack_in_soft_first_and_decisive() {
    replicas_pack("secondary-scheduler.yaml", "soft-first").await;
    replicas_pack("secondary-scheduler-decisive.yaml", "decisive").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn advisory_grades_count_beside_the_scores_of_the_scheduler() {
    let setup = Setup {
        scheduler: "secondary-scheduler-advisory.yaml",
        server: "policy: {strategy: best-fit}\n\
                 profiles: [{schedulerName: stowage, mode: advisory}]",
        workload: None,
    };
    // One started device against many idle ones: the grade is the whole span apart.
    let nodes = vec![shared_node("full", 1, 32), shared_node("idle", 8, 32)];
    let Some(rig) = Rig::start(&setup, nodes).await else {
        return;
    };
    rig.bind_all(vec![
        share("first", "30").node_selector("kubernetes.io/hostname", "full"),
    ])
    .await;
    rig.bind_all(vec![share("second", "30")]).await;
    let places = ledger::check(&rig.client).await;
    assert_eq!(places["second"].0, "full");
}
