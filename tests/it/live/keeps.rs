//! Never over-committed, whatever comes at once; and everything that fits is bound in the end.

use std::time::Duration;

use serde_json::json;
use stowage::playground::FakePod;

use super::ledger;
use super::rig::{PATIENCE, Rig, Setup, shared_node};
use crate::http;

const SETUP: Setup<'static> = Setup {
    scheduler: "secondary-scheduler.yaml",
    server: "policy: {strategy: best-fit}",
    workload: None,
};

fn half(name: &str) -> FakePod {
    FakePod::named(name)
        .request("cpu", "1")
        .limit("stowage.dev/gpu-compute", "50")
}

#[tokio::test(flavor = "multi_thread")]
async fn sixteen_halves_burst_onto_eight_gpus() {
    let Some(rig) = Rig::start(&SETUP, vec![shared_node("a", 8, 96)]).await else {
        return;
    };
    rig.bind_all((0..16).map(|n| half(&format!("half-{n}"))).collect())
        .await;
    assert_eq!(ledger::check(&rig.client).await.len(), 16);
    // The seventeenth waits, says why in words that never change, and is not asked about for ever.
    rig.client
        .create([half("one-too-many")])
        .await
        .expect("it is taken");
    tokio::time::sleep(Duration::from_secs(2)).await;
    let asked = |rig: &Rig| rig.metric("stowage_calls_total{verb=\"filter\",outcome=\"none\"} ");
    let before = asked(&rig);
    tokio::time::sleep(Duration::from_secs(10)).await;
    let after = asked(&rig);
    assert!(
        before >= 1 && after - before <= 2,
        "{before} calls at first, then {after}"
    );
    let pods = rig.client.pods().await.expect("pods can be read");
    let waiting = pods
        .iter()
        .find(|pod| pod.metadata.name.as_deref() == Some("one-too-many"));
    let said = waiting.and_then(stowage::playground::look::unscheduled);
    let (_, message) = said.expect("kube-scheduler says why");
    assert!(
        message.contains("1 no GPU with so large a share left"),
        "{message}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn five_hundred_pods_on_capacity_for_three_hundred_with_deletions() {
    let nodes = (0..25)
        .map(|n| shared_node(&format!("n-{n:02}"), 6, 96))
        .collect();
    let Some(rig) = Rig::start(&SETUP, nodes).await else {
        return;
    };
    // 150 GPUs have room for 300 halves; 500 come.
    rig.client
        .create((0..500).map(|n| half(&format!("h-{n:03}"))))
        .await
        .expect("taken");
    rig.client
        .wait_for_bound(300, PATIENCE)
        .await
        .expect("as many as fit");
    assert_eq!(ledger::check(&rig.client).await.len(), 300);
    for round in 0..3 {
        let places = ledger::check(&rig.client).await;
        let gone: Vec<_> = places
            .keys()
            .skip(round)
            .step_by(7)
            .map(String::as_str)
            .collect();
        rig.client
            .delete_pods(gone.iter().copied())
            .await
            .expect("deleted");
        let left = rig.client.pods().await.expect("pods can be read").len();
        rig.client
            .wait_for_bound(left.min(300), PATIENCE)
            .await
            .expect("room is used again");
        assert_eq!(ledger::check(&rig.client).await.len(), left.min(300));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn second_instance_refuses_to_bind_and_says_who_holds_the_lease() {
    let setup = Setup {
        server: "policy: {strategy: best-fit}\nlease: {namespace: default, name: stowage}",
        ..SETUP
    };
    let Some(rig) = Rig::start(&setup, vec![shared_node("a", 8, 96)]).await else {
        return;
    };
    rig.bind_all(vec![half("first")]).await;
    let second = rig.second(&["--identity", "the-second"]);
    rig.client
        .create([half("other").scheduler("nobody")])
        .await
        .expect("taken");
    let pods = rig.client.pods().await.expect("pods can be read");
    let other = pods
        .iter()
        .find(|pod| pod.metadata.name.as_deref() == Some("other"));
    let uid = other
        .and_then(|pod| pod.metadata.uid.clone())
        .expect("it has a UID");
    let call = json!({"PodName": "other", "PodNamespace": "default", "PodUID": uid, "Node": "a"});
    // Its own lease record says nobody until it has looked once.
    let mut answer = String::new();
    for _ in 0..100 {
        answer = http::post(second.verbs, "/bind", call.to_string().as_bytes()).1;
        if answer.contains("does") && !answer.contains("yet") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(
        answer.contains("this instance does not hold the lease"),
        "{answer}"
    );
    assert!(!answer.contains("the-second does"), "{answer}");
    let bound = ledger::check(&rig.client).await;
    assert_eq!(
        bound.keys().map(String::as_str).collect::<Vec<_>>(),
        ["first"]
    );
}
