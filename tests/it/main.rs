//! What the program promises, one module a promise. One binary, so that it links once.
//!
//! `support` is the only one that starts the program. Tests on the public trace find it through
//! `STOWAGE_TRACES` and say so when they cannot.

mod bad_input;
mod bind_outcomes;
mod config_check;
mod determinism;
mod explain;
mod extender_answers;
mod extender_input;
mod formats;
mod http;
mod inspect;
mod live;
mod openb;
mod readme;
mod report;
mod replay;
mod scenarios;
mod serving;
mod support;
mod tidy;
mod wire;
