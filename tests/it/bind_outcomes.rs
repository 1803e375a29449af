//! Bind, against an API server that misbehaves: for each way in which a write can end, what is
//! answered and what stays booked.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use http::{Method, Request, Response, StatusCode};
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};
use stowage::k8s::bind::Api;
use stowage_core::node::Claim;
use stowage_core::units::PodUid;

use crate::serving::{self, Serving};

/// What the API server does with a Binding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Write {
    /// Applies it and answers so.
    Created,
    /// Answers a status; applied before or not.
    Status(u16, Applied),
    /// Closes the connection.
    Reset(Applied),
    /// Never answers.
    Hang(Applied),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Applied {
    Yes,
    No,
}

/// The pod as the API server has it.
#[derive(Debug, Clone)]
struct Stored {
    uid: String,
    node: Option<String>,
    annotations: Value,
}

#[derive(Clone)]
struct FakeApi {
    write: Write,
    /// What it does with the second Binding, if that is something else.
    second: Option<Write>,
    pod: Arc<Mutex<Option<Stored>>>,
    readable: Arc<Mutex<bool>>,
    posts: Arc<Mutex<u32>>,
}

impl FakeApi {
    fn new(write: Write) -> Self {
        let stored = Stored {
            uid: serving::uid(1),
            node: None,
            annotations: json!({}),
        };
        Self {
            write,
            second: None,
            pod: Arc::new(Mutex::new(Some(stored))),
            readable: Arc::new(Mutex::new(true)),
            posts: Arc::new(Mutex::new(0)),
        }
    }

    fn client(&self) -> Client {
        let fake = self.clone();
        let service = tower::service_fn(move |request: Request<Body>| {
            let fake = fake.clone();
            async move { fake.answer(request).await }
        });
        Client::new(service, "default")
    }

    async fn answer(&self, request: Request<Body>) -> Result<Response<Body>, std::io::Error> {
        if request.method() == Method::GET {
            return if *self.readable.lock().expect("lock") {
                Ok(self.get())
            } else {
                Err(std::io::Error::other("connection refused"))
            };
        }
        let number = {
            let mut posts = self.posts.lock().expect("lock");
            *posts += 1;
            *posts
        };
        let write = self.second.filter(|_| number > 1).unwrap_or(self.write);
        let body = request
            .into_body()
            .collect_bytes()
            .await
            .map_err(std::io::Error::other)?;
        let binding: Value = serde_json::from_slice(&body)?;
        let applied = match write {
            Write::Created => Applied::Yes,
            Write::Status(_, applied) | Write::Reset(applied) | Write::Hang(applied) => applied,
        };
        if applied == Applied::Yes {
            self.apply(&binding);
        }
        match write {
            Write::Created => Ok(status(201, "")),
            Write::Status(code, _) => Ok(status(code, "as the test wants it")),
            Write::Reset(_) => Err(std::io::Error::other("connection reset by peer")),
            Write::Hang(_) => std::future::pending().await,
        }
    }

    fn apply(&self, binding: &Value) {
        if let Some(pod) = self.pod.lock().expect("lock").as_mut() {
            pod.node = binding["target"]["name"].as_str().map(str::to_owned);
            pod.annotations = binding["metadata"]["annotations"].clone();
        }
    }

    fn get(&self) -> Response<Body> {
        match &*self.pod.lock().expect("lock") {
            None => status(404, "pods \"pod-1\" not found"),
            Some(pod) => {
                let json = json!({
                    "metadata": {"name": "pod-1", "namespace": "default", "uid": pod.uid,
                                 "annotations": pod.annotations},
                    "spec": {"nodeName": pod.node},
                });
                Response::new(Body::from(json.to_string().into_bytes()))
            }
        }
    }
}

fn status(code: u16, message: &str) -> Response<Body> {
    let body = json!({"kind": "Status", "code": code, "message": message}).to_string();
    let mut response = Response::new(Body::from(body.into_bytes()));
    *response.status_mut() = StatusCode::from_u16(code).expect("a status");
    response
}

/// A server whose bind deadline is short, and which disproves an open write after 400 ms.
fn serve(fake: &FakeApi) -> Serving {
    let nodes = [serving::node("a", 1)];
    let api = || Some(Api::new(fake.client(), Duration::from_millis(200), None));
    Serving::start(&nodes, &[], api, |config| {
        config.times.bind_deadline_ms = 200;
        config.times.api_server_timeout_ms = 200;
    })
}

fn bind(serving: &Serving) -> String {
    let pod = serving::pod(1, &json!({"nvidia.com/gpu": "1"}));
    let (code, _) = serving.ask("/filter", &json!({"Pod": pod, "NodeNames": ["a"]}));
    assert_eq!(code, 200);
    let call = json!({"PodName": "pod-1", "PodNamespace": "default", "PodUID": serving::uid(1), "Node": "a"});
    let (code, answer) = serving.ask("/bind", &call);
    assert_eq!(code, 200, "{answer}");
    answer["Error"].as_str().expect("an Error field").to_owned()
}

/// What is booked for the pod: `assumed`, `bound` or `nothing`.
fn booked(serving: &Serving) -> &'static str {
    let uid = PodUid(0x0000_0000_0000_4000_8000_0000_0000_0001);
    serving.server.live.update(|live| {
        match live
            .planner
            .cluster()
            .hold_of(uid)
            .map(|(_, hold)| &hold.claim)
        {
            None => "nothing",
            Some(Claim::Assumed(_)) => "assumed",
            Some(Claim::Bound(_)) => "bound",
            Some(Claim::Foreign) => "foreign",
        }
    })
}

#[expect(clippy::disallowed_methods, reason = "a test's deadline")]
fn becomes(serving: &Serving, expected: &str) {
    let started = Instant::now();
    while booked(serving) != expected {
        assert!(
            started.elapsed() < Duration::from_secs(10),
            "{} for ever",
            booked(serving)
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn created_is_bound() {
    let fake = FakeApi::new(Write::Created);
    let serving = serve(&fake);
    assert_eq!(bind(&serving), "");
    assert_eq!(booked(&serving), "bound");
    let pod = fake.pod.lock().expect("lock").clone().expect("it is there");
    assert_eq!(pod.node.as_deref(), Some("a"));
    let placement = pod.annotations["stowage.dev/placement"]
        .as_str()
        .expect("a placement");
    assert!(placement.contains("GPU-a-0"), "{placement}");
}

#[test]
fn conflict_with_our_own_earlier_write_is_bound() {
    let fake = FakeApi::new(Write::Status(409, Applied::Yes));
    let serving = serve(&fake);
    assert_eq!(bind(&serving), "");
    assert_eq!(booked(&serving), "bound");
}

#[test]
fn conflict_with_another_node_is_refused_and_frees() {
    let fake = FakeApi::new(Write::Status(409, Applied::No));
    if let Some(pod) = fake.pod.lock().expect("lock").as_mut() {
        pod.node = Some("b".to_owned());
    }
    let serving = serve(&fake);
    assert_eq!(bind(&serving), "as the test wants it");
    assert_eq!(booked(&serving), "nothing");
}

#[test]
fn conflict_that_cannot_be_read_back_stays_booked() {
    let fake = FakeApi::new(Write::Status(409, Applied::Yes));
    *fake.readable.lock().expect("lock") = false;
    let serving = serve(&fake);
    assert!(bind(&serving).starts_with("not known yet"));
    assert_eq!(booked(&serving), "assumed");
    *fake.readable.lock().expect("lock") = true;
    becomes(&serving, "bound");
}

#[test]
fn pod_that_is_gone_is_refused_and_frees() {
    let fake = FakeApi::new(Write::Status(404, Applied::No));
    let serving = serve(&fake);
    assert_eq!(bind(&serving), "as the test wants it");
    assert_eq!(booked(&serving), "nothing");
}

#[test]
fn pod_of_another_uid_is_refused_and_frees() {
    let fake = FakeApi::new(Write::Status(409, Applied::No));
    if let Some(pod) = fake.pod.lock().expect("lock").as_mut() {
        pod.uid = serving::uid(2);
    }
    let serving = serve(&fake);
    assert_eq!(bind(&serving), "as the test wants it");
    assert_eq!(booked(&serving), "nothing");
}

#[test]
fn invalid_binding_is_refused_and_frees() {
    for code in [400, 401, 403, 422] {
        let serving = serve(&FakeApi::new(Write::Status(code, Applied::No)));
        assert_eq!(bind(&serving), "as the test wants it");
        assert_eq!(booked(&serving), "nothing", "{code}");
    }
}

#[test]
fn open_write_that_was_applied_is_found_bound() {
    let writes = [
        Write::Status(429, Applied::Yes),
        Write::Status(500, Applied::Yes),
        Write::Status(504, Applied::Yes),
        Write::Reset(Applied::Yes),
        Write::Hang(Applied::Yes),
    ];
    for write in writes {
        let serving = serve(&FakeApi::new(write));
        assert!(bind(&serving).starts_with("not known yet"), "{write:?}");
        becomes(&serving, "bound");
    }
}

#[test]
fn open_write_is_freed_only_when_it_is_disproved() {
    let writes = [
        Write::Status(429, Applied::No),
        Write::Status(500, Applied::No),
        Write::Reset(Applied::No),
        Write::Hang(Applied::No),
    ];
    for write in writes {
        let fake = FakeApi::new(write);
        *fake.readable.lock().expect("lock") = false;
        let serving = serve(&fake);
        assert!(bind(&serving).starts_with("not known yet"), "{write:?}");
        // Long after every deadline, but never read: time alone frees nothing.
        std::thread::sleep(Duration::from_millis(800));
        assert_eq!(booked(&serving), "assumed", "{write:?}");
        *fake.readable.lock().expect("lock") = true;
        becomes(&serving, "nothing");
        assert_eq!(
            *fake.posts.lock().expect("lock"),
            1,
            "{write:?}: writes are not repeated"
        );
    }
}

#[test]
fn refusal_of_a_second_attempt_frees_nothing_while_the_first_is_open() {
    let mut fake = FakeApi::new(Write::Hang(Applied::No));
    fake.second = Some(Write::Status(403, Applied::No));
    *fake.readable.lock().expect("lock") = false;
    let serving = serve(&fake);
    assert!(bind(&serving).starts_with("not known yet"));
    let again = bind(&serving);
    assert!(again.starts_with("not known yet"), "{again}");
    assert_eq!(*fake.posts.lock().expect("lock"), 2);
    assert_eq!(booked(&serving), "assumed");
    *fake.readable.lock().expect("lock") = true;
    becomes(&serving, "nothing");
}

#[test]
fn device_of_an_undecided_bind_goes_to_nobody_else() {
    let fake = FakeApi::new(Write::Hang(Applied::No));
    *fake.readable.lock().expect("lock") = false;
    let serving = serve(&fake);
    assert!(bind(&serving).starts_with("not known yet"));
    let other = serving::pod(2, &json!({"nvidia.com/gpu": "1"}));
    let (_, answer) = serving.ask("/filter", &json!({"Pod": other, "NodeNames": ["a"]}));
    assert_eq!(answer["NodeNames"], json!([]));
    assert_eq!(
        answer["FailedAndUnresolvableNodes"]["a"],
        "too few idle GPUs"
    );
}
