//! How a call ended: well, by a fault of the called, or by an error of the caller's making.

use super::said::{RpcStatus, Said};

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Outcome {
    /// Well.
    #[default]
    Fine,
    /// No answer, 5xx, failing gRPC or database codes; or only somebody's word that it failed.
    Fault,
    /// 4xx and kin.
    ClientError,
}

impl Outcome {
    /// The outcome of a call of which `said` tells; `failed` is what the span's status says, for want of better.
    pub(super) fn of(said: &Said<'_>, failed: bool) -> Self {
        let told = said.http_status.and_then(of_http).or_else(|| said.rpc_status.and_then(of_rpc));
        match told {
            // An answer that looks well may still be cut short or of the wrong kind.
            Some(Self::Fine) | None if failed || said.error_type.is_some() => Self::Fault,
            Some(outcome) => outcome,
            None => Self::Fine,
        }
    }
}

fn of_http(status: i64) -> Option<Outcome> {
    match status {
        100..=399 => Some(Outcome::Fine),
        400..=499 => Some(Outcome::ClientError),
        500..=599 => Some(Outcome::Fault),
        _ => None,
    }
}

/// gRPC's codes by name and number; true for those that OpenTelemetry counts as the server's.
const GRPC: [(&str, bool); 17] = [
    ("OK", false),
    ("CANCELLED", false),
    ("UNKNOWN", true),
    ("INVALID_ARGUMENT", false),
    ("DEADLINE_EXCEEDED", true),
    ("NOT_FOUND", false),
    ("ALREADY_EXISTS", false),
    ("PERMISSION_DENIED", false),
    ("RESOURCE_EXHAUSTED", false),
    ("FAILED_PRECONDITION", false),
    ("ABORTED", false),
    ("OUT_OF_RANGE", false),
    ("UNIMPLEMENTED", true),
    ("INTERNAL", true),
    ("UNAVAILABLE", true),
    ("DATA_LOSS", true),
    ("UNAUTHENTICATED", false),
];

fn of_rpc(status: RpcStatus<'_>) -> Option<Outcome> {
    let code = match status {
        RpcStatus::Number(code) => usize::try_from(code).ok()?,
        RpcStatus::Name(name) => GRPC.iter().position(|(known, _)| *known == name)?,
    };
    let (_, is_fault) = GRPC.get(code)?;
    Some(match (code, is_fault) {
        (0, _) => Outcome::Fine,
        (_, true) => Outcome::Fault,
        (_, false) => Outcome::ClientError,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn http(status: i64, failed: bool) -> Outcome {
        Outcome::of(&Said { http_status: Some(status), ..Said::default() }, failed)
    }

    fn rpc(status: RpcStatus<'_>, failed: bool) -> Outcome {
        Outcome::of(&Said { rpc_status: Some(status), ..Said::default() }, failed)
    }

    #[test]
    fn a_clients_mistake_is_no_fault_even_if_its_span_says_error() {
        assert_eq!(http(404, true), Outcome::ClientError);
        assert_eq!(rpc(RpcStatus::Number(5), true), Outcome::ClientError);
        assert_eq!(rpc(RpcStatus::Name("UNAUTHENTICATED"), true), Outcome::ClientError);
    }

    #[test]
    fn codes_of_the_server_are_faults_even_if_the_span_says_nothing() {
        assert_eq!(http(503, false), Outcome::Fault);
        assert_eq!(rpc(RpcStatus::Number(14), false), Outcome::Fault);
        assert_eq!(rpc(RpcStatus::Name("INTERNAL"), false), Outcome::Fault);
    }

    #[test]
    fn where_only_a_boolean_exists_it_is_a_fault() {
        assert_eq!(Outcome::of(&Said::default(), true), Outcome::Fault);
        assert_eq!(Outcome::of(&Said { error_type: Some("timeout"), ..Said::default() }, false), Outcome::Fault);
        assert_eq!(rpc(RpcStatus::Name("SERVER_ERROR"), true), Outcome::Fault);
        assert_eq!(http(200, true), Outcome::Fault);
        assert_eq!(Outcome::of(&Said::default(), false), Outcome::Fine);
    }
}
