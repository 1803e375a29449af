//! kube-scheduler's extender protocol: what comes in and what goes out, byte for byte.
//!
//! Field names are Go's: PascalCase, absent values as `null` (Kubernetes
//! `k8s.io/kube-scheduler/extender/v1/types.go`). Requests are read without copying: a cluster of
//! 5,000 nodes sends all names twice a pod. Nothing is decided here.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;
use thiserror::Error;

/// A filter or prioritize call.
#[derive(Debug)]
pub struct Call<'a> {
    /// The pod, as JSON.
    pub pod: &'a str,
    /// The nodes that are left.
    pub names: Vec<Name<'a>>,
}

/// A node's name.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub struct Name<'a>(#[serde(borrow)] pub Cow<'a, str>);

/// A call that cannot be answered.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum WireError {
    /// It is not the JSON that kube-scheduler sends.
    #[error("body: {0}")]
    Json(String),
    /// No pod in it.
    #[error("Pod: expected a pod, got null")]
    NoPod,
    /// Full nodes instead of their names.
    #[error("Nodes: expected node names only: set nodeCacheCapable: true for this extender")]
    FullNodes,
    /// Neither nodes nor names.
    #[error("NodeNames: expected a list of node names, got null")]
    NoNodes,
    /// More names than one call may carry.
    #[error("NodeNames: {got} names: expected at most {most}")]
    TooManyNodes {
        /// How many came.
        got: usize,
        /// How many may.
        most: usize,
    },
}

#[derive(Deserialize)]
struct ExtenderArgs<'a> {
    #[serde(borrow, default, rename = "Pod")]
    pod: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "Nodes")]
    nodes: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "NodeNames")]
    node_names: Option<Vec<Name<'a>>>,
}

impl<'a> Call<'a> {
    /// Reads the body of a filter or prioritize call with at most `most` names.
    ///
    /// # Errors
    /// When it is not such a call.
    pub fn parse(body: &'a [u8], most: usize) -> Result<Self, WireError> {
        let args: ExtenderArgs<'a> =
            serde_json::from_slice(body).map_err(|e| WireError::Json(e.to_string()))?;
        let pod = args.pod.ok_or(WireError::NoPod)?.get();
        let names = match (args.node_names, args.nodes) {
            (Some(names), _) => names,
            (None, Some(_)) => return Err(WireError::FullNodes),
            (None, None) => return Err(WireError::NoNodes),
        };
        if names.len() > most {
            let got = names.len();
            return Err(WireError::TooManyNodes { got, most });
        }
        Ok(Self { pod, names })
    }
}

/// A bind call.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct BindCall {
    /// The pod's name.
    pub pod_name: String,
    /// Its namespace.
    pub pod_namespace: String,
    /// Its UID.
    #[serde(rename = "PodUID")]
    pub pod_uid: String,
    /// The node it shall be bound to.
    pub node: String,
}

impl BindCall {
    /// Reads the body of a bind call.
    ///
    /// # Errors
    /// When it is not such a call.
    pub fn parse(body: &[u8]) -> Result<Self, WireError> {
        serde_json::from_slice(body).map_err(|e| WireError::Json(e.to_string()))
    }
}

/// The answer to a filter call.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct FilterResult<'a> {
    pub(super) nodes: (),
    /// Nodes that can take the pod.
    pub node_names: Vec<&'a str>,
    /// Nodes that could after an eviction. Empty: up to Kubernetes 1.37 kube-scheduler cannot
    /// evict for what only an extender sees, and retries in a hot loop when asked to.
    pub(super) failed_nodes: BTreeMap<&'a str, &'a str>,
    /// Nodes that cannot, and why.
    #[serde(serialize_with = "as_map")]
    pub failed_and_unresolvable_nodes: Vec<(&'a str, &'a str)>,
    /// Why there is no answer; empty if there is one.
    pub error: String,
}

fn as_map<S: Serializer>(pairs: &[(&str, &str)], to: S) -> Result<S::Ok, S::Error> {
    let mut map = to.serialize_map(Some(pairs.len()))?;
    for (name, reason) in pairs {
        map.serialize_entry(name, reason)?;
    }
    map.end()
}

/// The answer to a prioritize call: nodes with their scores.
#[derive(Debug, PartialEq, Eq)]
pub struct PriorityList<'a>(pub Vec<(&'a str, i64)>);

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct HostPriority<'a> {
    host: &'a str,
    score: i64,
}

impl Serialize for PriorityList<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut list = to.serialize_seq(Some(self.0.len()))?;
        for &(host, score) in &self.0 {
            list.serialize_element(&HostPriority { host, score })?;
        }
        list.end()
    }
}

/// The answer to a bind call.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct BindResult {
    /// Why the pod is not bound, or not known to be; empty if it is.
    pub error: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_read_without_copying_names() {
        let body = br#"{"Pod":{"metadata":{}},"Nodes":null,"NodeNames":["a","b"]}"#;
        let call = Call::parse(body, 2).expect("a call");
        assert_eq!(call.pod, r#"{"metadata":{}}"#);
        assert!(call.names.iter().all(|n| matches!(n.0, Cow::Borrowed(_))));
    }

    #[test]
    fn a_call_that_cannot_be_answered_says_why() {
        let error = |body: &str| Call::parse(body.as_bytes(), 1).expect_err(body);
        assert_eq!(error(r#"{"NodeNames":[]}"#), WireError::NoPod);
        assert_eq!(error(r#"{"Pod":{}}"#), WireError::NoNodes);
        assert_eq!(
            error(r#"{"Pod":{},"Nodes":{"items":[]}}"#),
            WireError::FullNodes
        );
        let most = WireError::TooManyNodes { got: 2, most: 1 };
        assert_eq!(error(r#"{"Pod":{},"NodeNames":["a","b"]}"#), most);
        assert!(matches!(error("{"), WireError::Json(_)));
        assert!(matches!(error(&"[".repeat(100_000)), WireError::Json(_)));
    }

    #[test]
    fn answers_have_the_keys_and_nulls_of_the_protocol() {
        let filter = FilterResult {
            node_names: vec!["a"],
            failed_and_unresolvable_nodes: vec![("b", "no")],
            ..FilterResult::default()
        };
        let json = |value| serde_json::to_string(&value).expect("json");
        assert_eq!(
            json(serde_json::to_value(filter).expect("json")),
            r#"{"Error":"","FailedAndUnresolvableNodes":{"b":"no"},"FailedNodes":{},"NodeNames":["a"],"Nodes":null}"#
        );
        let list = PriorityList(vec![("a", 2)]);
        let list = serde_json::to_string(&list).expect("json");
        assert_eq!(list, r#"[{"Host":"a","Score":2}]"#);
        let bound = serde_json::to_string(&BindResult::default()).expect("json");
        assert_eq!(bound, r#"{"Error":""}"#);
    }
}
