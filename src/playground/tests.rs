//! The playground itself, and what the project ships for a cluster, on the real programs. Skipped
//! where there are none; `STOWAGE_REQUIRE_CONTROL_PLANE=1` makes that a failure.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use super::look::node_of;
use super::objects::A100;
use super::scheduler::{check_config, in_playground};
use super::{Binaries, Client, ControlPlane, FakeNode, FakePod, Identity, Scheduler};

const PATIENCE: Duration = Duration::from_secs(20);
/// A profile and nothing else: no extender.
const PLAIN: &str = "\
apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
clientConnection: {kubeconfig: KUBECONFIG, qps: 5000, burst: 5000}
leaderElection: {leaderElect: false}
profiles: [{schedulerName: stowage}]
";

#[tokio::test]
async fn five_pods_are_bound_and_no_process_is_left() {
    let Some(binaries) = Binaries::or_skip() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let control_plane = ControlPlane::start(folder.path(), &binaries).await.unwrap();
    let scheduler = Scheduler::start(&control_plane, PLAIN).await.unwrap();
    let client = control_plane.client(Identity::Admin).await.unwrap();

    let nodes = (1..=3).map(|n| FakeNode::named(&format!("gpu-{n}")).gpus(A100, 4));
    client.create(nodes).await.unwrap();
    let pods = (1..=5).map(|n| FakePod::named(&format!("pod-{n}")).gpus(2));
    client.create(pods).await.unwrap();
    let pods = client.wait_for_bound(5, PATIENCE).await.unwrap();
    assert!(
        pods.iter()
            .all(|pod| node_of(pod).unwrap().starts_with("gpu-"))
    );
    let metrics = scheduler.metrics().await.unwrap();
    assert!(metrics.contains("scheduler_schedule_attempts_total"));

    // Ten devices of twelve are taken, two on one node.
    client
        .create([FakePod::named("too-big").gpus(3)])
        .await
        .unwrap();
    let refused = client
        .wait_for_bound(6, Duration::from_secs(1))
        .await
        .unwrap_err();
    let refused = refused.to_string();
    assert!(refused.contains("Insufficient nvidia.com/gpu"), "{refused}");
    client
        .patch_pod_status("pod-1", &json!({"phase": "Succeeded"}))
        .await
        .unwrap();
    client
        .delete_pods(["pod-2", "pod-3", "pod-4", "pod-5"])
        .await
        .unwrap();
    client.wait_for_bound(2, PATIENCE).await.unwrap();
    client.clear().await.unwrap();
    assert!(client.pods().await.unwrap().is_empty());
    assert!(client.nodes().await.unwrap().is_empty());

    let mut ids = control_plane.process_ids();
    ids.push(scheduler.process_id());
    let running = |id: &u32| Path::new("/proc").join(id.to_string()).exists();
    assert_eq!(ids.len(), 3);
    if Path::new("/proc/self").exists() {
        assert!(ids.iter().all(running), "{ids:?}");
    }
    drop((scheduler, control_plane));
    assert!(!ids.iter().any(running), "{ids:?}");
}

/// Compiles if it holds.
#[test]
fn starts_can_be_spawned() {
    fn spawnable<T: Send + 'static>(_: impl FnOnce() -> T) {}
    let binaries = || Binaries::find().unwrap();
    spawnable(move || async move { ControlPlane::start(Path::new("."), &binaries()).await });
    spawnable(|| async {
        Client::connect(Path::new("."))
            .await?
            .create([FakePod::named("a")])
            .await
    });
    spawnable(|| async {
        Client::connect(Path::new("."))
            .await?
            .delete_pods(["a"])
            .await
    });
}

#[tokio::test]
async fn the_api_server_comes_back_where_it_was_with_what_it_had() {
    let Some(binaries) = Binaries::or_skip() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let mut control_plane = ControlPlane::start(folder.path(), &binaries).await.unwrap();
    let client = control_plane.client(Identity::Admin).await.unwrap();
    client.create([FakeNode::named("here")]).await.unwrap();
    let url = control_plane.url();

    control_plane.stop_api_server();
    assert!(client.nodes().await.is_err());
    control_plane.start_api_server().await.unwrap();
    assert_eq!(control_plane.url(), url);
    assert_eq!(client.nodes().await.unwrap().len(), 1);
}

#[tokio::test]
async fn an_object_with_an_unknown_field_is_refused() {
    let Some(binaries) = Binaries::or_skip() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let control_plane = ControlPlane::start(folder.path(), &binaries).await.unwrap();
    let client = control_plane.client(Identity::Admin).await.unwrap();
    let pod = FakePod::named("pod").set("/spec", "schedulerNane", json!("stowage"));
    let refused = client.check(pod.clone()).await.unwrap_err().to_string();
    assert!(refused.contains("schedulerNane"), "{refused}");
    assert!(client.create([pod]).await.is_err());
    client.check(FakePod::named("pod")).await.unwrap();
    assert!(client.pods().await.unwrap().is_empty());
}

#[test]
fn kube_scheduler_accepts_every_configuration_that_is_shipped() {
    let Some(binaries) = Binaries::or_skip() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let mut checked = 0;
    for entry in std::fs::read_dir(shipped("scheduler-config")).unwrap() {
        let file = entry.unwrap().path();
        let text = std::fs::read_to_string(&file).unwrap();
        let complete = check_config(&binaries, folder.path(), &in_playground(&text));
        let complete = complete.unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        assert!(complete.contains("urlPrefix: http://127.0.0.1:9300"));
        let twin = text.replace("ignorable:", "ignoreable:");
        let refused = check_config(&binaries, folder.path(), &in_playground(&twin));
        assert!(refused.unwrap_err().to_string().contains("ignoreable"));
        checked += 1;
    }
    assert_eq!(checked, 4);
}

#[tokio::test]
async fn the_manifests_are_valid_and_give_the_rights_that_are_needed() {
    let Some(binaries) = Binaries::or_skip() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let control_plane = ControlPlane::start(folder.path(), &binaries).await.unwrap();
    let admin = control_plane.client(Identity::Admin).await.unwrap();
    let manifests = manifests();
    assert_eq!(manifests.len(), 11);
    for object in &manifests {
        admin.check(object.clone()).await.unwrap();
        // The others need the namespace. A deployment does nothing here: there is no controller.
        admin.create([object.clone()]).await.unwrap();
    }
    // The namespace demands pods of the restricted kind; nobody else would notice before a pod is made.
    admin.check(pod_of_deployment(&manifests)).await.unwrap();

    let account = control_plane.client(Identity::ServiceAccount);
    let account = account.await.unwrap();
    until_allowed(&account).await;
    let refused = account.create([FakeNode::named("made-up")]).await;
    assert!(refused.unwrap_err().to_string().contains("forbidden"));

    // As it is shipped: leader election included, under the shipped lease, with the shipped rights.
    let shipped = in_playground(scheduler_configuration(&manifests));
    let shipped = shipped.replace("leaderElect: false", "leaderElect: true");
    let scheduler = Scheduler::start_as(&control_plane, &shipped, Identity::ServiceAccount);
    let scheduler = scheduler.await.unwrap();
    let lease =
        "/apis/coordination.k8s.io/v1/namespaces/stowage-system/leases/stowage-kube-scheduler";
    for _ in 0..500 {
        let lease = admin.text(lease).await.unwrap_or_default();
        if lease.contains("\"holderIdentity\":\"") {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let log = std::fs::read_to_string(scheduler.log_file()).unwrap();
    panic!("kube-scheduler does not lead:\n{log}");
}

#[test]
fn the_manifests_carry_the_shipped_soft_first_configuration() {
    let file = shipped("scheduler-config/secondary-scheduler.yaml");
    let file = std::fs::read_to_string(file).unwrap();
    assert_eq!(scheduler_configuration(&manifests()), file);
}

/// Rules are obeyed a moment after they are made.
async fn until_allowed(account: &Client) {
    for _ in 0..500 {
        if account.nodes().await.is_ok() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    account.nodes().await.unwrap();
}

fn shipped(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn manifests() -> Vec<Value> {
    let text = std::fs::read_to_string(shipped("deploy/secondary-scheduler.yaml")).unwrap();
    serde_saphyr::from_multiple(&text).unwrap()
}

fn of_kind<'m>(manifests: &'m [Value], kind: &str) -> &'m Value {
    manifests.iter().find(|m| m["kind"] == kind).unwrap()
}

fn scheduler_configuration(manifests: &[Value]) -> &str {
    let data = &of_kind(manifests, "ConfigMap")["data"];
    data["scheduler.yaml"].as_str().unwrap()
}

fn pod_of_deployment(manifests: &[Value]) -> Value {
    let deployment = of_kind(manifests, "Deployment");
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "stowage", "namespace": "stowage-system"},
        "spec": deployment["spec"]["template"]["spec"],
    })
}
