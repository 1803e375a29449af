//! What each mode promises, on the real kube-scheduler with the configuration that is shipped.

use serde_json::json;
use stowage::playground::{FakeNode, FakePod};

use super::ledger;
use super::rig::{Rig, Setup, shared_node};

/// `full` has less left and is ranked first for packing; `liked` is what the pod prefers.
fn nodes() -> Vec<FakeNode> {
    vec![
        shared_node("full", 1, 16).label("zone", "one"),
        shared_node("liked", 8, 96).label("zone", "two"),
    ]
}

fn choosy(name: &str) -> FakePod {
    let terms = json!([{"weight": 1, "preference": {"matchExpressions":
        [{"key": "zone", "operator": "In", "values": ["two"]}]}}]);
    let affinity =
        json!({"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": terms}});
    FakePod::named(name)
        .request("cpu", "1")
        .limit("stowage.dev/gpu-compute", "30")
        .affinity(affinity)
}

async fn goes_to(scheduler: &str, mode: &str, short_lists: bool, expected: &str) {
    let server = format!(
        "policy: {{strategy: best-fit}}\n\
         profiles: [{{schedulerName: stowage, mode: {mode}, shortLists: {short_lists}}}]"
    );
    let setup = Setup {
        scheduler,
        server: &server,
        workload: None,
    };
    let Some(rig) = Rig::start(&setup, nodes()).await else {
        return;
    };
    rig.bind_all(vec![choosy("choosy")]).await;
    let places = ledger::check(&rig.client).await;
    assert_eq!(places["choosy"].0, expected, "{mode}");
    // A pod without a preference is packed, in every mode that decides by ranks.
    let plain = FakePod::named("plain")
        .request("cpu", "1")
        .limit("stowage.dev/gpu-compute", "30");
    rig.bind_all(vec![plain]).await;
    let places = ledger::check(&rig.client).await;
    assert_eq!(places["plain"].0, "full", "{mode}");
}

#[tokio::test(flavor = "multi_thread")]
async fn preferred_affinity_wins_over_packing_in_soft_first() {
    goes_to("secondary-scheduler.yaml", "soft-first", true, "liked").await;
    goes_to("secondary-scheduler.yaml", "soft-first", false, "liked").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn preferred_affinity_loses_in_decisive() {
    goes_to(
        "secondary-scheduler-decisive.yaml",
        "decisive",
        true,
        "full",
    )
    .await;
    goes_to(
        "secondary-scheduler-decisive.yaml",
        "decisive",
        false,
        "full",
    )
    .await;
}
