use std::sync::Arc;
use std::time::Duration;

use component::{Budget, Clock, SteppedClock};
use http_body_util::BodyExt;

use super::*;

const NOON: u64 = 1_700_000_000_000_000_000;

fn context() -> (Arc<SteppedClock>, BuildContext) {
    let clock = Arc::new(SteppedClock::at(NOON));
    let context = BuildContext::new(Arc::clone(&clock) as Arc<dyn Clock>, Budget::new(1), 1);
    (clock, context)
}

async fn text(response: Response<Payload>) -> (u16, String) {
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    (status, String::from_utf8_lossy(&body).into_owned())
}

#[tokio::test]
async fn a_process_in_which_data_flows_is_available() {
    let (clock, context) = context();
    context.health.enter(Phase::Ready, clock.now());
    clock.advance(Duration::from_secs(90));

    let (status, body) = text(answer(&HealthCheckConfig::default(), "/", &context)).await;

    assert_eq!(status, 200);
    assert_eq!(body, r#"{"status":"Server available","upSince":"2023-11-14T22:13:20.000000000Z","uptime":"1m30s"}"#);
}

#[tokio::test]
async fn a_process_that_starts_or_stops_is_not() {
    let (clock, context) = context();
    assert_eq!(text(answer(&HealthCheckConfig::default(), "/", &context)).await.0, 503);

    context.health.enter(Phase::Stopping, clock.now());
    assert_eq!(text(answer(&HealthCheckConfig::default(), "/", &context)).await.0, 503);
}

#[tokio::test]
async fn a_shard_that_is_being_restarted_is_told() {
    let (clock, context) = context();
    context.health.enter(Phase::Degraded("shard 0 is being restarted: batch panicked".into()), clock.now());

    let (status, body) = text(answer(&HealthCheckConfig::default(), "/", &context)).await;

    assert_eq!(status, 503);
    assert!(body.contains("shard 0 is being restarted: batch panicked"), "{body}");
}

#[tokio::test]
async fn other_paths_are_not_found_and_own_texts_are_used() {
    let (clock, context) = context();
    context.health.enter(Phase::Ready, clock.now());
    let own = config::ResponseBody { healthy: "fine".into(), unhealthy: "ill".into() };
    let config = HealthCheckConfig { response_body: Some(own), path: "/live".into(), ..HealthCheckConfig::default() };

    assert_eq!(text(answer(&config, "/", &context)).await.0, 404);
    assert_eq!(text(answer(&config, "/live", &context)).await, (200, "fine".into()));
}

#[test]
fn the_readme_has_every_key() {
    ::config::assert_readme_table::<HealthCheckConfig>(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/src/health_check/README.md"
    ));
}
