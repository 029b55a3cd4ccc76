//! OTLP over HTTP, the client's side.

use bytes::Bytes;
use http::HeaderValue;
use http::header::CONTENT_TYPE;

use super::client::{HttpClient, HttpResponse, Target};
use crate::delivery::DeliveryError;
use crate::intake::Encoding;
use crate::partial::PartialSuccess;
use crate::status::Status;

/// Posts one export request and reads the answer as the OTLP specification says.
pub async fn export_over_http(
    client: &HttpClient,
    target: &Target,
    encoding: Encoding,
    segments: impl IntoIterator<Item = Bytes>,
) -> Result<PartialSuccess, DeliveryError> {
    let content_type = match encoding {
        Encoding::Protobuf => HeaderValue::from_static("application/x-protobuf"),
        Encoding::Json => HeaderValue::from_static("application/json"),
    };
    let response = client.post(target, content_type, segments).await?;
    if response.status.is_success() { Ok(partial_success(&response)) } else { Err(refused(target, &response)) }
}

fn partial_success(response: &HttpResponse) -> PartialSuccess {
    if is_json(response) {
        serde_json::from_slice(&response.body)
            .map_or_else(|_| PartialSuccess::default(), |json| PartialSuccess::of_json(&json))
    } else if content_type(response).starts_with("application/x-protobuf") {
        PartialSuccess::of_protobuf(&response.body)
    } else {
        // Some destinations answer with a page or a word; what they took they took.
        PartialSuccess::default()
    }
}

fn refused(target: &Target, response: &HttpResponse) -> DeliveryError {
    let status = response.status.as_u16();
    let mut reason =
        format!("error exporting items, request to {} responded with HTTP Status Code {status}", target.url());
    let message = message(response);
    if !message.is_empty() {
        reason = format!("{reason}, Message={message}");
    }
    match (status, response.retry_after) {
        (429 | 502 | 503 | 504, Some(after)) if !after.is_zero() => DeliveryError::Throttled { after, reason },
        (429 | 502 | 503 | 504, _) => DeliveryError::Retryable(reason),
        _ => DeliveryError::Permanent(reason),
    }
}

fn message(response: &HttpResponse) -> String {
    if is_json(response) {
        let json: serde_json::Value = serde_json::from_slice(&response.body).unwrap_or_default();
        json["message"].as_str().unwrap_or_default().to_owned()
    } else if content_type(response).starts_with("application/x-protobuf") {
        Status::decode(&response.body).message
    } else {
        String::from_utf8_lossy(response.body.get(..256).unwrap_or(&response.body)).trim().to_owned()
    }
}

fn content_type(response: &HttpResponse) -> &str {
    response.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

fn is_json(response: &HttpResponse) -> bool {
    content_type(response).starts_with("application/json")
}
