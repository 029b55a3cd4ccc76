use super::*;
use crate::story::{client, story};

#[test]
fn what_comes_goes_on() {
    let mut forward = story(&FACTORY, "");

    forward.receives(&[client("front", 1)]);

    assert_eq!(forward.times_told(), 1);
}
