//! A restart loses nothing, and neither does an API server that goes away.

use std::time::Duration;

use stowage::playground::FakePod;

use super::ledger;
use super::rig::{PATIENCE, Rig, Setup, shared_node};

const SETUP: Setup<'static> = Setup {
    scheduler: "secondary-scheduler.yaml",
    server: "policy: {strategy: best-fit}",
    workload: None,
};

fn pods(count: usize) -> Vec<FakePod> {
    let pod = |n: usize| {
        let pod = FakePod::named(&format!("p-{n:03}")).request("cpu", "1");
        if n.is_multiple_of(3) {
            pod.gpus(1)
        } else {
            pod.limit("stowage.dev/gpu-compute", "50")
        }
    };
    (0..count).map(pod).collect()
}

/// 200 GPUs exactly: 100 whole ones and 200 halves.
async fn start() -> Option<Rig> {
    let nodes = (0..25).map(|n| shared_node(&format!("n-{n:02}"), 8, 96));
    Rig::start(&SETUP, nodes.collect()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_ten_times_in_a_burst_it_loses_no_gpu_and_doubles_none() {
    let Some(mut rig) = start().await else {
        return;
    };
    rig.client.create(pods(300)).await.expect("pods are taken");
    for kill in 0..10_u64 {
        tokio::time::sleep(Duration::from_millis(100 + 137 * kill % 700)).await;
        rig.kill_and_restart();
    }
    rig.client
        .wait_for_bound(300, PATIENCE)
        .await
        .expect("all end bound");
    assert_eq!(ledger::check(&rig.client).await.len(), 300);
    rig.counts(300).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn api_server_gone_for_ten_seconds_loses_nothing() {
    let Some(mut rig) = start().await else {
        return;
    };
    rig.client.create(pods(300)).await.expect("pods are taken");
    tokio::time::sleep(Duration::from_millis(400)).await;
    rig.control_plane.stop_api_server();
    tokio::time::sleep(Duration::from_secs(10)).await;
    rig.control_plane
        .start_api_server()
        .await
        .expect("it starts again");
    rig.client
        .wait_for_bound(300, PATIENCE)
        .await
        .expect("all end bound");
    assert_eq!(ledger::check(&rig.client).await.len(), 300);
    rig.counts(300).await;
}
