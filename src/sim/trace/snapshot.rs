//! A cluster as `kubectl get nodes,pods -A -o json` shows it, as the start of a replay.
//!
//! Pods that are bound stay: nobody knows when they will end. Pods that wait are jobs, submitted at once
//! and without an end; those of a pod group are a gang. Where their selectors, affinity and tolerations
//! let them go is settled here, once; jobs of another trace have no such rules and go to tainted nodes
//! too. A node that is cordoned takes nobody new.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use stowage_core::request::PodRequest;
use stowage_core::rules::{NodeRules, PodRules, judge};

use super::TraceNode;
use super::timed::{Job, NodeNames, Requests, Standing};
use crate::k8s::pod::PodFacts;
use crate::k8s::snapshot::{Demands, Snapshot, SnapshotError};

/// What a snapshot says.
#[derive(Debug, Clone)]
pub struct Start {
    /// The nodes.
    pub nodes: Vec<TraceNode>,
    /// Who is on them.
    pub standing: Standing,
    /// Who waits.
    pub waiting: Vec<Job>,
    /// What is left out, a sentence each.
    pub problems: Vec<String>,
}

/// Reads `file`.
///
/// # Errors
/// As [`Snapshot::read`].
pub fn load(file: &Path) -> Result<Start, SnapshotError> {
    let snapshot = Snapshot::read_with_rules(&[PathBuf::from(file)])?;
    Ok(start(snapshot))
}

fn start(snapshot: Snapshot) -> Start {
    let Snapshot {
        nodes,
        pods,
        mut problems,
        rules,
    } = snapshot;
    let facts: BTreeMap<Arc<str>, _> = nodes
        .iter()
        .map(|facts| (facts.node.name.clone(), facts))
        .collect();
    let mut standing = Vec::new();
    let mut standing_on: BTreeMap<Arc<str>, u32> = BTreeMap::new();
    for pod in &pods {
        let Some(node) = pod.holding_on() else {
            continue;
        };
        if !facts.contains_key(&node) {
            let pod = pod.full_name();
            problems.push(format!("pod {pod}: its node {node} is not there"));
            continue;
        }
        standing.extend(pod.bound_on(&facts, &mut problems));
        *standing_on.entry(node).or_insert(0) += 1;
    }
    let waits = |(pod, _): &(&PodFacts, &Demands)| pod.holding_on().is_none() && !pod.terminal;
    let waiting = pods.iter().zip(&rules.pods).filter(waits);
    let waiting = Waiting::new(&rules.nodes).jobs(waiting, &mut problems);
    let open = nodes.iter().map(|facts| {
        let mut node = facts.node.clone();
        if facts.unschedulable {
            node.room.pods = standing_on.get(&node.name).copied().unwrap_or(0);
        }
        node
    });
    Start {
        nodes: open.collect(),
        standing: Standing(standing),
        waiting,
        problems,
    }
}

/// Makes jobs of pods that wait.
struct Waiting<'a> {
    nodes: &'a [NodeRules],
    /// Rules seen, and the nodes that they let on; none: all.
    known: Vec<(PodRules, Option<Arc<NodeNames>>)>,
    requests: Requests,
}

impl<'a> Waiting<'a> {
    fn new(nodes: &'a [NodeRules]) -> Self {
        Self {
            nodes,
            known: Vec::new(),
            requests: Requests::default(),
        }
    }

    fn jobs<'p>(
        mut self,
        pods: impl Iterator<Item = (&'p PodFacts, &'p Demands)>,
        problems: &mut Vec<String>,
    ) -> Vec<Job> {
        let mut jobs = Vec::new();
        let mut gangs: BTreeMap<Gang, Vec<Arc<PodRequest>>> = BTreeMap::new();
        for (pod, demands) in pods {
            let name = pod.full_name();
            let (request, rules) = match (&pod.request, &demands.rules) {
                (Ok(request), Ok(rules)) => (request, rules),
                (Err(error), _) => {
                    problems.push(format!("pod {name}: {error}; it is left out"));
                    continue;
                }
                (_, Err(error)) => {
                    problems.push(format!("pod {name}: {error}; it is left out"));
                    continue;
                }
            };
            let (nodes, request) = (self.admitting(rules), self.requests.share(request.clone()));
            match &pod.pod_group {
                Some(group) => {
                    let group = format!("{}/{group}", pod.namespace);
                    let gang = (group.into(), &*pod.namespace, pod.priority, nodes);
                    gangs.entry(gang).or_default().push(request);
                }
                None => {
                    let gang = (name.into(), &*pod.namespace, pod.priority, nodes);
                    jobs.push(job(gang, [request].into()));
                }
            }
        }
        jobs.extend(gangs.into_iter().map(|(gang, pods)| job(gang, pods.into())));
        let mut names = BTreeMap::new();
        for job in &mut jobs {
            let before: &mut u32 = names.entry(job.name.clone()).or_insert(0);
            *before += 1;
            if *before > 1 {
                job.name = format!("{} ({before})", job.name).into();
            }
        }
        jobs
    }

    /// The nodes that `rules` let on; none where they are all.
    fn admitting(&mut self, rules: &PodRules) -> Option<Arc<NodeNames>> {
        if let Some((_, nodes)) = self.known.iter().find(|(known, _)| known == rules) {
            return nodes.clone();
        }
        let admit = |node: &&NodeRules| judge(rules, node).is_ok();
        let names = self.nodes.iter().filter(admit).map(NodeRules::name);
        let names: NodeNames = names.map(Arc::from).collect();
        let some = (names.len() < self.nodes.len()).then(|| Arc::new(names));
        self.known.push((rules.clone(), some.clone()));
        some
    }
}

/// Name, namespace, priority, nodes.
type Gang<'a> = (Arc<str>, &'a str, i32, Option<Arc<NodeNames>>);

fn job((name, tenant, priority, nodes): Gang<'_>, pods: Arc<[Arc<PodRequest>]>) -> Job {
    Job {
        name,
        tenant: tenant.into(),
        submit: 0,
        duration: None,
        priority,
        pods,
        nodes,
    }
}
