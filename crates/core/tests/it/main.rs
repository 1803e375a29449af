//! The tests of the decision core through its public face.
//!
//! `drawing` is the language they speak: a test is a picture of a cluster, a pod in a line of text,
//! and what should come of it. `history` makes random clusters and random lives for them. What is
//! fast in the core is judged by something naive here: `together` enumerates, `fgd` loops over all
//! classes, `ranking` compares with the verbs that look at every node.

mod drawing;
mod pods;
mod history;
mod requests;
mod fits;
mod together;
mod strategies;
mod ties;
mod fgd;
mod ranking;
mod cluster;
mod nodes;
mod audit;
mod workload;
mod live_steps;
mod live;
mod unknown;
mod rules;
mod parts;
mod parts_oracle;
mod links;
mod links_oracle;
mod mig_drawing;
mod mig_table;
mod mig_boards;
mod mig_choice;
mod mig_packing;
mod mig_nodes;
