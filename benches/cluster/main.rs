//! Pods a second from the real kube-scheduler, with and without Stowage, on nodes that exist on paper:
//! `cargo bench --bench cluster`.
//!
//! For each size of cluster and each variant, pods are created first and kube-scheduler is started
//! then; the rate is that of the pods after the first one bound, as a watch sees them. Variants follow
//! each other within a round, every round is shown, and medians are compared as ratios of one run. Not
//! a test: nothing fails on a slow machine. Needs Go and the control plane (`tests/control-plane`).
//!
//! `STOWAGE_BENCH_NODES=1000,5000` and `STOWAGE_BENCH_ROUNDS=3` choose another extent.

#[path = "../rival/mod.rs"]
mod rival;
mod variant;
mod watch;

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use stowage::clock;
use stowage::playground::objects::A100;
use stowage::playground::{Binaries, Client, ControlPlane, FakeNode, FakePod, Identity};
use variant::{Running, VARIANTS, Variant};
use watch::Bound;

const PATIENCE: Duration = Duration::from_secs(300);
/// Pods a trial: enough for some seconds of the fastest variant.
const PODS: usize = 600;
/// Single pods on the idle cluster.
const SINGLES: usize = 40;

/// What the pods of a trial are like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Pods {
    Equal,
    Mixed,
    Soft,
}

fn main() {
    // Cargo passes --bench; with --test it only wants to know that this runs at all.
    if std::env::args().any(|word| word == "--test") {
        return;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime").block_on(measure());
}

async fn measure() {
    let binaries = Binaries::find_or_build().expect("the control plane");
    let folder = tempfile::tempdir().expect("a folder");
    let nothing = rival::build(folder.path()).expect("Go");
    let rounds = setting("STOWAGE_BENCH_ROUNDS", "3").remove(0);
    for nodes in setting("STOWAGE_BENCH_NODES", "1000,5000") {
        let home = folder.path().join(format!("plane-{nodes}"));
        let plane = ControlPlane::start(&home, &binaries)
            .await
            .expect("it starts");
        let client = plane.client(Identity::Admin).await.expect("a client");
        let all = (0..nodes).map(node);
        client.create(all).await.expect("nodes are taken");
        let bench = Bench {
            nodes,
            rounds,
            plane: &plane,
            client,
            nothing: &nothing,
        };
        bench.rates().await;
        bench.singles().await;
    }
}

/// Trials on one cluster.
struct Bench<'a> {
    nodes: usize,
    rounds: usize,
    plane: &'a ControlPlane,
    client: Client,
    nothing: &'a std::path::Path,
}

impl Bench<'_> {
    async fn rates(&self) {
        println!(
            "\n{} nodes x 8 GPUs, {PODS} pods a trial: pods/s",
            self.nodes
        );
        let mut rates: BTreeMap<(Pods, &str), Vec<f64>> = BTreeMap::new();
        for round in 0..self.rounds {
            for pods in [Pods::Equal, Pods::Mixed, Pods::Soft] {
                for variant in VARIANTS.iter().filter(|v| pods != Pods::Soft || v.soft) {
                    let rate = self.trial(variant, pods).await;
                    println!("  round {round} {pods:?} ({}) {rate:.0}", variant.name);
                    rates.entry((pods, variant.name)).or_default().push(rate);
                }
            }
        }
        let median = |pods, name| middle(rates.get(&(pods, name)).cloned().unwrap_or_default());
        for ((pods, name), all) in &rates {
            let about = VARIANTS
                .iter()
                .find(|v| v.name == *name)
                .map_or("", |v| v.about);
            println!(
                "  {pods:?} ({name}) median {:.0} {about}",
                middle(all.clone())
            );
        }
        for pods in [Pods::Equal, Pods::Mixed] {
            for (ours, theirs) in [("v", "i"), ("vi", "ii"), ("v", "iii"), ("v", "iv")] {
                let ratio = 100.0 * median(pods, ours) / median(pods, theirs);
                println!("  {pods:?} ({ours}) is {ratio:.0} % of ({theirs})");
            }
        }
        let ratio = 100.0 * median(Pods::Soft, "v") / median(Pods::Soft, "iv");
        println!("  Soft (v) is {ratio:.0} % of (iv)");
    }

    /// Pods a second, from the first bound to the last.
    async fn trial(&self, variant: &Variant, pods: Pods) -> f64 {
        let all = (0..PODS).map(|number| pod(number, pods));
        self.client.create(all).await.expect("pods are taken");
        let bound = Bound::of(self.client.kube()).await;
        let running = Running::start(variant, self.plane, self.nothing).await;
        let begun = running.spent(self.plane);
        let times = bound.wait_for(PODS, PATIENCE).await;
        let ended = running.spent(self.plane);
        drop(running);
        self.clear().await;
        let (first, last) = (times[0], times[times.len() - 1]);
        let seconds = (last - first) as f64 / 1e9;
        println!(
            "    {seconds:.1} s, CPU seconds since the start: kube-scheduler {:.1}, extender {:.1}, etcd and API \
             server {:.1}",
            ended.scheduler - begun.scheduler,
            ended.extender - begun.extender,
            ended.plane - begun.plane
        );
        (times.len() - 1) as f64 / seconds
    }

    /// Deletes all pods.
    async fn clear(&self) {
        let pods = self.client.pods().await.expect("a list");
        let names = pods.iter().filter_map(|pod| pod.metadata.name.as_deref());
        self.client.delete_pods(names).await.expect("pods go");
        let gone = self
            .client
            .wait_for_pods("no pod", PATIENCE, <[_]>::is_empty);
        gone.await.expect("no pod is left");
    }

    /// From created to bound, one pod at a time on the idle cluster.
    async fn singles(&self) {
        println!("  one pod at a time, created to bound:");
        for variant in VARIANTS
            .iter()
            .filter(|v| ["i", "ii", "v", "vi"].contains(&v.name))
        {
            let running = Running::start(variant, self.plane, self.nothing).await;
            let mut times = Vec::new();
            for number in 0..SINGLES {
                let bound = Bound::of(self.client.kube()).await;
                let started = clock::nanos();
                let one = [pod(number, Pods::Mixed)];
                self.client.create(one).await.expect("a pod is taken");
                let seen = bound.wait_for(1, PATIENCE).await[0];
                times.push((seen - started) as f64 / 1e6);
                self.clear().await;
            }
            drop(running);
            let most = times.iter().copied().fold(0.0, f64::max);
            println!(
                "  ({}) median {:.1} ms, longest {most:.1} ms",
                variant.name,
                middle(times)
            );
        }
    }
}

fn setting(name: &str, default: &str) -> Vec<usize> {
    let text = std::env::var(name).unwrap_or_else(|_| default.to_owned());
    let number = |word: &str| word.trim().parse().expect("numbers with commas between");
    text.split(',').map(number).collect()
}

fn middle(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all.get(all.len() / 2).copied().unwrap_or(f64::NAN)
}

fn node(number: usize) -> FakeNode {
    FakeNode::named(&format!("gpu-node-{number:05}"))
        .gpus(A100, 8)
        .cores(96)
        .memory_gib(1900)
}

/// Twenty shapes of whole GPUs and cores, or always the first of them.
fn pod(number: usize, pods: Pods) -> Value {
    let shape = if pods == Pods::Mixed { number % 20 } else { 0 };
    let gpus = [1, 1, 2, 1, 4, 0, 1, 8, 2, 0][shape % 10];
    let cores = [8, 4, 16, 11, 32, 4, 6, 64, 12, 1][shape % 10] + shape as u32 / 10;
    let pod = FakePod::named(&format!("pod-{number}"))
        .request("cpu", &cores.to_string())
        .request("memory", "8Gi");
    let pod = if gpus == 0 { pod } else { pod.gpus(gpus) };
    if pods != Pods::Soft {
        return pod.into();
    }
    let term = json!({"weight": 1, "preference": {"matchExpressions": [
        {"key": "example.com/zone", "operator": "In", "values": ["a"]}]}});
    let wish = json!({"preferredDuringSchedulingIgnoredDuringExecution": [term]});
    pod.affinity(json!({"nodeAffinity": wish})).into()
}
