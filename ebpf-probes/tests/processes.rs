//! Processes begin, become programs, and end.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a surprise ends the test")]

mod common;

use std::process::Command;

use common::Story;
use ebpf_probes::Tgid;

#[test]
fn a_new_program_tells_its_name_and_its_variables() {
    let Some(mut story) = Story::begin() else { return };

    let mut child = Command::new("/bin/true")
        .env_clear()
        .env("BEFORE", "x".repeat(5000))
        .env("NOT_OTEL_SERVICE_NAME", "no")
        .env("OTEL_SERVICE_NAME", "cart")
        .env("OTEL_RESOURCE_ATTRIBUTES", "k8s.namespace.name=shop,k8s.deployment.name=cart")
        .env("PASSWORD", "secret")
        .spawn()
        .unwrap();
    child.wait().unwrap();

    let tgid = Tgid(child.id());
    story.until("its start and end", |seen| seen.exits.contains(&tgid));
    let started = story.seen.started.iter().find(|started| started.tgid == tgid).unwrap();
    assert_eq!(started.filename, "/bin/true");
    assert_eq!(started.parent.0, std::process::id());
    assert_eq!(started.service_name.as_deref(), Some("cart"));
    assert_eq!(started.resource_attributes.as_deref(), Some("k8s.namespace.name=shop,k8s.deployment.name=cart"));
    assert!(!started.environment_truncated);
}

#[test]
fn a_program_without_variables_has_none() {
    let Some(mut story) = Story::begin() else { return };

    let mut child = Command::new("/bin/true").env_clear().env("OTHER", "OTEL_SERVICE_NAME=inside").spawn().unwrap();
    child.wait().unwrap();

    let tgid = Tgid(child.id());
    story.until("its end", |seen| seen.exits.contains(&tgid));
    let started = story.seen.started.iter().find(|started| started.tgid == tgid).unwrap();
    assert_eq!((&started.service_name, &started.resource_attributes), (&None, &None));
}

#[test]
fn a_large_environment_is_walked_to_its_end() {
    let Some(mut story) = Story::begin() else { return };

    // A pod in a namespace with many Services: seven variables each.
    let many = (0..700).map(|number| (format!("SERVICE_{number}_PORT_80_TCP_ADDR"), "10.96.0.1".to_owned()));
    let mut child = Command::new("/bin/true")
        .env_clear()
        .envs(many)
        .env("ZOTEL", "1")
        .env("OTEL_SERVICE_NAME", "deep")
        .spawn()
        .unwrap();
    child.wait().unwrap();

    let tgid = Tgid(child.id());
    story.until("its end", |seen| seen.exits.contains(&tgid));
    let started = story.seen.started.iter().find(|started| started.tgid == tgid).unwrap();
    assert_eq!(started.service_name.as_deref(), Some("deep"));
}

#[test]
fn a_value_that_is_too_long_is_told_as_cut() {
    let Some(mut story) = Story::begin() else { return };

    let long = "k=".to_owned() + &"v".repeat(6000);
    let mut child = Command::new("/bin/true").env_clear().env("OTEL_RESOURCE_ATTRIBUTES", long).spawn().unwrap();
    child.wait().unwrap();

    let tgid = Tgid(child.id());
    story.until("its end", |seen| seen.exits.contains(&tgid));
    let started = story.seen.started.iter().find(|started| started.tgid == tgid).unwrap();
    assert!(started.environment_truncated);
    assert!(started.resource_attributes.as_ref().is_some_and(|text| text.starts_with("k=vvv") && text.len() < 4200));
}

#[test]
fn forks_and_exits_are_told_with_their_parents() {
    let Some(mut story) = Story::begin() else { return };

    // The inner shell forks without becoming another program.
    let mut child = Command::new("/bin/bash").args(["-c", "(exit 3); exit 0"]).spawn().unwrap();
    child.wait().unwrap();

    let shell = Tgid(child.id());
    story.until("the shell's end", |seen| seen.exits.contains(&shell));
    let inner = story.seen.forks.iter().find(|(parent, _)| *parent == shell).unwrap().1;
    assert!(story.seen.exits.contains(&inner));
    assert!(!story.seen.started.iter().any(|started| started.tgid == inner));
}
