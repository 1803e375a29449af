//! Live decisions are the simulator's: given only the order in which filter calls came, the planner
//! alone names the same node and devices for every pod.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use serde_json::Value;
use stowage::k8s::node::NodeFacts;
use stowage::k8s::pod::{PodFacts, parse_uid, uid_text};
use stowage::playground::FakePod;
use stowage_core::cluster::Cluster;
use stowage_core::plan::{Context, Parameters};
use stowage_core::request::{Models, PodRequest};
use stowage_core::strategy::Strategy;
use stowage_core::strategy::fgd::Outlook;
use stowage_core::verbs::Planner;
use stowage_core::workload::Workload;

use super::ledger::{self, Places};
use super::rig::{Rig, Setup, plain_node, shared_node};

const SERVER: &str = "policy: {strategy: fgd, workload: {source: file, file: WORKLOAD}}";

/// Shapes of pods: whole GPUs, percent of one, cores.
const SHAPES: [(u32, u32, u32); 12] = [
    (1, 0, 8),
    (1, 0, 11),
    (2, 0, 16),
    (4, 0, 32),
    (8, 0, 64),
    (0, 50, 4),
    (0, 30, 3),
    (0, 80, 8),
    (0, 10, 1),
    (0, 0, 6),
    (0, 0, 12),
    (1, 0, 4),
];

fn pod(name: &str, (gpus, percent, cores): (u32, u32, u32)) -> FakePod {
    let pod = FakePod::named(name)
        .request("cpu", &cores.to_string())
        .request("memory", "4Gi");
    match (gpus, percent) {
        (0, 0) => pod,
        (0, percent) => pod.limit("stowage.dev/gpu-compute", &percent.to_string()),
        (gpus, _) => pod.gpus(gpus),
    }
}

fn request_of(pod: &FakePod) -> Arc<PodRequest> {
    let mut json = Value::from(pod.clone());
    json["metadata"]["uid"] = Value::from("00000000-0000-4000-8000-000000000000");
    let facts = PodFacts::parse(&json.to_string()).expect("a pod");
    Arc::new(facts.request.expect("a request that makes sense"))
}

/// A workload file of what `pods` ask for.
fn workload_file(workload: &Workload) -> String {
    let mut text = String::from("apiVersion: stowage.dev/v1alpha1\nkind: Workload\nclasses:\n");
    for (class, count) in workload.classes() {
        assert_eq!(class.models, Models::Any);
        let (cores, devices, share) = (class.cores, class.devices, class.share);
        let entry = format!("coresMilli: {cores}, devices: {devices}, shareMilli: {share}");
        let _ = writeln!(text, "- {{{entry}, count: {count}}}");
    }
    text
}

/// Lets the planner alone place `pods` in the order of the log, and says where they went.
fn simulate(
    log: &[Value],
    nodes: &[NodeFacts],
    pods: &BTreeMap<String, (String, Arc<PodRequest>)>,
    workload: &Workload,
) -> Places {
    let outlook = Arc::new(Outlook::new(&workload.covering(95)));
    let context = Context::new(Strategy::Fgd, Parameters::default(), outlook, 0);
    let cluster = Cluster::new(nodes.iter().map(|n| n.node.clone())).expect("a cluster");
    let mut planner = Planner::new(cluster, context);
    let mut places = Places::new();
    let mut seen = Vec::new();
    for line in log.iter().filter(|line| line["verb"] == "filter") {
        let uid = line["pod"].as_str().expect("a UID").to_owned();
        let Some((name, request)) = pods.get(&uid) else {
            continue;
        };
        if seen.contains(&uid) {
            continue;
        }
        let pod = parse_uid(&uid).expect("a UID");
        if let Some(placed) = planner.place(0, pod, request).expect("a new pod") {
            let node = planner.node(placed.node).node().name.to_string();
            let devices = placed
                .devices
                .iter()
                .flat_map(|set| set.iter())
                .map(|d| d as u64);
            let devices: Vec<u64> = devices.collect();
            let containers = BTreeMap::from([("main".to_owned(), devices)]);
            let held = if request.wants_gpu() {
                containers
            } else {
                BTreeMap::new()
            };
            places.insert(name.clone(), (node, held));
        }
        seen.push(uid);
    }
    places
}

async fn known(rig: &Rig) -> (Vec<NodeFacts>, BTreeMap<String, String>) {
    let nodes = rig
        .client
        .text("/api/v1/nodes")
        .await
        .expect("nodes can be read");
    let nodes: Value = serde_json::from_str(&nodes).expect("JSON");
    let items = nodes["items"].as_array().expect("a list").iter();
    let nodes = items.map(|node| NodeFacts::parse(&node.to_string()).expect("a node"));
    let pods = rig
        .client
        .pods()
        .await
        .expect("pods can be read")
        .into_iter();
    let uids = pods.map(|pod| {
        let uid = pod.metadata.uid.expect("a UID");
        (
            uid_text(parse_uid(&uid).expect("a UID")),
            pod.metadata.name.expect("a name"),
        )
    });
    (nodes.collect(), uids.collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn simulator_names_the_same_node_and_devices_for_every_pod() {
    let workload: Vec<_> = (0..300)
        .map(|n| request_of(&pod("x", SHAPES[n % 12])))
        .collect();
    let workload = Workload::count(workload.iter().map(|request| &**request));
    let setup = Setup {
        scheduler: "secondary-scheduler.yaml",
        server: SERVER,
        workload: Some(workload_file(&workload)),
    };
    let nodes = (0..200).map(|n| match n % 4 {
        0 => shared_node(&format!("a-{n:03}"), 8, 96),
        1 => plain_node(&format!("b-{n:03}"), 8, 96),
        2 => plain_node(&format!("c-{n:03}"), 2, 32),
        _ => plain_node(&format!("d-{n:03}"), 0, 16),
    });
    let Some(rig) = Rig::start(&setup, nodes.collect()).await else {
        return;
    };
    for repeat in 0..5 {
        // Another order each time: pods are created 32 at a time, and numbered otherwise.
        let shape = |n: usize| SHAPES[(n * 7 + repeat * 5) % 12];
        let name = |n: usize| format!("r{repeat}-{n:03}");
        let pods: Vec<_> = (0..300).map(|n| pod(&name(n), shape(n))).collect();
        let requests: BTreeMap<_, _> = (0..300).map(|n| (name(n), request_of(&pods[n]))).collect();
        rig.decide_all(pods).await;
        let (nodes, uids) = known(&rig).await;
        let asked = uids
            .into_iter()
            .map(|(uid, name)| (uid, (name.clone(), requests[&name].clone())));
        let asked: BTreeMap<_, _> = asked.collect();
        let log = rig.decisions();
        let live = ledger::check(&rig.client).await;
        let simulated = simulate(&log, &nodes, &asked, &workload);
        assert!(simulated.len() > 290, "{} of 300 fit", simulated.len());
        assert_eq!(live, simulated, "repeat {repeat}");
        for (uid, (name, _)) in &asked {
            let last = log
                .iter()
                .rfind(|line| line["pod"] == **uid)
                .expect("it was decided");
            let node = live.get(name).map(|(node, _)| node.as_str());
            assert_eq!(
                last["node"].as_str(),
                node,
                "pod {name}: the last line of the log"
            );
        }
        let names: Vec<_> = asked.values().map(|(name, _)| name.as_str()).collect();
        rig.client
            .delete_pods(names)
            .await
            .expect("pods can be deleted");
        rig.counts(0).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn burst_of_small_pods_ends_on_as_few_nodes_as_the_simulator_needs() {
    let setup = Setup {
        scheduler: "secondary-scheduler.yaml",
        server: "policy: {strategy: best-fit}",
        workload: None,
    };
    let nodes = (0..40).map(|n| shared_node(&format!("n-{n:02}"), 4, 96));
    let Some(rig) = Rig::start(&setup, nodes.collect()).await else {
        return;
    };
    // 200 pods of a quarter of a GPU and 2 cores: 16 fill the GPUs of a node, so 13 nodes do.
    let pods = (0..200).map(|n| pod(&format!("small-{n:03}"), (0, 25, 2)));
    rig.bind_all(pods.collect()).await;
    let places = ledger::check(&rig.client).await;
    let mut nodes: Vec<_> = places.values().map(|(node, _)| node).collect();
    nodes.sort();
    nodes.dedup();
    assert_eq!(nodes.len(), 13, "{nodes:?}");
}

/// The first pods of the public trace on a slice of its nodes, through the live path.
#[tokio::test(flavor = "multi_thread")]
async fn slice_of_the_public_trace_gives_the_simulators_allocation() {
    let Some(folder) = crate::support::traces() else {
        return;
    };
    let lists = ["default".to_owned()];
    let trace = stowage::sim::trace::openb::load(
        &folder.join("openb"),
        stowage::sim::trace::openb::NodeFile::Gpu,
        &lists,
    );
    let trace = trace.expect("the trace can be read");
    let list = &trace.lists[0];
    let order = &list.published[&42].arrivals[..250];
    let requests: Vec<_> = order
        .iter()
        .map(|&pod| list.pods[pod as usize].clone())
        .collect();
    let workload = Workload::count(list.pods.iter().map(|pod| &**pod));
    let setup = Setup {
        scheduler: "secondary-scheduler.yaml",
        server: SERVER,
        workload: Some(workload_file(&workload)),
    };
    let nodes = trace.nodes.iter().step_by(40).map(|node| {
        let (gpus, cores) = (node.gpus.len() as u32, node.room.cores.0 / 1000);
        shared_node(&node.name, gpus, cores)
    });
    let Some(rig) = Rig::start(&setup, nodes.collect()).await else {
        return;
    };
    let shape = |request: &PodRequest| {
        let cores = format!("{}m", request.cores());
        let pod = move |n: usize| FakePod::named(&format!("p-{n:03}")).request("cpu", &cores);
        let (count, milli) = (
            request.containers()[0].count(),
            request.containers()[0].compute().0,
        );
        move |n: usize| match (count, milli) {
            (0, _) => pod(n),
            (count, 1000) => pod(n).gpus(count as u32),
            (_, milli) => pod(n).limit("stowage.dev/gpu-compute", &(milli / 10).to_string()),
        }
    };
    let pods: Vec<_> = requests
        .iter()
        .enumerate()
        .map(|(n, request)| shape(request)(n))
        .collect();
    let requests: BTreeMap<_, _> = (0..pods.len())
        .map(|n| (format!("p-{n:03}"), request_of(&pods[n])))
        .collect();
    rig.decide_all(pods).await;
    let (nodes, uids) = known(&rig).await;
    let asked = uids
        .into_iter()
        .map(|(uid, name)| (uid, (name.clone(), requests[&name].clone())));
    let asked: BTreeMap<_, _> = asked.collect();
    assert_eq!(asked.len(), requests.len());
    let simulated = simulate(&rig.decisions(), &nodes, &asked, &workload);
    let live = ledger::check(&rig.client).await;
    assert!(
        simulated.len() > 100 && simulated.len() < 250,
        "{} fit",
        simulated.len()
    );
    assert_eq!(live, simulated);
}
