//! Requests that make no sense on any node are refused when they are made; the largest and the
//! smallest that do are not.

use std::num::NonZeroU8;

use stowage_core::request::{ContainerRequest, MAX_CONTAINERS, Models, PodRequest, RequestError};
use stowage_core::strategy::Strategy::Fgd;
use stowage_core::units::{Mebibytes, Milli};

use crate::drawing::Then::Becomes;
use crate::drawing::{check, request, share_of, try_request};

#[test]
fn as_many_devices_as_a_node_may_have_can_be_taken_at_once() {
    let idle = format!("a: {}0m 0Mi 1p", ". ".repeat(64));
    let full = format!("a: {}0m 0Mi 0p", "x ".repeat(64));
    check(&idle, "whole 64", Fgd, Becomes(&full));
    check(&idle, "share 1000 x64", Fgd, Becomes(&full));
}

#[test]
fn requests_that_no_node_could_ever_answer_are_refused_when_made() {
    assert_eq!(try_request("whole 65"), Err(RequestError::Devices(65)));
    assert_eq!(try_request("share 1 x255"), Err(RequestError::Devices(255)));
    assert_eq!(
        try_request("share 1001 vram 1"),
        Err(RequestError::Share(Milli(1001)))
    );
    assert_eq!(
        try_request("share 1 vram 1001/1000"),
        Err(RequestError::Share(Milli(1001)))
    );
    assert_eq!(try_request("share 0 vram 0"), Err(RequestError::Nothing));
    assert_eq!(
        try_request("share 0 vram 0/1000"),
        Err(RequestError::Nothing)
    );
    assert_eq!(try_request("none + share 0"), Err(RequestError::Nothing));
    let nobody = Models::OneOf([].into());
    let made = PodRequest::new(&[share_of(1)], Milli(0), Mebibytes(0), nobody);
    assert_eq!(made, Err(RequestError::Models));
    let many = [ContainerRequest::None; MAX_CONTAINERS + 1];
    let made = |n: usize| PodRequest::new(&many[..n], Milli(0), Mebibytes(0), Models::Any);
    assert_eq!(made(65).map(|_| ()), Err(RequestError::Containers(65)));
    assert_eq!(made(64).map(|pod| pod.containers().len()), Ok(64));
}

#[test]
fn largest_and_smallest_possible_requests_are_made() {
    let largest = [ContainerRequest::Whole {
        count: NonZeroU8::MIN,
    }];
    assert_eq!(request("whole 1").containers(), largest);
    assert_eq!(request("share 1000 x32 vram 1000/1000").gpu_milli(), 32_000);
    assert_eq!(request("share 0 vram 1").gpu_milli(), 0);
    assert!(request("share 0 vram 1").wants_gpu() && !request("none + none").wants_gpu());
    let message = try_request("share 1001").map_err(|error| error.to_string());
    let expected = "a share of 1001 thousandths of a device: expected at most 1000";
    assert_eq!(message.map(|_| ()), Err(expected.to_owned()));
}
