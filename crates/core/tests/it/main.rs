//! The tests of the decision core through its public face.

mod live;
