//! kube-scheduler's extender protocol: what comes in and what goes out, byte for byte.
//!
//! Field names are Go's: PascalCase, absent values as `null` (Kubernetes
//! `k8s.io/kube-scheduler/extender/v1/types.go`). Requests are read without copying: a cluster of
//! 5,000 nodes sends all names twice a pod. Nothing is decided here.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
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

/// A node's name. Borrowed is what stood between the quotes of a JSON string without an escape, so
/// it may be written between quotes again as it is.
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
        // Once for all of it: cheaper than for each of thousands of names.
        let body = std::str::from_utf8(body).map_err(|e| WireError::Json(e.to_string()))?;
        let args: ExtenderArgs<'a> =
            serde_json::from_str(body).map_err(|e| WireError::Json(e.to_string()))?;
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
///
/// `FailedNodes`, nodes that could take the pod after an eviction, is always empty: up to Kubernetes
/// 1.37 kube-scheduler cannot evict for what only an extender sees, and retries in a hot loop when
/// asked to.
#[derive(Debug, Default)]
pub struct FilterResult<'a> {
    /// Nodes that can take the pod.
    pub node_names: Vec<&'a Name<'a>>,
    /// Nodes that cannot, and why.
    pub failed_and_unresolvable_nodes: Vec<(&'a Name<'a>, &'a str)>,
}

impl FilterResult<'_> {
    /// Its JSON. Written by hand: these two lists are most of what a call costs.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        let names = self.node_names.iter().map(|name| name.0.len() + 3);
        let failed = self.failed_and_unresolvable_nodes.iter();
        let failed = failed.map(|(name, reason)| name.0.len() + reason.len() + 6);
        let mut out = Vec::with_capacity(128 + names.sum::<usize>() + failed.sum::<usize>());
        out.extend_from_slice(br#"{"Nodes":null,"NodeNames":["#);
        for (at, node) in self.node_names.iter().enumerate() {
            separate(&mut out, at);
            name(&mut out, node);
        }
        out.extend_from_slice(br#"],"FailedNodes":{},"FailedAndUnresolvableNodes":{"#);
        for (at, (node, reason)) in self.failed_and_unresolvable_nodes.iter().enumerate() {
            separate(&mut out, at);
            name(&mut out, node);
            out.push(b':');
            string(&mut out, reason);
        }
        out.extend_from_slice(br#"},"Error":""}"#);
        out
    }
}

/// The answer to a prioritize call: nodes with their scores, as JSON.
#[must_use]
pub fn priorities(names: &[Name<'_>], scores: &[i64]) -> Vec<u8> {
    let length = names.iter().map(|name| name.0.len() + 28);
    let mut out = Vec::with_capacity(2 + length.sum::<usize>());
    out.push(b'[');
    for (at, (host, score)) in names.iter().zip(scores).enumerate() {
        separate(&mut out, at);
        out.extend_from_slice(br#"{"Host":"#);
        name(&mut out, host);
        out.extend_from_slice(br#","Score":"#);
        number(&mut out, *score);
        out.push(b'}');
    }
    out.push(b']');
    out
}

fn separate(out: &mut Vec<u8>, at: usize) {
    if at > 0 {
        out.push(b',');
    }
}

fn name(out: &mut Vec<u8>, name: &Name<'_>) {
    match &name.0 {
        Cow::Borrowed(text) => quote(out, text),
        Cow::Owned(text) => string(out, text),
    }
}

/// A string: as it is if no character of it needs an escape.
fn string(out: &mut Vec<u8>, text: &str) {
    let awkward = |byte: u8| u8::from(byte < b' ' || byte == b'"' || byte == b'\\');
    if text.bytes().fold(0, |any, byte| any | awkward(byte)) == 0 {
        quote(out, text);
    } else {
        out.extend_from_slice(serde_json::Value::from(text).to_string().as_bytes());
    }
}

fn quote(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    out.extend_from_slice(text.as_bytes());
    out.push(b'"');
}

fn number(out: &mut Vec<u8>, number: i64) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    let mut rest = number.unsigned_abs();
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if number < 0 {
        out.push(b'-');
    }
    out.extend_from_slice(&digits[at..]);
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
        let [a, b, c, d] = ["a", "b", "c", "d"].map(|name| Name(Cow::Borrowed(name)));
        let filter = FilterResult {
            node_names: vec![&a, &b],
            failed_and_unresolvable_nodes: vec![(&c, "no"), (&d, "never")],
        };
        assert_eq!(
            text(filter.to_json()),
            r#"{"Nodes":null,"NodeNames":["a","b"],"FailedNodes":{},"FailedAndUnresolvableNodes":{"c":"no","d":"never"},"Error":""}"#
        );
        let list = priorities(&[a, b], &[2, 1]);
        assert_eq!(
            text(list),
            r#"[{"Host":"a","Score":2},{"Host":"b","Score":1}]"#
        );
        let bound = serde_json::to_string(&BindResult::default()).expect("json");
        assert_eq!(bound, r#"{"Error":""}"#);
    }
    #[test]
    fn names_come_back_as_they_came() {
        let body =
            r#"{"Pod":{},"NodeNames":["gpu-1.x","ä","a\"b","a\\b","\n","\u0001x","\u00e4\/"]}"#;
        let call = Call::parse(body.as_bytes(), 10).expect("a call");
        let node_names: Vec<_> = call.names.iter().collect();
        let result = FilterResult {
            node_names,
            failed_and_unresolvable_nodes: vec![(&call.names[2], "says \"no\"\n")],
        };
        let back: serde_json::Value = serde_json::from_slice(&result.to_json()).expect("JSON");
        let names: Vec<&str> = call.names.iter().map(|name| &*name.0).collect();
        assert_eq!(back["NodeNames"], serde_json::json!(names));
        assert_eq!(back["FailedAndUnresolvableNodes"]["a\"b"], "says \"no\"\n");
    }

    #[test]
    fn numbers_are_written_as_a_library_writes_them() {
        for value in [0, 1, -1, 9, 10, 1_234_567_890, i64::MAX, i64::MIN] {
            let mut out = Vec::new();
            number(&mut out, value);
            assert_eq!(text(out), value.to_string());
        }
    }

    fn text(bytes: Vec<u8>) -> String {
        String::from_utf8(bytes).expect("UTF-8")
    }
}
