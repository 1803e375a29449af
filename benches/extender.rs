//! Filter and prioritize over HTTP on a cluster of 5,000 nodes with 8 GPUs and 20,000 running pods,
//! beside a do-nothing extender in Go: `cargo bench --bench extender`.
//!
//! Both are separate processes on loopback and are asked in turns, in the same run, by one client that
//! keeps its connection as kube-scheduler does. A call is one pod: filter with all names, prioritize
//! with all names, JSON included. Stowage is also asked to bind every pod, so that its cluster changes
//! from call to call; that time is not counted. Not a test: nothing fails on a slow machine.

mod rival;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;

use rand::seq::SliceRandom as _;
use rand_pcg::Pcg64Mcg;
use rival::Process;
use serde_json::{Value, json};
use stowage::clock;

const NODES: usize = 5_000;
const GPUS: usize = 8;
const RUNNING: usize = 20_000;
const ROUNDS: usize = 10;
const CALLS: usize = 100;
const BLOCK: usize = 16;

/// What a pod asks for: GPUs or a share in percent, and cores. Twenty shapes.
const SHAPES: [(u32, u32, u32); 20] = [
    (1, 0, 8),
    (1, 0, 11),
    (1, 0, 4),
    (2, 0, 16),
    (4, 0, 32),
    (8, 0, 64),
    (1, 0, 12),
    (1, 0, 6),
    (0, 50, 4),
    (0, 25, 2),
    (0, 10, 1),
    (0, 80, 8),
    (0, 33, 3),
    (0, 47, 5),
    (0, 65, 6),
    (0, 0, 4),
    (0, 0, 8),
    (0, 0, 1),
    (2, 0, 8),
    (1, 0, 16),
];

fn main() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let snapshot = folder.path().join("cluster.json");
    std::fs::write(&snapshot, cluster().to_string()).expect("the snapshot is written");
    let config = folder.path().join("server.yaml");
    let text = "apiVersion: stowage.dev/v1alpha1\nkind: ServerConfiguration\n\
                profiles: [{schedulerName: stowage, shortLists: false}]\n";
    std::fs::write(&config, text).expect("the configuration is written");

    let started = clock::nanos();
    let (stowage, at) = start_stowage(&snapshot, &config);
    println!(
        "stowage: ready {:.2} s after start, snapshot read included",
        seconds(started)
    );
    let nothing = rival::build(folder.path()).map(|program| rival::start(&program, &[]));
    let names: Vec<_> = (0..NODES).map(|n| format!("gpu-node-{n:05}")).collect();

    let mut ours = Client::new(at);
    let mut theirs = nothing.as_ref().map(|(_, at)| Client::new(*at));
    let (mut our_times, mut their_times) = (Vec::new(), Vec::new());
    let mut number = RUNNING;
    let mut draws = Pcg64Mcg::new(1);
    for round in 0..ROUNDS {
        let mut our_round = Vec::new();
        let mut their_round = Vec::new();
        for _ in 0..CALLS {
            number += 1;
            // kube-scheduler's workers fill its list side by side: blocks in another order each time.
            let mut blocks: Vec<&[String]> = names.chunks(BLOCK).collect();
            blocks.shuffle(&mut draws);
            let names: Vec<_> = blocks.concat();
            let body =
                json!({"Pod": pod(number, None), "Nodes": null, "NodeNames": names}).to_string();
            let (time, fits) = one_call(&mut ours, &body);
            our_round.push(time);
            if fits {
                bind(&mut ours, number);
            }
            if let Some(theirs) = &mut theirs {
                their_round.push(one_call(theirs, &body).0);
            }
        }
        println!(
            "round {round}: stowage {}  nothing {}",
            show(&mut our_round),
            show(&mut their_round)
        );
        if round > 0 {
            our_times.extend(our_round);
            their_times.extend(their_round);
        }
    }
    println!("all but the first round: stowage {}", show(&mut our_times));
    println!(
        "all but the first round: nothing {}",
        show(&mut their_times)
    );
    if !their_times.is_empty() {
        let ratio = |p: usize| at_percent(&our_times, p) / at_percent(&their_times, p);
        println!(
            "stowage / nothing: p50 {:.2}, p99 {:.2}",
            ratio(50),
            ratio(99)
        );
    }
    println!("stowage: resident {} MB", resident_mb(stowage.0.id()));
}

/// Filter and prioritize of one pod: milliseconds, and whether it fits anywhere.
fn one_call(client: &mut Client, body: &str) -> (f64, bool) {
    let started = clock::nanos();
    let filtered = client.post("/filter", body);
    assert!(filtered.len() > 100, "an answer without nodes");
    let fits = !filtered.starts_with(br#"{"Nodes":null,"NodeNames":[],"#);
    let ranked = client.post("/prioritize", body);
    assert!(ranked.len() > 100, "an answer without nodes");
    (seconds(started) * 1e3, fits)
}

/// Binds the pod where it was ranked first.
fn bind(client: &mut Client, number: usize) {
    let ranked: Value = serde_json::from_slice(&client.last).expect("JSON");
    let list = ranked.as_array().expect("a list");
    let best = list
        .iter()
        .max_by_key(|entry| entry["Score"].as_i64())
        .expect("a node");
    let call = json!({"PodName": format!("pod-{number}"), "PodNamespace": "default",
                      "PodUID": uid(number), "Node": best["Host"]});
    let answer = client.post("/bind", &call.to_string());
    assert_eq!(String::from_utf8_lossy(answer), r#"{"Error":""}"#);
}

fn show(times: &mut [f64]) -> String {
    if times.is_empty() {
        return "not measured (no Go)".to_owned();
    }
    times.sort_by(f64::total_cmp);
    let [p50, p99, max] = [50, 99, 100].map(|p| at_percent(times, p));
    format!("p50 {p50:.2} ms, p99 {p99:.2} ms, max {max:.2} ms")
}

fn at_percent(sorted: &[f64], percent: usize) -> f64 {
    sorted[(sorted.len() - 1) * percent / 100]
}

fn seconds(since: u64) -> f64 {
    (clock::nanos() - since) as f64 / 1e9
}

/// A keep-alive connection.
struct Client {
    stream: BufReader<TcpStream>,
    last: Vec<u8>,
}

impl Client {
    fn new(to: SocketAddr) -> Self {
        let stream = TcpStream::connect(to).expect("it listens");
        stream.set_nodelay(true).expect("no delay");
        Self {
            stream: BufReader::new(stream),
            last: Vec::new(),
        }
    }

    fn post(&mut self, path: &str, body: &str) -> &[u8] {
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        self.stream
            .get_mut()
            .write_all(request.as_bytes())
            .expect("it reads");
        let (mut length, mut chunked) = (0, false);
        loop {
            let mut line = String::new();
            self.stream.read_line(&mut line).expect("it answers");
            let line = line.trim().to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(text) = line.strip_prefix("content-length:") {
                length = text.trim().parse().expect("a length");
            }
            chunked |= line == "transfer-encoding: chunked";
        }
        self.last.clear();
        if chunked {
            self.read_chunks();
        } else {
            self.last.resize(length, 0);
            self.stream
                .read_exact(&mut self.last)
                .expect("the whole answer");
        }
        &self.last
    }

    fn read_chunks(&mut self) {
        loop {
            let mut line = String::new();
            self.stream.read_line(&mut line).expect("a chunk");
            let size = usize::from_str_radix(line.trim(), 16).expect("a size");
            let start = self.last.len();
            self.last.resize(start + size + 2, 0);
            self.stream
                .read_exact(&mut self.last[start..])
                .expect("the whole chunk");
            self.last.truncate(start + size);
            if size == 0 {
                return;
            }
        }
    }
}

fn start_stowage(snapshot: &Path, config: &Path) -> (Process, SocketAddr) {
    let free = || {
        TcpListener::bind("127.0.0.1:0")
            .and_then(|l| l.local_addr())
            .expect("a port")
    };
    let (verbs, health) = (free(), free());
    let child = Command::new(env!("CARGO_BIN_EXE_stowage"))
        .args(["serve", "--snapshot"])
        .arg(snapshot)
        .arg("--config")
        .arg(config)
        .args([
            "--listen",
            &verbs.to_string(),
            "--health",
            &health.to_string(),
        ])
        .env("RUST_LOG", "warn")
        .spawn()
        .expect("stowage starts");
    let process = Process(child);
    while TcpStream::connect(verbs).is_err() {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    (process, verbs)
}

fn resident_mb(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kb = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
    kb.unwrap_or(0) / 1024
}

fn cluster() -> Value {
    let nodes = (0..NODES).map(|n| {
        let device = |index| {
            json!({"index": index, "uuid": format!("GPU-{n:05}-{index}"), "vendor": "nvidia",
                   "model": "A100-80GB", "memoryMib": 81920, "healthy": true})
        };
        let devices: Vec<_> = (0..GPUS).map(device).collect();
        let inventory = json!({"v": 1, "handOver": "stowage-nri", "devices": devices}).to_string();
        json!({"kind": "Node", "apiVersion": "v1",
            "metadata": {"name": format!("gpu-node-{n:05}"),
                         "annotations": {"stowage.dev/inventory": inventory}},
            "status": {"allocatable": {"cpu": "96", "memory": "1900Gi", "pods": "110"}}})
    });
    // Four pods a node, on devices 0 to 3, each of one GPU.
    let pods = (0..RUNNING).map(|number| pod(number, Some((number % NODES, number / NODES))));
    json!({"kind": "List", "apiVersion": "v1", "items": nodes.chain(pods).collect::<Vec<_>>()})
}

fn pod(number: usize, placed: Option<(usize, usize)>) -> Value {
    let (gpus, percent, cores) = if placed.is_some() {
        (1, 0, 8)
    } else {
        SHAPES[number % SHAPES.len()]
    };
    let mut limits = json!({});
    if gpus > 0 {
        limits["nvidia.com/gpu"] = json!(gpus.to_string());
    }
    if percent > 0 {
        limits["stowage.dev/gpu-compute"] = json!(percent.to_string());
    }
    let mut pod = json!({"kind": "Pod", "apiVersion": "v1",
        "metadata": {"name": format!("pod-{number}"), "namespace": "default", "uid": uid(number)},
        "spec": {"schedulerName": "stowage", "containers": [{"name": "main", "image": "registry.example/app:1",
            "resources": {"limits": limits, "requests": {"cpu": cores.to_string(), "memory": "16Gi"}}}]},
        "status": {"phase": "Pending"}});
    if let Some((node, device)) = placed {
        let gpu = json!({"gpu": format!("GPU-{node:05}-{device}"), "index": device, "memoryMib": 81920, "computeMilli": 1000});
        let placement = json!({"v": 1, "containers": {"main": [gpu]}}).to_string();
        pod["metadata"]["annotations"] = json!({"stowage.dev/placement": placement});
        pod["spec"]["nodeName"] = json!(format!("gpu-node-{node:05}"));
        pod["status"]["phase"] = json!("Running");
    }
    pod
}

fn uid(number: usize) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}
